//! Secrets of a key as they are stored.

use crate::clock::Timestamp;
use crate::key::{KeyedHash, LookupKey, PepperNumber, Prefix, SaltedHash, SealedCopy};

/// Secret of a key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// Number of the pepper that hash and sealed copy were made under.
    pub pepper: PepperNumber,
    /// Prefix of the text.
    pub prefix: Prefix,
    /// Keyed hash, which recognizes the text.
    pub hash: KeyedHash,
    /// Sealed copy of the text, where the keyspace documents showing it again.
    pub sealed: Option<SealedCopy>,
    /// Salted hash of another system, until the first use shows the text.
    pub imported_hash: Option<SaltedHash>,
}

impl StoredSecret {
    /// Whether the prefix is that of the text, and not made up because the text is not known yet.
    pub fn shows_prefix(&self) -> bool {
        !self.prefix.as_str().starts_with('-')
    }

    /// Lookup key of the text.
    pub fn lookup_key(&self) -> LookupKey {
        LookupKey { hash: self.hash, locator: self.prefix.locator() }
    }
}

/// Secrets of a key: the current one, and during a grace period also the previous one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// Secret that was issued last.
    pub current: StoredSecret,
    /// Previous secret, and the time from which it is denied.
    pub previous: Option<(StoredSecret, Timestamp)>,
}

impl Secrets {
    /// All secrets, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &StoredSecret> {
        [&self.current].into_iter().chain(self.previous.as_ref().map(|(secret, _)| secret))
    }
}
