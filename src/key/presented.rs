//! Key texts from callers: untrusted, and never shown.

use std::fmt;

use zeroize::Zeroizing;

use super::{Locator, ParseError};

/// What a caller presented as a key, of whatever form. Wiped when dropped, printed as its type name only.
#[derive(Clone)]
pub struct UncheckedKey(Zeroizing<String>);

impl UncheckedKey {
    /// The text as presented.
    pub fn new(text: impl Into<Zeroizing<String>>) -> Self {
        Self(text.into())
    }

    /// The text, for verifying.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UncheckedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UncheckedKey")
    }
}

/// A key text a caller presented, of the right form for its keyspace. Made by
/// [`KeyFormat::parse`](super::KeyFormat::parse) without a copy, printed as its type name only.
#[derive(Clone, Copy)]
pub struct PresentedKey<'a> {
    text: &'a str,
    /// How many leading bytes of the text are safe to show.
    shown: usize,
}

impl<'a> PresentedKey<'a> {
    /// The text whose first `shown` bytes are its prefix.
    pub(super) const fn new(text: &'a str, shown: usize) -> Self {
        Self { text, shown }
    }

    /// A key text of no known form, as imported keys may have.
    ///
    /// # Errors
    /// [`ParseError`] when no key can have it.
    pub(crate) fn of_any_form(text: &'a str) -> Result<Self, ParseError> {
        super::check_text(text)?;
        Ok(Self { text, shown: super::shown_of(text)?.as_str().len() })
    }

    /// The bytes to hash.
    pub(super) const fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// Where to look for it.
    pub fn locator(&self) -> Locator {
        Locator::of(self.text.get(..self.shown).unwrap_or(self.text))
    }
}

impl fmt::Debug for PresentedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presented_texts_are_looked_for_by_what_is_shown_and_not_printed() {
        let unchecked = UncheckedKey::new("a key".to_owned());
        assert_eq!((unchecked.reveal(), format!("{unchecked:?}").as_str()), ("a key", "UncheckedKey"));
        let key = PresentedKey::of_any_form("abcdefghijkl").unwrap();
        assert_eq!((key.bytes(), key.locator()), (&b"abcdefghijkl"[..], Locator::of("abc")));
        assert_eq!(format!("{key:?}"), "PresentedKey");
        assert!(PresentedKey::of_any_form("short").is_err());
    }
}
