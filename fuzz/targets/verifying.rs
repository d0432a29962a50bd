//! Which key is good for what, as a plain list knows it; and where in a request a key can stand.

use std::net::IpAddr;

use keyward::http::RawRequest;
use keyward::key::{InQuery, KeyFormat, KeyId, Keyspace};

/// The words for levels 0 to 8.
pub(crate) const PERMISSIONS: [&str; 9] = [
    "authenticate",
    "read-some",
    "read",
    "write-some",
    "write",
    "read-others",
    "administer",
    "support",
    "all",
];

/// A key that a client holds.
#[derive(Debug)]
pub(crate) struct NarrowedBy {
    pub(crate) name: &'static str,
    pub(crate) id: KeyId,
    pub(crate) text: String,
    pub(crate) keyspace: Keyspace,
    pub(crate) owner: &'static str,
    /// What it may do: the lower of its own level and its owner's.
    pub(crate) level: u8,
    /// Deny reason of the key, for any caller.
    pub(crate) fault: Option<&'static str>,
    /// The one network it may be used from.
    pub(crate) network: Option<[u8; 3]>,
    /// Its rate limits, and what is left of each.
    pub(crate) limits: Vec<(&'static str, u32)>,
}

/// What a key is to be good for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) keyspace: Keyspace,
    pub(crate) client: Option<IpAddr>,
    pub(crate) level: u8,
    pub(crate) limit: Option<String>,
    pub(crate) cost: u32,
}

impl Wanted {
    /// Nothing but being good.
    pub(crate) fn nothing(keyspace: Keyspace, client: Option<IpAddr>) -> Self {
        Self { keyspace, client, level: 0, limit: None, cost: 1 }
    }
}

/// What is to be answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    NoKey,
    TwoKeys,
    Denied(&'static str),
    /// Which key, and what is left of its rate limits.
    Allowed(usize, Option<u32>),
}

impl Verdict {
    /// Status and code, as told outside.
    pub(crate) fn outside(self) -> (u16, &'static str) {
        match self {
            Self::NoKey => (401, "no_key"),
            Self::TwoKeys => (400, "invalid_request"),
            Self::Denied("level_too_low") => (403, "insufficient_scope"),
            Self::Denied("rate_limited") => (429, "rate_limited"),
            Self::Denied("no_such_limit") => (403, "no_such_limit"),
            Self::Denied(_) => (401, "invalid_token"),
            Self::Allowed(..) => (200, "valid"),
        }
    }
}

/// Decides about what was presented, and spends what it costs.
pub(crate) fn decide(keys: &mut [NarrowedBy], presented: &Presented, wanted: &Wanted) -> Verdict {
    let text = match presented {
        Presented::None => return Verdict::NoKey,
        Presented::Two => return Verdict::TwoKeys,
        Presented::One(text) => text,
    };
    let Some(at) = keys.iter().position(|key| key.text.as_bytes() == text) else {
        return Verdict::Denied("unknown");
    };
    let key = &mut keys[at];
    let faults = [
        // A text has the form of one keyspace only.
        (key.keyspace != wanted.keyspace).then_some("unknown"),
        key.fault,
        key.network.is_some_and(|network| !is_in(wanted.client, network)).then_some("address_not_allowed"),
        (key.level < wanted.level).then_some("level_too_low"),
        wanted
            .limit
            .as_ref()
            .is_some_and(|wanted| key.limits.iter().all(|(limit, _)| wanted != limit))
            .then_some("no_such_limit"),
    ];
    if let Some(fault) = faults.into_iter().flatten().next() {
        return Verdict::Denied(fault);
    }
    let concerned = |limit: &str| wanted.limit.as_ref().is_none_or(|wanted| wanted == limit);
    let mut left: Vec<_> = key.limits.iter_mut().filter(|(limit, _)| concerned(limit)).collect();
    if left.iter().any(|(_, left)| *left < wanted.cost) {
        return Verdict::Denied("rate_limited");
    }
    left.iter_mut().for_each(|(_, left)| *left -= wanted.cost);
    Verdict::Allowed(at, left.iter().map(|(_, left)| *left).min())
}

fn is_in(client: Option<IpAddr>, network: [u8; 3]) -> bool {
    match client.map(|client| client.to_canonical()) {
        Some(IpAddr::V4(client)) => client.octets()[..3] == network,
        _ => false,
    }
}

/// The keys that a request presents.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Presented {
    None,
    One(Vec<u8>),
    /// At least two that differ.
    Two,
}

impl Presented {
    /// What the header fields have, and `queries` where the keyspace takes keys there.
    pub(crate) fn of(request: &RawRequest, keyspace: Keyspace, queries: &[&str]) -> Self {
        let mut found = Self::None;
        for (name, value) in &request.headers {
            match name.as_str() {
                "x-api-key" | "apikey" => found.put(value.clone()),
                "authorization" => authorization(value, keyspace).into_iter().for_each(|key| found.put(key)),
                _ => {}
            }
        }
        let queries = if keyspace.in_query() == InQuery::Taken { queries } else { &[] };
        for pair in queries.iter().flat_map(|query| query.split('&')) {
            if let Some(value) = pair.strip_prefix("api_key=") {
                found.put(percent_decoded(value));
            }
        }
        found
    }

    /// Also this one.
    pub(crate) fn put(&mut self, key: Vec<u8>) {
        match self {
            Self::None => *self = Self::One(key),
            Self::One(other) if *other == key => {}
            Self::One(_) | Self::Two => *self = Self::Two,
        }
    }
}

fn authorization(value: &[u8], keyspace: Keyspace) -> Option<Vec<u8>> {
    let Some(blank) = value.iter().position(|byte| *byte == b' ') else { return Some(value.to_vec()) };
    let (scheme, rest) = (value[..blank].to_ascii_lowercase(), value[blank..].trim_ascii());
    match scheme.as_slice() {
        b"bearer" | b"api-key" | b"apikey" | b"token" => Some(rest.to_vec()),
        b"basic" => {
            let decoded = base64_decoded(rest).unwrap_or_default();
            let user = decoded.split(|byte| *byte == b':').next().unwrap().to_vec();
            Some(if keyspace.format() == KeyFormat::FreeSewing { decoded } else { user })
        }
        _ => None,
    }
}

const BASE_64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// With as much padding as is due, or less.
fn base64_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    let padding = &text[end..];
    if padding.iter().any(|byte| *byte != b'=') || padding.len() > (4 - end % 4) % 4 || end % 4 == 1 {
        return None;
    }
    let (mut decoded, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in &text[..end] {
        let digit = BASE_64.iter().position(|letter| letter == byte)?;
        bits = bits << 6 | u32::try_from(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    (bits & ((1 << count) - 1) == 0).then_some(decoded)
}

/// With all padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().chain([&0, &0]).take(3).fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        for place in 0..4 {
            let letter = char::from(BASE_64[bits >> (18 - 6 * place) & 63]);
            text.push(if place > chunk.len() { '=' } else { letter });
        }
    }
    text
}

/// Where no two hexadecimal digits follow, a percent sign is one.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let (mut decoded, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        match digits.filter(|_| *first == b'%') {
            Some(digits) => {
                let digits = std::str::from_utf8(digits).unwrap();
                decoded.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &after[2..];
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}
