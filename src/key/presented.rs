//! Key text from a caller: untrusted, and never shown.

use std::fmt;

use zeroize::Zeroizing;

/// A key text a caller presented, of the right form for its keyspace. Made by
/// [`KeyFormat::parse`](super::KeyFormat::parse), wiped when dropped, printed as its type name only.
#[derive(Clone)]
pub struct PresentedKey(Zeroizing<String>);

impl PresentedKey {
    pub(super) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The bytes to hash.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey")
    }
}
