//! Credentials: the key text that a request presents.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::{Head, Query, TwoKeys};

/// Key text that a request presents, borrowed from the request unless it had to be decoded. Printed as its type name
/// only; a decoded text is wiped when dropped.
pub struct Presented<'a>(Text<'a>);

enum Text<'a> {
    Sent(&'a [u8]),
    Decoded(Zeroizing<Vec<u8>>),
}

impl<'a> Presented<'a> {
    /// Key text as sent.
    pub const fn sent(bytes: &'a [u8]) -> Self {
        Self(Text::Sent(bytes))
    }

    /// Key text that was decoded.
    pub const fn decoded(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(Text::Decoded(bytes))
    }

    /// Text to verify. Bytes that are not UTF-8 give the empty text, which is no key's.
    pub fn reveal(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    /// Whether both are the same key text.
    pub fn is(&self, other: &Presented<'_>) -> bool {
        self.bytes() == other.bytes()
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Sent(bytes) => bytes,
            Text::Decoded(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented")
    }
}

/// Part of `Authorization: Basic` that is the key text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basic {
    /// The user name.
    User,
    /// User name, colon and password: some key texts are made of both.
    Whole,
}

/// Schemes of `Authorization` that the key text follows as it is; their case does not count. Beside `Bearer`, clients
/// of other key systems send them.
const SCHEMES: [&[u8]; 4] = [b"bearer", b"api-key", b"apikey", b"token"];

/// Key text that a request presents: in `Authorization` (`Bearer`, `Api-Key`, `ApiKey`, `Token`, `Basic`, or bare), in
/// `X-API-Key`, in `apikey`, or as `api_key` in one of `queries`. `None` when there is none.
///
/// # Errors
/// [`TwoKeys`] when there are two that differ; the same text twice is one.
pub fn presented<'a>(
    head: &Head<'a>,
    basic: Basic,
    queries: impl IntoIterator<Item = &'a str>,
) -> Result<Option<Presented<'a>>, TwoKeys> {
    let mut found = Ok(None);
    head.fields.each("authorization", &mut |value| {
        if let Some(key) = authorization(value, basic) {
            one(&mut found, key);
        }
    });
    for name in ["x-api-key", "apikey"] {
        head.fields.each(name, &mut |value| one(&mut found, Presented::sent(value)));
    }
    for query in queries {
        Query::new(query).values("api_key").for_each(|value| one(&mut found, decoded(value)));
    }
    found
}

fn one<'a>(found: &mut Result<Option<Presented<'a>>, TwoKeys>, key: Presented<'a>) {
    match found {
        Ok(Some(other)) if !other.is(&key) => *found = Err(TwoKeys),
        Ok(None) => *found = Ok(Some(key)),
        Ok(Some(_)) | Err(TwoKeys) => {}
    }
}

/// Key text in a value of `Authorization`; `None` for a scheme that carries none.
fn authorization(value: &[u8], basic: Basic) -> Option<Presented<'_>> {
    let Some(blank) = memchr::memchr(b' ', value) else { return Some(Presented::sent(value)) };
    let (scheme, rest) = value.split_at_checked(blank)?;
    let rest = rest.trim_ascii();
    if SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        Some(Presented::sent(rest))
    } else if scheme.eq_ignore_ascii_case(b"basic") {
        // Full capacity from the start: growing would leave an unwiped copy.
        let mut decoded = Zeroizing::new(Vec::with_capacity(rest.len()));
        let whole = BASE64.decode_vec(rest, &mut decoded).is_ok();
        let end = match basic {
            _ if !whole => 0,
            Basic::Whole => decoded.len(),
            Basic::User => memchr::memchr(b':', &decoded).unwrap_or(decoded.len()),
        };
        decoded.truncate(end);
        Some(Presented::decoded(decoded))
    } else {
        None
    }
}

pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn decoded(value: &str) -> Presented<'_> {
    match percent_decode(value.as_bytes()).into() {
        Cow::Borrowed(bytes) => Presented::sent(bytes),
        Cow::Owned(bytes) => Presented::decoded(Zeroizing::new(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::Entrance;

    fn key(fields: &[(&str, &str)], basic: Basic, query: &str) -> Result<Option<String>, TwoKeys> {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        let head = Head {
            method: "GET",
            path: "/",
            query,
            client: None,
            entrance: Entrance::Local,
            fields: &fields,
        };
        presented(&head, basic, [query]).map(|key| key.map(|key| key.reveal().to_owned()))
    }

    #[test]
    fn a_key_is_found_in_every_place_for_it() {
        for (fields, query, expected) in [
            (&[][..], "", None),
            (&[("authorization", "Bearer kw_1")], "", Some("kw_1")),
            (&[("authorization", "bearer  kw_1 ")], "", Some("kw_1")),
            (&[("authorization", "kw_1")], "", Some("kw_1")),
            (&[("authorization", "Basic a3dfMTo=")], "", Some("kw_1")),
            (&[("authorization", "BASIC a3dfMTpwYXNz")], "", Some("kw_1")),
            (&[("authorization", "Basic a3dfMQ")], "", Some("kw_1")),
            (&[("authorization", "Basic ?")], "", Some("")),
            (&[("authorization", "Api-Key kw_1")], "", Some("kw_1")),
            (&[("authorization", "API-KEY  kw_1 ")], "", Some("kw_1")),
            (&[("authorization", "ApiKey kw_1")], "", Some("kw_1")),
            (&[("authorization", "tOkEn kw_1")], "", Some("kw_1")),
            (&[("apikey", "kw_1")], "", Some("kw_1")),
            (&[("authorization", "Digest username=x")], "", None),
            (&[("authorization", "Api_Key kw_1")], "", None),
            (&[("authorization", "Tokens kw_1")], "", None),
            (&[("x-api-key", "kw_1")], "", Some("kw_1")),
            (&[("x-api-key", "")], "", Some("")),
            (&[], "api_key=kw_1", Some("kw_1")),
            (&[], "a=b&api_key=k%77_1&c", Some("kw_1")),
            (&[], "apikey=kw_1&xapi_key=kw_2", None),
        ] {
            assert_eq!(
                key(fields, Basic::User, query),
                Ok(expected.map(str::to_owned)),
                "{fields:?} {query}"
            );
        }
        let basic = [("authorization", "Basic a3dfMTpwYXNz")];
        assert_eq!(key(&basic, Basic::Whole, ""), Ok(Some("kw_1:pass".to_owned())));
    }

    #[test]
    fn two_different_keys_are_refused_and_the_same_twice_is_one() {
        for (fields, query) in [
            (&[("authorization", "Bearer a"), ("x-api-key", "b")][..], ""),
            (&[("authorization", "Bearer a"), ("authorization", "Bearer b")], ""),
            (&[("authorization", "Token a"), ("authorization", "Api-Key b")], ""),
            (&[("apikey", "a"), ("x-api-key", "b")], ""),
            (&[("apikey", "a"), ("apikey", "b")], ""),
            (&[("x-api-key", "a"), ("x-api-key", "b")], ""),
            (&[("x-api-key", "a")], "api_key=b"),
            (&[], "api_key=a&api_key=b"),
            (&[("authorization", "Basic YTo="), ("x-api-key", "b")], ""),
            (&[("x-api-key", "a"), ("x-api-key", "")], ""),
        ] {
            assert_eq!(key(fields, Basic::User, query), Err(TwoKeys), "{fields:?} {query}");
        }
        let same = [
            ("authorization", "Bearer a"),
            ("authorization", "a"),
            ("authorization", "Basic YTpi"),
            ("authorization", "Api-Key a"),
            ("x-api-key", "a"),
            ("apikey", "a"),
        ];
        assert_eq!(key(&same, Basic::User, "api_key=a&api_key=%61"), Ok(Some("a".to_owned())));
    }

    proptest! {
        #[test]
        fn any_field_is_read(value in prop::collection::vec(any::<u8>(), 0..60), query in ".{0,60}") {
            let fields = vec![("authorization".to_owned(), value)];
            let head = Head {
                method: "GET",
                path: "/",
                query: &query,
                client: None,
                entrance: Entrance::Local,
                fields: &fields,
            };
            for basic in [Basic::User, Basic::Whole] {
                let _ = presented(&head, basic, [query.as_str()]);
            }
        }
    }
}
