//! Lookup keys: what the index knows of a key text.

use crate::key::{KeyedHash, Locator, Prefix};

/// Lookup key of a key text: locator and keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupKey {
    /// Keyed hash, which recognizes the text.
    pub hash: KeyedHash,
    /// Locator, which chooses where the index looks.
    pub locator: Locator,
}

/// Lookup key of a secret as it is stored: prefix and keyed hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLookupKey {
    /// Prefix of the text, or a made-up one that begins with `-` while the text is not known.
    pub prefix: Prefix,
    /// Keyed hash of the text, or of the digest that another system made of it.
    pub hash: KeyedHash,
}
