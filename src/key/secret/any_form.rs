//! Key texts of no known format, as imported keys have them.

use std::ops::RangeInclusive;

use crate::key::{ParseError, Prefix};
use crate::limits;

/// Returns the prefix of a key text of no known format: a quarter of the text, at most 8 characters.
///
/// # Errors
/// [`ParseError`] for the empty text.
pub fn shown_prefix(text: &str) -> Result<Prefix, ParseError> {
    let shown = (text.chars().count() / 4).clamp(1, 8);
    // Prefixes that begin with a dash are those of secrets whose text is not known yet.
    let plain = |(at, c): (usize, char)| {
        if c.is_ascii_alphanumeric() || (c == '-' && at > 0) { c } else { '_' }
    };
    text.chars().take(shown).enumerate().map(plain).collect::<String>().parse()
}

/// Lengths in bytes of key texts of no known format. Longer or shorter texts are not looked up.
pub const fn key_text_lengths() -> RangeInclusive<usize> {
    limits::KEY_TEXT_BYTES_MIN..=limits::KEY_TEXT_BYTES_MAX
}

/// Checks a key text of no known format: 8 to 512 visible ASCII characters.
///
/// # Errors
/// [`ParseError`], which never contains the text.
pub fn check_key_text(text: &str) -> Result<(), ParseError> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && key_text_lengths().contains(&text.len()) {
        Ok(())
    } else {
        Err(ParseError::new("key", "must be 8 to 512 visible ASCII characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_a_text_is_shown_and_what_is_not_plain_is_not() {
        for (text, shown) in [
            ("abc", "a"),
            ("abcdefgh", "ab"),
            ("abcdefghijklmnopqrstuvwxyzabcdefghijklmn", "abcdefgh"),
            ("-a.-bcdefghijklmnopqrs", "_a_-b"),
            ("--------", "_-"),
            ("éééééééé", "__"),
        ] {
            assert_eq!(shown_prefix(text).unwrap().as_str(), shown, "{text}");
        }
        assert!(shown_prefix("").is_err());
    }

    #[test]
    fn a_text_of_no_known_form_has_8_to_512_visible_letters() {
        for (text, is_one) in [
            ("a".repeat(7), false),
            ("a".repeat(8), true),
            ("~".repeat(512), true),
            ("a".repeat(513), false),
            ("abcd efgh".to_owned(), false),
            ("abcdefgé".to_owned(), false),
        ] {
            assert_eq!(check_key_text(&text).is_ok(), is_one, "{text}");
        }
    }
}
