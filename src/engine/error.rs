//! Why the engine refused or failed.

use thiserror::Error;

use crate::entropy::EntropyError;
use crate::key::{AllowlistError, Level, ParseError, SealError};
use crate::store::StoreError;

use super::Right;

/// Reason why the engine refused an operation or could not decide. Nothing was changed, except as [`StoreError::Io`]
/// says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// No user has this number or name. The caller names another one.
    #[error("no such user")]
    NoSuchUser,
    /// No key has this id, or the caller may not know of it.
    #[error("no such key")]
    NoSuchKey,
    /// No keyspace has this name.
    #[error("no such keyspace")]
    NoSuchKeyspace,
    /// No company has this id.
    #[error("no such company")]
    NoSuchCompany,
    /// Another company has this id. The caller chooses another id.
    #[error("a company with this id exists")]
    CompanyExists,
    /// Users belong to the company. The caller moves or removes them first.
    #[error("users belong to the company")]
    CompanyNotEmpty,
    /// The user is the account of a company. It is removed with its company only, and cannot be moved to another one.
    #[error("the user is the account of a company")]
    CompanyAccount,
    /// Another user has this login name.
    #[error("the user name is taken")]
    UsernameTaken,
    /// Another user has this e-mail address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Another bot of the same company, or another bot without a company, has this name.
    #[error("another bot of the site has this name")]
    BotNameTaken,
    /// The user is a bot. A bot has no password.
    #[error("a bot cannot have a password")]
    BotPassword,
    /// Only bots may own keys of this keyspace.
    #[error("keys of this keyspace are for bots")]
    ForBotsOnly,
    /// The owner already has a key of this keyspace, and may own only one.
    #[error("the owner already has a key of this keyspace")]
    HasKey,
    /// No rotation of the key is staged, or it has expired. The caller stages another one.
    #[error("no rotation of the key is staged")]
    NoStagedRotation,
    /// The same caller sent another request with the same idempotency key.
    #[error("another request had this idempotency key")]
    IdempotencyKeyReused,
    /// Another key has the same key text.
    #[error("another key has this key text")]
    HasText,
    /// The imported keys would be hashed in more than 16 ways.
    #[error("imported keys may be hashed in at most 16 ways")]
    TooManySchemes,
    /// The change would remove, demote or block the last active administrator.
    #[error("this is the last active administrator")]
    LastAdministrator,
    /// The caller may not give this much of a right.
    #[error("the {right} may be at most {most}")]
    Beyond {
        /// The right.
        right: Right,
        /// The most that the caller may give.
        most: String,
    },
    /// A caller of a higher level took the right away. Only that level gives it back.
    #[error("{} at level {level}, and only that level undoes it", right.taken())]
    Withheld {
        /// The right.
        right: Right,
        /// The level that took it away.
        level: Level,
    },
    /// The caller's level may not issue keys of this keyspace.
    #[error("keys of this keyspace are issued from level {need} up")]
    IssuedFrom {
        /// The lowest level that may.
        need: Level,
    },
    /// The presented key was suspended, revoked or deleted, or expired, after the caller was authenticated.
    #[error("the presented key is no longer valid")]
    NoLongerGood,
    /// Keys of this keyspace are issued with API access, and the owner has no API access.
    #[error("the owner has no API access; granting it makes a new key")]
    NoAccess,
    /// The owner was demoted after the key was deleted, and a demotion revokes keys of this keyspace.
    #[error("the owner was demoted after the key was deleted, which revokes keys of this keyspace")]
    LostByDemotion,
    /// The limits that bind all keys of an owner would have more than 8 names.
    #[error("the limits of all keys of the owner have at most 8 names together")]
    TooManyLimits,
    /// The key is revoked. A revoked key cannot be changed.
    #[error("the key is revoked")]
    KeyRevoked,
    /// The expiry is in the past or more than 100 years ahead.
    #[error("the expiry must lie in the future, at most 100 years ahead")]
    ExpiryOutOfRange,
    /// The grace period is above its maximum.
    #[error("the grace period must be at most 366 days")]
    GraceTooLong,
    /// The cursor belongs to another list. The caller starts from the first page.
    #[error("the cursor belongs to another list")]
    OtherList,
    /// A text has the wrong form.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// An allowlist has the wrong form.
    #[error(transparent)]
    Allowlist(#[from] AllowlistError),
    /// Too many password checks are waiting. The caller tries again later.
    #[error("busy with other logins, try again in {retry_after_seconds} s")]
    Busy {
        /// Seconds until the caller may try again.
        retry_after_seconds: u32,
    },
    /// The comparison of the key text with salted hashes is not done. It continues meanwhile; the caller tries again
    /// later.
    #[error("it is not known yet whether this is a key, try again in {retry_after_seconds} s")]
    Undecided {
        /// Seconds until the caller may try again.
        retry_after_seconds: u32,
    },
    /// The sealed copy of a key could not be made or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The operating system returned no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The store knows a pepper that the secret file lacks, or has with another value.
    #[error("the secret file does not belong to this store: pepper {number} is missing or differs")]
    WrongSecret {
        /// Number of the pepper.
        number: u8,
    },
    /// The write lane or a worker thread has ended. The operator restarts the process.
    #[error("the engine has stopped")]
    Stopped,
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
