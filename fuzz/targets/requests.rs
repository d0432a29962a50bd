//! HTTP requests as readable inputs, and the contents of their answers.

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use keyward::http::{Body, Entrance, RawRequest, RawResponse};

/// Most requests of one input.
const REQUESTS_MAX: usize = 8;
const SEPARATOR: &[u8] = b"\n###\n";

/// As credentials are read: also without their padding.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Texts that the client has sent, which answers may repeat.
#[derive(Default)]
pub(crate) struct Said(String);

impl Said {
    pub(crate) fn hear(&mut self, request: &RawRequest) {
        let body = String::from_utf8_lossy(request.body.bytes());
        self.0.extend([&request.path, "\n", &request.query, "\n", &*body, "\n"]);
    }

    /// Whether they may have said this. Escapes spell the same text in many ways.
    pub(crate) fn contains(&self, text: &str) -> bool {
        ["\\", "%", "&#", text].iter().any(|part| self.0.contains(part))
    }
}

/// Reads requests, one after the other with a line `###` between them: method, target and perhaps `too-large` or
/// `incomplete`, then header fields, an empty line and the body. Every `{name}` is replaced by the value it has in
/// `names`.
pub(crate) fn requests(input: &[u8], names: &[(&str, String)]) -> Vec<RawRequest> {
    split(&filled_in(input, names), SEPARATOR).into_iter().take(REQUESTS_MAX).map(request).collect()
}

/// The one value of a header field of an answer.
pub(crate) fn header<'a>(response: &'a RawResponse, name: &str) -> Option<&'a str> {
    let mut values = response.headers.iter().filter(|(field, _)| *field == name);
    let value = values.next().map(|(_, value)| &**value);
    assert!(values.next().is_none(), "{name} is there twice");
    value
}

fn request(text: &[u8]) -> RawRequest {
    let end = text.windows(2).position(|pair| pair == b"\n\n").unwrap_or(text.len());
    let body = text.get(end + 2..).unwrap_or_default().to_vec();
    let head = String::from_utf8_lossy(&text[..end]);
    let mut lines = head.split('\n');
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(": "));
    RawRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.into())).collect(),
        client: Some([192, 0, 2, 7].into()),
        entrance: Entrance::Network { peer: [192, 0, 2, 7].into() },
        body: match words.next() {
            Some("too-large") => Body::TooLarge,
            Some("incomplete") => Body::Incomplete,
            _ => Body::Whole(body),
        },
    }
}

fn split<'a>(mut input: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(at) = input.windows(separator.len()).position(|part| part == separator) {
        parts.push(&input[..at]);
        input = &input[at + separator.len()..];
    }
    parts.push(input);
    parts
}

fn filled_in(input: &[u8], names: &[(&str, String)]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(input.len());
    let mut rest = input;
    while let Some((first, after)) = rest.split_first() {
        let named = names.iter().find_map(|(name, value)| {
            let after = after.strip_prefix(name.as_bytes())?.strip_prefix(b"}")?;
            (*first == b'{').then_some((value, after))
        });
        match named {
            Some((value, after)) => {
                filled.extend_from_slice(value.as_bytes());
                rest = after;
            }
            None => {
                filled.push(*first);
                rest = after;
            }
        }
    }
    filled
}
