//! How a caller names a user or a key.

use crate::key::{KeyId, Keyspace, UncheckedKey, UserId, Username};

/// Name of a user.
#[derive(Clone, Debug)]
pub enum UserRef {
    /// The caller. The operator is no user, so for the operator there is none.
    Own,
    /// User id.
    Id(UserId),
    /// Login name.
    Name(Username),
}

/// Name of a key.
#[derive(Clone, Debug)]
pub enum KeyRef {
    /// Key id.
    Id(KeyId),
    /// Key id, for keys of one keyspace: a key of another keyspace is not found.
    Restriction(Keyspace, KeyId),
    /// Key text; the key must be the caller's own, at every level of the caller.
    OwnText {
        /// Keyspace of the key.
        keyspace: Keyspace,
        /// Text as presented; untrusted.
        text: UncheckedKey,
    },
    /// Key text, of a key of any owner.
    Text {
        /// Keyspace of the key.
        keyspace: Keyspace,
        /// Text as presented; untrusted.
        text: UncheckedKey,
    },
}
