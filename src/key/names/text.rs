//! Texts that people give, each with its own bounds, checked when they are parsed.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;

use crate::key::ParseError;
use crate::limits;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                check(text).map_err(|problem| ParseError::new($what, problem))?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}
pub(in crate::key) use text;

text!(
    /// Login name of a user: unique, 1 to 64 of `A-Za-z0-9._+-`, the first a letter or digit.
    ///
    /// Contains no `@`, so a login name and an e-mail address cannot be mistaken for each other.
    ///
    /// ```
    /// use keyward::key::Username;
    /// assert!("flo".parse::<Username>().is_ok());
    /// assert!("flo@example.org".parse::<Username>().is_err());
    /// ```
    Username,
    "user name",
    |text| {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"._+-".contains(&b);
        match text.as_bytes() {
            [] => Err("must not be empty"),
            long if long.len() > limits::USERNAME_BYTES_MAX => Err("must be at most 64 bytes"),
            [first, ..] if !first.is_ascii_alphanumeric() => Err("must start with a letter or digit"),
            all if all.iter().copied().all(legal) => Ok(()),
            _ => Err("must be of A-Z a-z 0-9 . _ + -"),
        }
    }
);

text!(
    /// Display name: 1 to 128 characters without control characters or overrides of the text direction.
    DisplayName,
    "name",
    |text| {
        let misleading = |c: char| {
            c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        match text.chars().count() {
            0 => Err("must not be empty"),
            long if long > limits::DISPLAY_NAME_CHARS_MAX => Err("must be at most 128 characters"),
            _ if text.chars().any(misleading) => Err("must not contain control characters"),
            _ => Ok(()),
        }
    }
);

/// E-mail address: at most 254 bytes, one `@` with text on both sides, no blanks, control characters or invisible
/// letters. Stored in composed form (Unicode NFC), so two spellings of one address are equal.
///
/// ```
/// use keyward::key::Email;
/// assert_eq!("fl\u{f6}@example.org".parse::<Email>(), "flo\u{308}@example.org".parse());
/// assert!("flo\u{200b}@example.org".parse::<Email>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Text of the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Form of the address in the index of addresses: lower case.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }

    /// Forms that the index may have the address in: composed, and decomposed (Unicode NFD) as older versions stored it.
    pub(crate) fn spellings(&self) -> [String; 2] {
        let folded = self.folded();
        let apart = folded.nfd().collect();
        [folded, apart]
    }

    /// Parses an address from the store. It may contain letters that new addresses may not.
    ///
    /// # Errors
    /// [`ParseError`] when the text is no address.
    pub(crate) fn stored(text: String) -> Result<Self, ParseError> {
        let plain = |part: &str| {
            !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_whitespace() || c.is_control())
        };
        match text.split_once('@') {
            _ if text.len() > limits::EMAIL_BYTES_MAX => Err("must be at most 254 bytes"),
            Some((local, domain)) if plain(local) && plain(domain) => Ok(Self(text)),
            _ => Err("must be like name@example.org"),
        }
        .map_err(|problem| ParseError::new("e-mail address", problem))
    }
}

