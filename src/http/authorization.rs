//! `Authorization` of a login: a bearer token, or a name and a password (RFC 6750, RFC 7617).

use std::fmt;

use base64::Engine as _;
use memchr::memchr;
use zeroize::Zeroizing;

use super::Head;
use super::credential::BASE64;

/// Content of a request's `Authorization`. Printed as the name of its variant only.
pub enum Authorization {
    /// No such field, or another scheme.
    None,
    /// A token.
    Bearer(Zeroizing<String>),
    /// A name and a password, both not empty.
    Basic {
        /// Text before the first colon.
        name: Zeroizing<String>,
        /// Text after the first colon.
        password: Zeroizing<String>,
    },
    /// A field that cannot be read, or two that differ.
    Malformed,
}

impl Authorization {
    /// Reads the header field.
    pub fn of(head: &Head<'_>) -> Self {
        match head.only("authorization") {
            Ok(None) => Self::None,
            Ok(Some(value)) => Self::read(value),
            Err(_) => Self::Malformed,
        }
    }

    fn read(value: &[u8]) -> Self {
        let split = memchr(b' ', value).and_then(|blank| value.split_at_checked(blank));
        let (scheme, rest) = split.map_or((value, &b""[..]), |(scheme, rest)| (scheme, rest.trim_ascii()));
        if scheme.eq_ignore_ascii_case(b"bearer") {
            match text(rest) {
                Some(token) if !token.is_empty() => Self::Bearer(token),
                Some(_) => Self::None,
                None => Self::Malformed,
            }
        } else if scheme.eq_ignore_ascii_case(b"basic") {
            basic(rest)
        } else {
            Self::None
        }
    }
}

fn basic(encoded: &[u8]) -> Authorization {
    // Full capacity from the start: growing would leave an unwiped copy.
    let mut decoded = Zeroizing::new(Vec::with_capacity(encoded.len()));
    if encoded.is_empty() || BASE64.decode_vec(encoded, &mut decoded).is_err() {
        return Authorization::Malformed;
    }
    let Some(colon) = memchr(b':', &decoded) else { return Authorization::Malformed };
    let (name, password) = decoded.split_at_checked(colon).unwrap_or_default();
    match (text(name), text(password.get(1..).unwrap_or_default())) {
        (Some(name), Some(password)) if name.is_empty() || password.is_empty() => Authorization::None,
        (Some(name), Some(password)) => Authorization::Basic { name, password },
        (None, _) | (_, None) => Authorization::Malformed,
    }
}

fn text(bytes: &[u8]) -> Option<Zeroizing<String>> {
    std::str::from_utf8(bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bearer(_) => "Bearer",
            Self::Basic { .. } => "Basic",
            Self::Malformed => "Malformed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> String {
        match Authorization::read(value.trim().as_bytes()) {
            Authorization::Bearer(token) => format!("bearer {}", *token),
            Authorization::Basic { name, password } => format!("{}|{}", *name, *password),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn each_scheme_is_read_in_any_case_and_others_are_none() {
        for (value, expected) in [
            ("Bearer a.b", "bearer a.b"),
            ("bearer   a.b ", "bearer a.b"),
            ("Basic YTpiOmM=", "a|b:c"),
            ("BASIC YTpi", "a|b"),
            ("Basic Og==", "None"),
            ("Basic YTo=", "None"),
            ("Basic OmI=", "None"),
            ("Basic YQ==", "Malformed"),
            ("Basic ?", "Malformed"),
            ("Basic", "Malformed"),
            ("Basic /zov", "Malformed"),
            ("Bearer", "None"),
            ("Digest a", "None"),
            ("a.b", "None"),
            ("", "None"),
        ] {
            assert_eq!(read(value), expected, "{value}");
        }
    }
}
