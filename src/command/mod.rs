//! The one door: everything a caller may ask, whatever the protocol, and who may ask it.

mod authorize;
mod caller;
mod dispatch;
mod error;
mod service;
mod verifying;

use crate::engine::{CheckReport, Cursor, KeyChange, NewKey, NewUser, UserChange};
use crate::key::{
    IssuedKey, Key, KeyId, Keyspace, KeyspaceName, Password, RevokeReason, UncheckedKey, User, UserId,
    Username,
};

pub use caller::{AuthenticateError, Caller};
pub use error::CommandError;
pub use service::Service;
pub use verifying::{Asker, Decision, Verifying, VerifyingError};

/// Names a user.
#[derive(Clone, Debug)]
pub enum UserRef {
    /// By number.
    Id(UserId),
    /// By login name.
    Name(Username),
}

/// Names a key.
#[derive(Clone, Debug)]
pub enum KeyRef {
    /// By its public name.
    Id(KeyId),
    /// By its text; the key has to be the caller's own, whatever the caller's level.
    OwnText {
        /// The keyspace it has to be in.
        keyspace: Keyspace,
        /// The text as presented; untrusted.
        text: UncheckedKey,
    },
}

/// Everything a caller may ask for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Adds a user. Answer: [`Outcome::User`].
    AddUser(NewUser),
    /// Reads a user. Answer: [`Outcome::User`].
    ShowUser(UserRef),
    /// Reads users by rising number, from just after one. Answer: [`Outcome::Users`].
    ListUsers {
        /// The last user of the page before.
        after: Option<UserId>,
        /// Most users wanted.
        limit: usize,
    },
    /// Changes fields of a user. Answer: [`Outcome::User`].
    UpdateUser(UserRef, UserChange),
    /// Sets a person's password. Answer: [`Outcome::User`].
    SetPassword(UserRef, Password),
    /// Removes a user and all their keys. Answer: [`Outcome::Done`].
    RemoveUser(UserRef),
    /// Creates a key. Answer: [`Outcome::Issued`].
    CreateKey(NewKey),
    /// Reads a key. Answer: [`Outcome::Key`].
    ShowKey(KeyRef),
    /// Reads a user's keys, newest first. Answer: [`Outcome::Keys`].
    ListKeys {
        /// Whose.
        owner: UserRef,
        /// Of one keyspace, or of all.
        keyspace: Option<KeyspaceName>,
        /// Where the page before ended.
        after: Option<Cursor>,
        /// Most keys wanted; `None` for all of them.
        limit: Option<usize>,
        /// With the key texts, where there is a sealed copy. Only for the caller's own keys.
        texts: bool,
    },
    /// Changes fields of a key, suspends or resumes it. Answer: [`Outcome::Key`].
    UpdateKey(KeyRef, KeyChange),
    /// Gives a key a new secret; the old one verifies for `grace_ms` milliseconds more. Answer: [`Outcome::Issued`].
    RotateKey {
        /// The key.
        key: KeyRef,
        /// How long the old secret still verifies, in milliseconds.
        grace_ms: u64,
    },
    /// Stops a key for good; the record stays. Answer: [`Outcome::Key`].
    RevokeKey(KeyRef, RevokeReason),
    /// Removes a key and its record. Answer: [`Outcome::Done`].
    DeleteKey(KeyRef),
    /// Walks the whole store. Answer: [`Outcome::Checked`].
    Check,
}

/// What a command led to.
#[derive(Debug)]
pub enum Outcome {
    /// It is done.
    Done,
    /// One user.
    User(Box<User>),
    /// A page of users; fewer than asked for means the end.
    Users(Vec<User>),
    /// One key.
    Key(Box<Key>),
    /// A page of keys with their texts where those were asked for and may be shown, and where the next begins.
    Keys(Vec<(Key, Option<IssuedKey>)>, Option<Cursor>),
    /// A key with a fresh text, shown this once (again only if its keyspace says so).
    Issued(Box<Key>, IssuedKey),
    /// What walking the store found.
    Checked(CheckReport),
}
