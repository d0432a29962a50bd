//! Keyed hashes of key texts.

use std::fmt;

use subtle::ConstantTimeEq;

/// Keyed hash of a key text: BLAKE3, keyed by a pepper.
///
/// # Security
/// Useless for guessing key texts without the pepper. Compared in constant time; `Debug` prints the type name only.
#[derive(Clone, Copy)]
pub struct KeyedHash([u8; 32]);

impl KeyedHash {
    /// Returns the hash of these bytes, as read from the store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Bytes for the store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for KeyedHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyedHash {}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_equal_byte_by_byte_and_not_printed() {
        let (hash, mut other) = (KeyedHash::from_bytes([7; 32]), [7; 32]);
        assert_eq!((hash, hash.as_bytes()), (KeyedHash::from_bytes(other), &[7; 32]));
        other[31] = 6;
        assert_ne!(hash, KeyedHash::from_bytes(other));
        assert_eq!(format!("{hash:?}"), "KeyedHash");
    }
}
