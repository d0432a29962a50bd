//! Key texts on the way to their owners.

use std::fmt;

use zeroize::Zeroizing;

/// Complete key text, for its owner alone.
///
/// # Security
/// Wiped when dropped. Has neither `Display` nor `Clone`; `Debug` prints the type name only.
pub struct IssuedKey(Zeroizing<String>);

impl IssuedKey {
    pub(crate) const fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// Returns the text. The caller sends it to the key's owner and to no other place.
    pub fn reveal(self) -> Zeroizing<String> {
        self.0
    }

    pub(in crate::key) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IssuedKey")
    }
}
