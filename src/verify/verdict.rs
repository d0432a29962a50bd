//! The outcome of verifying: allowed as whom, or denied and why.

use crate::index::OverLimit;
use crate::key::{Expiry, KeyId, KeyspaceName, Level, Quota, UserId};

/// The decision about a presented key. A denial is a decision, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The key is good for what was asked.
    Allow(Identity),
    /// It is not.
    Deny(DenyReason),
}

/// Key, user and level that an allowed key authenticates. The owner's name: [`Verifier::owner`](super::Verifier::owner).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The key.
    pub key: KeyId,
    /// Its owner.
    pub user: UserId,
    /// The keyspace it verified in.
    pub keyspace: KeyspaceName,
    /// What it may do now: the lower of the key's level and its owner's.
    pub level: Level,
    /// Time at which the key expires.
    pub expiry: Expiry,
    /// What is left of the rate limit with the least left; `None` when the use concerned none.
    pub quota: Option<Quota>,
}

/// Why a key was denied; complete, so that every caller handles each. For the log and the audit: outside, most
/// of them are one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenyReason {
    /// The text cannot be a key of the keyspace; nothing was looked up.
    Malformed,
    /// No key has this text.
    Unknown,
    /// The key belongs to another keyspace.
    WrongKeyspace,
    /// It is suspended.
    Suspended,
    /// It is revoked.
    Revoked,
    /// It was rotated out and its grace period is over.
    RotatedOut,
    /// Its owner was removed.
    OwnerGone,
    /// Its owner is inactive or blocked.
    OwnerNotActive,
    /// Its time is over.
    Expired,
    /// It was used from an address that its allowlist does not have.
    AddressNotAllowed,
    /// It is good, but may not do this.
    LevelTooLow {
        /// What it may do.
        have: Level,
    },
    /// It is good, but was used too often. Nothing was spent.
    RateLimited {
        /// The limit, and what is left of it.
        quota: Quota,
        /// Milliseconds until the same use would be allowed; `None` when it costs more than ever fits.
        retry_ms: Option<u64>,
    },
    /// It is good, but has no rate limit of the name that the use is to count for.
    NoSuchLimit,
}

impl DenyReason {
    /// Every code there is.
    pub const CODES: [&'static str; 13] = [
        "malformed",
        "unknown",
        "wrong_keyspace",
        "suspended",
        "revoked",
        "rotated_out",
        "owner_gone",
        "owner_not_active",
        "expired",
        "address_not_allowed",
        "level_too_low",
        "rate_limited",
        "no_such_limit",
    ];

    /// A stable name for logs and machine-readable answers.
    pub fn code(self) -> &'static str {
        Self::CODES.get(self.number()).copied().unwrap_or_default()
    }

    /// Its place among the codes.
    pub(super) const fn number(self) -> usize {
        match self {
            Self::Malformed => 0,
            Self::Unknown => 1,
            Self::WrongKeyspace => 2,
            Self::Suspended => 3,
            Self::Revoked => 4,
            Self::RotatedOut => 5,
            Self::OwnerGone => 6,
            Self::OwnerNotActive => 7,
            Self::Expired => 8,
            Self::AddressNotAllowed => 9,
            Self::LevelTooLow { .. } => 10,
            Self::RateLimited { .. } => 11,
            Self::NoSuchLimit => 12,
        }
    }
}

impl From<OverLimit> for DenyReason {
    fn from(over: OverLimit) -> Self {
        Self::RateLimited { quota: over.quota, retry_ms: over.retry_ms }
    }
}
