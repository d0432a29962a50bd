//! What a key text is found by.

use super::KeyedHash;

/// A checksum of the part of a key text that is safe to show. Says where to look before the hash is computed, so that
/// the processor fetches from memory meanwhile; decides nothing.
///
/// # Security
/// Follows from the prefix alone, which is stored in the clear: it tells nothing of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator(u32);

impl Locator {
    /// The locator of a prefix.
    pub(super) fn of(prefix: &str) -> Self {
        Self(crc32fast::hash(prefix.as_bytes()))
    }

    /// The locator of this number, as read from the store.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// The number, for the store.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What a key text leaves behind: where to look for it, and what it is recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTrace {
    /// What it is recognised by.
    pub hash: KeyedHash,
    /// Where to look.
    pub locator: Locator,
}
