//! Short names, stored in place: copying one allocates nothing.

use std::fmt;
use std::str::FromStr;

use crate::key::ParseError;
use crate::limits;

macro_rules! short_name {
    ($(#[$doc:meta])* $name:ident, $bytes:expr, $what:literal, $problem:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            /// Padded with zeros, which no name contains: equal names have equal bytes.
            bytes: [u8; $bytes],
        }

        impl $name {
            /// Text of the name.
            pub fn as_str(&self) -> &str {
                text(&self.bytes)
            }

            /// Returns a name that is checked when the program is compiled.
            pub(crate) const fn known(name: &str) -> Self {
                assert!(is_name(name.as_bytes(), $bytes));
                Self { bytes: padded(name.as_bytes()) }
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                if is_name(text.as_bytes(), $bytes) {
                    Ok(Self { bytes: padded(text.as_bytes()) })
                } else {
                    Err(ParseError::new($what, $problem))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }
    };
}

short_name!(
    /// Name of a keyspace: 1 to 32 of `a-z0-9-`, the first a letter.
    KeyspaceName,
    limits::KEYSPACE_NAME_BYTES_MAX,
    "keyspace",
    "must be 1 to 32 of a-z 0-9 -, starting with a letter"
);
short_name!(
    /// Name of a rate limit: 1 to 16 of `a-z0-9-`, the first a letter.
    LimitName,
    limits::LIMIT_NAME_BYTES_MAX,
    "limit",
    "must be 1 to 16 of a-z 0-9 -, starting with a letter"
);

const fn is_name(bytes: &[u8], longest: usize) -> bool {
    let Some((first, mut rest)) = bytes.split_first() else { return false };
    if !first.is_ascii_lowercase() || bytes.len() > longest {
        return false;
    }
    while let Some((byte, after)) = rest.split_first() {
        if !byte.is_ascii_lowercase() && !byte.is_ascii_digit() && *byte != b'-' {
            return false;
        }
        rest = after;
    }
    true
}

const fn padded<const BYTES: usize>(name: &[u8]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    if let Some((start, _)) = bytes.split_at_mut_checked(name.len()) {
        start.copy_from_slice(name);
    }
    bytes
}

fn text(padded: &[u8]) -> &str {
    let end = padded.iter().position(|byte| *byte == 0).unwrap_or(padded.len());
    padded.get(..end).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_plain_and_start_with_a_letter() {
        for good in ["a", "native", "a-9", &"a".repeat(32)] {
            assert_eq!(good.parse::<KeyspaceName>().unwrap().as_str(), good);
        }
        for wrong in ["", "-a", "9a", "A", "a_b", "a b", "a\0", "ä", &"a".repeat(33)] {
            assert!(wrong.parse::<LimitName>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn names_sort_as_their_texts_do() {
        let names = ["a", "a-", "aa", "ab", "b"].map(|name| name.parse::<LimitName>().unwrap());
        assert!(names.is_sorted());
    }

    #[test]
    fn a_name_is_written_as_it_is_and_printed_in_quotes() {
        let name: LimitName = "per-day".parse().unwrap();
        assert_eq!((name.to_string().as_str(), format!("{name:?}").as_str()), ("per-day", "\"per-day\""));
        assert_eq!(LimitName::known("per-day"), name);
        assert!("a".repeat(16).parse::<LimitName>().is_ok() && "a".repeat(17).parse::<LimitName>().is_err());
    }
}
