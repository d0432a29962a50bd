//! Why the engine refused or failed.

use thiserror::Error;

use crate::entropy::EntropyError;
use crate::key::{AllowlistError, Level, ParseError, SealError};
use crate::store::StoreError;

use super::Right;

/// The engine refused or failed. Nothing was changed, except as [`StoreError::Io`] says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// There is no such user.
    #[error("no such user")]
    NoSuchUser,
    /// There is no such key, or it is not the caller's to know of.
    #[error("no such key")]
    NoSuchKey,
    /// There is no such keyspace.
    #[error("no such keyspace")]
    NoSuchKeyspace,
    /// There is no such company.
    #[error("no such company")]
    NoSuchCompany,
    /// Another company has this id.
    #[error("the company is there already")]
    CompanyExists,
    /// Users belong to the company; they have to leave first.
    #[error("users belong to the company")]
    CompanyNotEmpty,
    /// A company's account belongs to it: it stays as long as the company, and stays its.
    #[error("the user is the account of a company")]
    CompanyAccount,
    /// Another user has this login name.
    #[error("the user name is taken")]
    UsernameTaken,
    /// Another user has this e-mail address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Another bot of the same site is called like this.
    #[error("another bot of the site has this name")]
    BotNameTaken,
    /// A bot has no password.
    #[error("a bot cannot have a password")]
    BotPassword,
    /// Keys of this keyspace are for bots.
    #[error("keys of this keyspace are for bots")]
    ForBotsOnly,
    /// The owner has a key of this keyspace, and may have one.
    #[error("there is a key already")]
    HasKey,
    /// No text was proposed for the key, or too long ago.
    #[error("no text is proposed for the key")]
    NoStagedRotation,
    /// The same caller gave another request the same name.
    #[error("another request had this idempotency key")]
    IdempotencyKeyReused,
    /// Another key has the same text.
    #[error("another key has this text")]
    HasText,
    /// Keys were imported that are hashed in more than 16 ways.
    #[error("imported keys may be hashed in at most 16 ways")]
    TooManySchemes,
    /// The last active administrator cannot be removed, demoted or stopped.
    #[error("this is the last active administrator")]
    LastAdministrator,
    /// The caller may not give that much.
    #[error("the {right} may be at most {most}")]
    Beyond {
        /// What goes too far.
        right: Right,
        /// How far it may go.
        most: String,
    },
    /// Somebody of a higher level took it away, and only that level gives it back.
    #[error("{} at level {level}, and only that level undoes it", right.taken())]
    Withheld {
        /// What was taken away.
        right: Right,
        /// At which level.
        level: Level,
    },
    /// The caller's level does not make keys of this keyspace.
    #[error("keys of this keyspace are issued from level {need} up")]
    IssuedFrom {
        /// The level that does.
        need: Level,
    },
    /// The key that was shown was stopped meanwhile.
    #[error("the key that was shown is no longer good")]
    NoLongerGood,
    /// Keys of this keyspace come with API access, which the owner has not.
    #[error("the owner has no API access; granting it makes a new key")]
    NoAccess,
    /// The owner was demoted after the key was deleted, and such keys do not outlive that.
    #[error("the owner may do less than when the key was deleted; keys of this keyspace do not outlive that")]
    LostByDemotion,
    /// The limits that bind all keys of an owner would have more names than a key may have limits.
    #[error("the limits of all keys of the owner have at most 8 names together")]
    TooManyLimits,
    /// A revoked key stays as it is.
    #[error("the key is revoked")]
    KeyRevoked,
    /// A key is asked to end before it begins.
    #[error("the expiry must lie in the future, at most 100 years ahead")]
    ExpiryOutOfRange,
    /// A grace period above the maximum.
    #[error("the grace period must be at most 366 days")]
    GraceTooLong,
    /// A page is asked for after one of another list.
    #[error("the cursor is not one of this list")]
    OtherList,
    /// Text from outside has the wrong form.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// An allowlist has the wrong form.
    #[error(transparent)]
    Allowlist(#[from] AllowlistError),
    /// Too many password checks are waiting. Come back later.
    #[error("busy with other logins, try again in {retry_after_seconds} s")]
    Busy {
        /// When to come back.
        retry_after_seconds: u32,
    },
    /// Whether a text is a key of another system takes longer to find out. Come back later: it goes on meanwhile.
    #[error("it is not known yet whether this is a key, try again in {retry_after_seconds} s")]
    Undecided {
        /// When to come back.
        retry_after_seconds: u32,
    },
    /// The sealed copy of a key could not be made or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The system gave no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The store was made under peppers that are not in the ring.
    #[error("the secret file does not belong to this store: pepper {number} is missing or differs")]
    WrongSecret {
        /// Number of the pepper.
        number: u8,
    },
    /// A background thread ended; restart.
    #[error("the engine has stopped")]
    Stopped,
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