impl FromStr for Email {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.chars().any(is_invisible) {
            return Err(ParseError::new("e-mail address", "must not contain invisible letters"));
        }
        Self::stored(text.nfc().collect())
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Whether a letter is invisible or changes the direction of text, so that two texts that look alike may differ: soft
/// hyphens, fillers, joiners, direction marks and overrides, variation selectors, tags.
pub(crate) fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

text!(
    /// Contact for questions about a key: 1 to 254 characters, stored verbatim. Often an e-mail address.
    ///
    /// ```
    /// use keyward::key::{Contact, Email};
    /// assert!("the web shop's people".parse::<Contact>().is_ok());
    /// assert_eq!(Contact::from("a@b".parse::<Email>()?).as_str(), "a@b");
    /// # Ok::<(), keyward::key::ParseError>(())
    /// ```
    Contact,
    "contact",
    |text| match text.chars().count() {
        0 => Err("must not be empty"),
        long if long > limits::CONTACT_CHARS_MAX => Err("must be at most 254 characters"),
        _ => Ok(()),
    }
);

impl From<Email> for Contact {
    fn from(email: Email) -> Self {
        Self(email.0)
    }
}

text!(
    /// Comment on a key, in its owner's words: at most 4,000 bytes, stored verbatim.
    Comment,
    "comment",
    |text| if text.len() <= limits::COMMENT_BYTES_MAX { Ok(()) } else { Err("must be at most 4000 bytes") }
);

impl Comment {
    /// Returns the empty comment.
    pub const fn empty() -> Self {
        Self(String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Prefix;

    #[test]
    fn addresses_that_look_alike_are_one_or_refused() {
        let parsed = |text: &str| text.parse::<Email>();
        assert_eq!(parsed("Flo\u{308}@X.org").unwrap().folded(), parsed("fl\u{f6}@x.org").unwrap().folded());
        for letter in
            "\u{ad}\u{200b}\u{200d}\u{200e}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{61c}\u{fe0f}\u{e0041}"
                .chars()
        {
            for text in
                [format!("{letter}flo@x.org"), format!("fl{letter}o@x.org"), format!("flo@x{letter}.org")]
            {
                assert!(parsed(&text).is_err(), "{text:?}");
                assert!(Email::stored(text).is_ok(), "an old record is read");
            }
        }
        assert!(parsed("\u{43f}\u{43e}\u{447}\u{442}\u{430}@\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.\u{440}\u{444}").is_ok());
    }

    #[test]
    fn user_names_are_ascii_and_bounded() {
        for good in ["a", "flo", "A.b_c+d-9", &"x".repeat(64)] {
            assert!(good.parse::<Username>().is_ok(), "{good}");
        }
        for bad in ["", ".a", "-a", "a b", "a/b", "ä", "a\0", "a@b", &"x".repeat(65)] {
            assert!(bad.parse::<Username>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_need_one_at_sign_with_text_around_it() {
        for good in ["a@b", "flo.x+y@example.org"] {
            assert!(good.parse::<Email>().is_ok(), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n"] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn display_names_cannot_hide_text() {
        assert!("Größe & Söhne".parse::<DisplayName>().is_ok());
        for bad in ["", "a\u{202e}b", "a\u{200b}", "a\u{1b}[2J"] {
            assert!(bad.parse::<DisplayName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_contact_is_any_text_of_254_characters() {
        for good in ["String", "a@b", "\u{202e}\0", &"ä".repeat(254)] {
            assert_eq!(good.parse::<Contact>().map(|contact| contact.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", &"ä".repeat(255)] {
            assert!(bad.parse::<Contact>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn texts_have_bounds_and_are_kept_as_they_are() {
        assert!(
            "ä".repeat(128).parse::<DisplayName>().is_ok() && "ä".repeat(129).parse::<DisplayName>().is_err()
        );
        assert!(
            "a".repeat(4_000).parse::<Comment>().is_ok() && "a".repeat(4_001).parse::<Comment>().is_err()
        );
        assert!("a".repeat(64).parse::<Prefix>().is_ok() && "a".repeat(65).parse::<Prefix>().is_err());
        let address = |length: usize| format!("{}@b", "a".repeat(length - 2)).parse::<Email>();
        assert!(address(254).is_ok() && address(255).is_err());
        for wrong in ["", "a.b", "a b"] {
            assert!(wrong.parse::<Prefix>().is_err(), "{wrong:?}");
        }
        let email: Email = "Flo@Example.org".parse().unwrap();
        assert_eq!(
            (email.to_string().as_str(), format!("{email:?}").as_str()),
            ("Flo@Example.org", "\"Flo@Example.org\"")
        );
        assert_eq!((email.as_str(), email.folded().as_str()), ("Flo@Example.org", "flo@example.org"));
        assert_eq!(Comment::empty().as_str(), "");
    }
}
