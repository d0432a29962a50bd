//! Audit events, chained by hashes.
//!
//! An event is written in the batch of the change that it records, so both exist or neither does, and no event needs a
//! field for the outcome.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::key::{Actor, CompanyId, EventDetails, KeyId, ParseError, UserId};

/// Action of an audit event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditAction {
    /// A user was added.
    UserAdded,
    /// A user's fields were changed.
    UserUpdated,
    /// A user's password was set.
    PasswordSet,
    /// A user was removed, with all their keys.
    UserRemoved,
    /// A key was created.
    KeyCreated,
    /// A key's fields were changed.
    KeyUpdated,
    /// A key was suspended.
    KeySuspended,
    /// A key was resumed.
    KeyResumed,
    /// A key got a new secret.
    KeyRotated,
    /// A key was revoked.
    KeyRevoked,
    /// A key was deleted.
    KeyDeleted,
    /// A user was granted API access, and with it a key.
    AccessGranted,
    /// A user's API access was removed, and with it the key.
    AccessRemoved,
    /// A deleted key was brought back.
    KeyUndeleted,
    /// Keys of another system were imported.
    KeysImported,
    /// A company was added.
    CompanyAdded,
    /// A company's fields were changed.
    CompanyUpdated,
    /// A company was removed, with the keys of its account.
    CompanyRemoved,
    /// A user logged in with a password.
    LoggedIn,
    /// A password was refused. A sample is recorded, with the number of the others.
    LoginRefused,
    /// An existing key was denied. A sample is recorded, with the number of the others.
    KeyDenied,
}

impl AuditAction {
    /// All actions.
    pub const ALL: [Self; 21] = [
        Self::UserAdded,
        Self::UserUpdated,
        Self::PasswordSet,
        Self::UserRemoved,
        Self::KeyCreated,
        Self::KeyUpdated,
        Self::KeySuspended,
        Self::KeyResumed,
        Self::KeyRotated,
        Self::KeyRevoked,
        Self::KeyDeleted,
        Self::KeyUndeleted,
        Self::KeysImported,
        Self::AccessGranted,
        Self::AccessRemoved,
        Self::CompanyAdded,
        Self::CompanyUpdated,
        Self::CompanyRemoved,
        Self::LoggedIn,
        Self::LoginRefused,
        Self::KeyDenied,
    ];

    /// Whether the action changes a record. Events of other actions are written behind, refusals as a sample.
    pub const fn is_change(self) -> bool {
        match self {
            Self::LoggedIn | Self::LoginRefused | Self::KeyDenied => false,
            Self::UserAdded
            | Self::UserUpdated
            | Self::PasswordSet
            | Self::UserRemoved
            | Self::KeyCreated
            | Self::KeyUpdated
            | Self::KeySuspended
            | Self::KeyResumed
            | Self::KeyRotated
            | Self::KeyRevoked
            | Self::KeyDeleted
            | Self::AccessGranted
            | Self::AccessRemoved
            | Self::KeyUndeleted
            | Self::KeysImported
            | Self::CompanyAdded
            | Self::CompanyUpdated
            | Self::CompanyRemoved => true,
        }
    }

    /// Stable name for logs and machine-readable answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserAdded => "user_added",
            Self::UserUpdated => "user_updated",
            Self::PasswordSet => "password_set",
            Self::UserRemoved => "user_removed",
            Self::KeyCreated => "key_created",
            Self::KeyUpdated => "key_updated",
            Self::KeySuspended => "key_suspended",
            Self::KeyResumed => "key_resumed",
            Self::KeyRotated => "key_rotated",
            Self::KeyRevoked => "key_revoked",
            Self::KeyDeleted => "key_deleted",
            Self::KeyUndeleted => "key_undeleted",
            Self::KeysImported => "keys_imported",
            Self::AccessGranted => "access_granted",
            Self::AccessRemoved => "access_removed",
            Self::CompanyAdded => "company_added",
            Self::CompanyUpdated => "company_updated",
            Self::CompanyRemoved => "company_removed",
            Self::LoggedIn => "logged_in",
            Self::LoginRefused => "login_refused",
            Self::KeyDenied => "key_denied",
        }
    }
}

impl FromStr for AuditAction {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|action| action.name() == text);
        found.ok_or(ParseError::new("action", "must be one of the audit, like key_revoked or login_refused"))
    }
}

/// Subject of an audit event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user.
    User(UserId),
    /// A key.
    Key(KeyId),
    /// A company.
    Company(CompanyId),
    /// Number of keys.
    Keys(u64),
    /// Number of attempts.
    Attempts(u64),
}

/// BLAKE3 hash of an event as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventHash(pub [u8; 32]);

/// Head of the audit: sequence number and hash of the newest event. An operator who keeps a copy elsewhere can check later
/// that the events up to it are unchanged.
///
/// ```
/// use keyward::key::AuditHead;
/// let text = format!("7:{}", "ab".repeat(32));
/// let head: AuditHead = text.parse()?;
/// assert_eq!((head.sequence, head.to_string()), (7, text));
/// # Ok::<(), keyward::key::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditHead {
    /// Sequence number of the event; 0 for an empty audit.
    pub sequence: u64,
    /// Hash of the event.
    pub hash: EventHash,
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, hex::encode(self.hash.0))
    }
}

impl FromStr for AuditHead {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong =
            ParseError::new("head", "must be the number of an event, a colon and 64 hexadecimal digits");
        let (sequence, digits) = text.split_once(':').ok_or(wrong)?;
        if !sequence.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong);
        }
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).map_err(|_| wrong)?;
        Ok(Self { sequence: sequence.parse().map_err(|_| wrong)?, hash: EventHash(hash) })
    }
}

/// Audit event, chained to the one before it.
///
/// # Durability
/// Events of changes are durable with their change. Logins and refusals are written within a minute, refusals as a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Sequence number: 1 for the first event, then rising by one.
    pub sequence: u64,
    /// Time of the event.
    pub at: Timestamp,
    /// Actor.
    pub actor: Actor,
    /// Action of an audit event.
    pub action: AuditAction,
    /// Subject.
    pub subject: Subject,
    /// Changed fields, reason and number of times.
    pub details: EventDetails,
    /// Hash of the previous event; all zeros in the first.
    pub previous: EventHash,
}

impl AuditEvent {
    /// User who acted, if the actor is a user.
    pub const fn by_user(&self) -> Option<UserId> {
        match self.actor {
            Actor::User { user, .. } => Some(user),
            Actor::Operator | Actor::Stranger { .. } => None,
        }
    }

    /// Key that was presented, if it was a key.
    pub const fn by_key(&self) -> Option<KeyId> {
        match self.actor {
            Actor::User { key, .. } => key,
            Actor::Operator | Actor::Stranger { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_named_in_logs() {
        assert_eq!(
            (AuditAction::UserAdded.name(), AuditAction::KeyRevoked.name()),
            ("user_added", "key_revoked")
        );
    }

    #[test]
    fn a_head_is_a_number_and_a_hash_and_nothing_else() {
        let digits = "0f".repeat(32);
        let head: AuditHead = format!("12:{digits}").parse().unwrap();
        assert_eq!(
            (head.sequence, head.hash, head.to_string()),
            (12, EventHash([0x0f; 32]), format!("12:{digits}"))
        );
        let short = digits.split_at(2).1;
        for wrong in
            ["", "12", &format!("+12:{digits}"), &format!("x:{digits}"), &format!("12:{short}"), "12:"]
        {
            assert!(wrong.parse::<AuditHead>().is_err(), "{wrong}");
        }
    }
}
