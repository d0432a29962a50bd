//! Form bodies: both encodings of the same fields read the same, plain fields read as in a plain model, and bounds
//! hold whatever comes.

use std::collections::BTreeMap;

use keyward::http::{Body, Entrance, Field, Form, RawRequest};
use keyward::limits;

const URLENCODED: &str = "application/x-www-form-urlencoded";
const BOUNDARY: &str = "d74496d6";

/// Reads the first line as a content type and the rest as a body, then the rest as a body in both encodings.
pub fn run(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (content_type, body) = bytes.split_at(end);
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let form = read(content_type, body);
    for name in ["apikey", "a", "B", "0"] {
        form.field(name).inspect(|field| bounded(field, 0, body.len()));
    }
    let pairs = pairs(body);
    let form = read(URLENCODED.as_bytes(), body);
    reads_as_modelled(&form, &pairs, body.len());
    reads_as_multipart(&form, &pairs);
}

fn read(content_type: &[u8], body: &[u8]) -> Form {
    Form::read(&RawRequest {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: vec![("content-type".to_owned(), content_type.to_vec())],
        client: None,
        entrance: Entrance::Local,
        body: Body::Whole(body.to_vec()),
    })
}

type Pair = (Vec<u8>, Vec<u8>);

/// Names and values of an urlencoded body, as far as they are looked at.
fn pairs(body: &[u8]) -> Vec<Pair> {
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let pairs = pairs.take(limits::FORM_FIELDS_MAX).map(|pair| {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (decoded(&pair[..end]), decoded(pair.get(end + 1..).unwrap_or_default()))
    });
    pairs.collect()
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut at) = (Vec::new(), 0);
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => bytes.push(b' '),
            (byte, ..) => bytes.push(byte),
        }
        at += 1;
    }
    bytes
}

/// The name that PHP's variables have for a field, before any bracket.
fn root(name: &[u8]) -> Vec<u8> {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    let start = name[..end].iter().take_while(|byte| **byte == b' ').count();
    let plain = name[start..end].split(|byte| *byte == b'[').next().unwrap_or_default();
    plain.iter().map(|byte| if b" .".contains(byte) { b'_' } else { *byte }).collect()
}

/// Without brackets, of every name the last value counts.
fn reads_as_modelled(form: &Form, pairs: &[Pair], body: usize) {
    let bracket = pairs.iter().any(|(name, _)| name.contains(&b'['));
    let expected: BTreeMap<Vec<u8>, &Vec<u8>> =
        pairs.iter().map(|(name, value)| (root(name), value)).collect();
    for (name, value) in expected {
        let Ok(name) = String::from_utf8(name) else { continue };
        let field = form.field(&name);
        field.inspect(|field| bounded(field, 0, body));
        if name.is_empty() {
            assert!(field.is_none(), "a field without a name");
        } else if !bracket {
            let Some(Field::Text(text)) = field else { panic!("{name:?} is missing") };
            assert_eq!(**text, **value, "{name:?}");
        }
    }
}

/// Arrays are never empty nor too deep, and nothing comes from nowhere.
fn bounded(field: &Field, depth: usize, bytes: usize) {
    assert!(depth <= limits::FORM_NESTING_MAX, "an array {depth} deep");
    match field {
        Field::Text(text) => assert!(text.len() <= bytes, "a value longer than the body"),
        Field::Array(inner) => {
            assert!(!inner.is_empty(), "an empty array");
            inner.values().for_each(|field| bounded(field, depth + 1, bytes));
        }
    }
}

/// The same fields in the other encoding, as far as a multipart head can name them.
fn reads_as_multipart(form: &Form, pairs: &[Pair]) {
    let nameable = |name: &[u8]| name.iter().all(|byte| *byte >= b' ' && *byte != 0x7F);
    let has_boundary = |value: &[u8]| value.windows(BOUNDARY.len()).any(|part| part == BOUNDARY.as_bytes());
    if !pairs.iter().all(|(name, value)| nameable(name) && !has_boundary(name) && !has_boundary(value)) {
        return;
    }
    let mut body = Vec::new();
    for (name, value) in pairs {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"").bytes());
        for byte in name {
            body.extend(b"\\\"".contains(byte).then_some(b'\\'));
            body.push(*byte);
        }
        body.extend_from_slice(b"\"\r\n\r\n");
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    let other = read(format!("multipart/form-data; boundary={BOUNDARY}").as_bytes(), &body);
    for (name, _) in pairs {
        // A bracket that never closes stays in the name.
        for name in
            [root(name), name.iter().map(|byte| if b" .[".contains(byte) { b'_' } else { *byte }).collect()]
        {
            let Ok(name) = String::from_utf8(name) else { continue };
            match (form.field(&name), other.field(&name)) {
                (None, None) => {}
                (Some(one), Some(other)) => assert!(same(one, other), "{name:?} differs"),
                _ => panic!("{name:?} is there in one encoding only"),
            }
        }
    }
}

fn same(one: &Field, other: &Field) -> bool {
    match (one, other) {
        (Field::Text(one), Field::Text(other)) => one == other,
        (Field::Array(one), Field::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((a, one), (b, other))| a == b && same(one, other))
        }
        _ => false,
    }
}
