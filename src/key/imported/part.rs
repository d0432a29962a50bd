//! Digests of a part of a key text, as systems make them whose keys begin with a public name.

use std::fmt;
use std::str::FromStr;

use crate::key::{DigestScheme, ParseError, Pepper, Prefix, StoredLookupKey};
use crate::limits;

/// Part of a key text that another system made a digest of: the text behind a separator.
///
/// ```
/// use keyward::key::Part;
/// let sanctum: Part = "after:|".parse()?;
/// assert_eq!(sanctum.split("12|abc|d"), Some(("12", "abc|d")));
/// let seam: Part = "last:_".parse()?;
/// assert_eq!(seam.split("seam_12_abc"), Some(("seam_12", "abc")));
/// # Ok::<(), keyward::key::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    follows: Follows,
    separator: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    First,
    Last,
}

impl Part {
    /// Returns the text before the separator and the part behind it; `None` without such a part.
    pub fn split<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let parts = match self.follows {
            Follows::First => text.split_once(&self.separator),
            Follows::Last => text.rsplit_once(&self.separator),
        };
        parts.filter(|(_, part)| !part.is_empty())
    }
}

impl FromStr for Part {
    type Err = ParseError;

    /// Reads `after:` and a separator for the part behind its first occurrence, `last:` for the part behind its last.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (follows, separator) = match text.split_once(':') {
            Some(("after", separator)) => (Follows::First, separator),
            Some(("last", separator)) => (Follows::Last, separator),
            Some(_) | None => return Err(ParseError::new("of", "must begin with after: or last:")),
        };
        let is_visible = separator.bytes().all(|byte| byte.is_ascii_graphic());
        if is_visible && (1..=limits::SEPARATOR_BYTES_MAX).contains(&separator.len()) {
            Ok(Self { follows, separator: separator.to_owned() })
        } else {
            Err(ParseError::new("of", "must have a separator of 1 to 8 visible ASCII characters"))
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let follows = match self.follows {
            Follows::First => "after",
            Follows::Last => "last",
        };
        write!(f, "{follows}:{}", self.separator)
    }
}

/// Digest scheme of another system, and the part that it is computed of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartScheme {
    /// Scheme.
    pub scheme: DigestScheme,
    /// Part.
    pub part: Part,
}

impl PartScheme {
    /// Name that no other scheme has, its secret aside. Includes the text before the part where that counts.
    pub(in crate::key) fn name(&self, before: Option<&Prefix>) -> String {
        let Self { scheme, part } = self;
        match before {
            // No separator has a blank.
            Some(before) => format!("{} of {part} behind {before}", scheme.name()),
            None => format!("{} of {part}", scheme.name()),
        }
    }

    /// Returns the lookup key of a key of which only this digest is known, as [`DigestScheme::lookup_key`] does. `before` is
    /// the required text before the part; `None` allows any.
    ///
    /// # Errors
    /// Never: the made-up prefix is always valid.
    pub fn lookup_key(
        &self,
        before: Option<&Prefix>,
        digest: &[u8],
        pepper: &Pepper,
    ) -> Result<StoredLookupKey, ParseError> {
        self.scheme.named_lookup_key(&self.name(before), digest, pepper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_follows_the_first_or_the_last_separator() {
        for (part, text, split) in [
            ("after:|", "12|abc", Some(("12", "abc"))),
            ("after:|", "12|abc|d", Some(("12", "abc|d"))),
            ("after:|", "abc", None),
            ("after:|", "12|", None),
            ("after:|", "|abc", Some(("", "abc"))),
            ("last:_", "seam_short_long", Some(("seam_short", "long"))),
            ("last:_", "seam_short_", None),
            ("last:--", "a--b--c", Some(("a--b", "c"))),
            ("after::", "a:b:c", Some(("a", "b:c"))),
        ] {
            assert_eq!(part.parse::<Part>().unwrap().split(text), split, "{part} of {text}");
        }
    }

    #[test]
    fn a_part_is_told_as_it_was_given_and_only_so() {
        for given in ["after:|", "last:_", "after::", "last:12345678"] {
            assert_eq!(given.parse::<Part>().unwrap().to_string(), given);
        }
        for wrong in ["", "after", "after:", "before:|", "After:|", "last: ", "after:é", "last:123456789"] {
            assert!(wrong.parse::<Part>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn digests_of_different_parts_and_beginnings_have_different_lookup_keys() {
        let pepper = Pepper::from_bytes([7; 32]);
        let part = |part: &str| PartScheme { scheme: DigestScheme::Sha256, part: part.parse().unwrap() };
        let (one, two): (Prefix, Prefix) = ("12".parse().unwrap(), "13".parse().unwrap());
        let whole = DigestScheme::Sha256.lookup_key(b"digest", &pepper).unwrap();
        let mut found = vec![whole];
        for part in [part("after:|"), part("last:|"), part("after:_")] {
            found.extend(
                [None, Some(&one), Some(&two)]
                    .map(|before| part.lookup_key(before, b"digest", &pepper).unwrap()),
            );
        }
        for (at, trace) in found.iter().enumerate() {
            assert!(trace.prefix.as_str().starts_with("-sha256-"));
            assert_eq!(found.iter().filter(|other| *other == trace).count(), 1, "number {at}");
        }
    }
}
