//! Who changed what, when: events that stand or fall with the change they record.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::{CompanyId, Details, KeyId, ParseError, UserId};
use crate::clock::Timestamp;

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever controls the machine: the command line, or a program that embeds the engine.
    Operator,
    /// A user, by password or by one of their keys.
    User {
        /// The user.
        user: UserId,
        /// The key that was presented, if it was one.
        key: Option<KeyId>,
        /// Where the request came from, if known.
        from: Option<IpAddr>,
    },
    /// Somebody who did not prove who they are.
    Stranger {
        /// Where the request came from, if known.
        from: Option<IpAddr>,
    },
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::User { user, key: None, .. } => write!(f, "user {user}"),
            Self::User { user, key: Some(key), .. } => write!(f, "user {user} by key {key}"),
            Self::Stranger { .. } => f.write_str("somebody"),
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
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
    /// Keys of another system were taken over.
    KeysImported,
    /// A company was added.
    CompanyAdded,
    /// A company's fields were changed.
    CompanyUpdated,
    /// A company was removed, with the keys that were its own.
    CompanyRemoved,
    /// A user logged in with a password.
    LoggedIn,
    /// A password was refused. Only a sample is recorded, and how many more there were.
    LoginRefused,
    /// A key that there is was denied. Only a sample is recorded, and how many more there were.
    KeyDenied,
}

impl Action {
    /// Every action.
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

    /// Whether it changed something: what did not is written behind, and of refusals only a sample.
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

    /// A stable name for logs and machine-readable answers.
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

impl FromStr for Action {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|action| action.name() == text);
        found.ok_or(ParseError::new("action", "must be one of the audit, like key_revoked or login_refused"))
    }
}

/// Whom or what it was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user.
    User(UserId),
    /// A key.
    Key(KeyId),
    /// A company.
    Company(CompanyId),
    /// So many keys.
    Keys(u64),
    /// So many attempts.
    Attempts(u64),
}

/// BLAKE3 of an event as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventHash(pub [u8; 32]);

/// Number and hash of the newest event. Kept elsewhere, it tells later whether the events up to it are still the same.
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
    /// Number of the event; 0 when there is none.
    pub sequence: u64,
    /// Its hash.
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

/// One change, chained to the one before it. Written only together with the change, so its outcome is always
/// "done". What changes nothing, logins and refusals, is written within a minute, of refusals a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// 1 for the first event, then rising by one.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
    /// To whom or what.
    pub subject: Subject,
    /// What changed, why, and how often.
    pub details: Details,
    /// Hash of the event before; all zeros in the first.
    pub previous: EventHash,
}

impl AuditEvent {
    /// The user who did it, if it was one.
    pub const fn by_user(&self) -> Option<UserId> {
        match self.actor {
            Actor::User { user, .. } => Some(user),
            Actor::Operator | Actor::Stranger { .. } => None,
        }
    }

    /// The key it was done by, if it was one.
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
    fn actors_and_actions_are_named_in_logs() {
        let (user, key) = (UserId(7), KeyId::from_bytes([0; 16]));
        let by_key = Actor::User { user, key: Some(key), from: None };
        assert_eq!(Actor::Operator.to_string(), "operator");
        assert_eq!(Actor::User { user, key: None, from: None }.to_string(), "user 7");
        assert_eq!(by_key.to_string(), "user 7 by key 00000000-0000-0000-0000-000000000000");
        assert_eq!((Action::UserAdded.name(), Action::KeyRevoked.name()), ("user_added", "key_revoked"));
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
