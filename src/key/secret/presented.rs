//! Key texts from clients: untrusted, and never shown.

use std::fmt;

use zeroize::Zeroizing;

use crate::key::{Locator, ParseError};

/// Text that a client presented as a key, not checked yet. Wiped when dropped; `Debug` prints the type name only.
#[derive(Clone)]
pub struct UncheckedKey(Zeroizing<String>);

impl UncheckedKey {
    /// Returns the text as presented.
    pub fn new(text: impl Into<Zeroizing<String>>) -> Self {
        Self(text.into())
    }

    /// Text, for verifying.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UncheckedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UncheckedKey")
    }
}

/// Presented key text in the right format of its keyspace. Made by
/// [`KeyFormat::parse`](crate::key::KeyFormat::parse) without a copy; `Debug` prints the type name
/// only.
#[derive(Clone, Copy)]
pub struct PresentedKey<'a> {
    text: &'a str,
    /// Number of leading bytes that are safe to show.
    shown: usize,
}

impl<'a> PresentedKey<'a> {
    /// Returns the text whose first `shown` bytes are its prefix.
    pub(in crate::key) const fn new(text: &'a str, shown: usize) -> Self {
        Self { text, shown }
    }

    /// Checks a key text of no known format, as imported keys have them.
    ///
    /// # Errors
    /// [`ParseError`] when the text cannot be that of a key.
    pub(crate) fn of_any_form(text: &'a str) -> Result<Self, ParseError> {
        crate::key::check_key_text(text)?;
        Ok(Self { text, shown: crate::key::shown_prefix(text)?.as_str().len() })
    }

    /// Bytes to hash.
    pub(in crate::key) const fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// Locator of the text.
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
