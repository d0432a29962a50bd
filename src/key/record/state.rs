//! States of keys, and reasons of revocations.

use std::str::FromStr;

use crate::clock::Timestamp;
use crate::key::{Actor, ParseError};

/// Reason of a revocation: those of RFC 5280, section 5.3.1, that apply to keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevokeReason {
    /// No reason was given.
    #[default]
    Unspecified,
    /// Other people learned the key text.
    KeyCompromise,
    /// The owner changed the company.
    AffiliationChanged,
    /// Another key replaces this one.
    Superseded,
    /// The key is no longer needed.
    CessationOfOperation,
    /// The right to use the key was withdrawn.
    PrivilegeWithdrawn,
}

impl RevokeReason {
    /// All reasons.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// Name in RFC 5280.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
        }
    }
}

impl FromStr for RevokeReason {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL.into_iter().find(|reason| reason.name() == text).ok_or(ParseError::new(
            "reason",
            "must be unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn",
        ))
    }
}

/// State of a key, as it is stored. Expiry is not a state: the clock decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The key verifies.
    Active,
    /// The key is denied until it is resumed.
    Suspended,
    /// The key is denied for good; the record stays as evidence.
    Revoked {
        /// Time of the revocation.
        at: Timestamp,
        /// Actor who revoked the key.
        by: Actor,
        /// Reason.
        reason: RevokeReason,
    },
}

/// Status of a key at one time: its state, and for an active key whether it has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// The key verifies, if its owner is active.
    Active,
    /// The key is active and has expired.
    Expired,
    /// The key is suspended.
    Suspended,
    /// The key is revoked.
    Revoked,
}

impl KeyStatus {
    /// All statuses.
    pub const ALL: [Self; 4] = [Self::Active, Self::Expired, Self::Suspended, Self::Revoked];

    /// Name in queries and on pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for KeyStatus {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|condition| condition.name() == text);
        found.ok_or(ParseError::new("state", "must be active, expired, suspended or revoked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_conditions_go_by_their_names() {
        for reason in RevokeReason::ALL {
            assert_eq!(reason.name().parse(), Ok(reason));
        }
        for condition in KeyStatus::ALL {
            assert_eq!(condition.name().parse(), Ok(condition));
        }
        assert_eq!((RevokeReason::default().name(), KeyStatus::Expired.name()), ("unspecified", "expired"));
        assert!("".parse::<RevokeReason>().is_err() && "".parse::<KeyStatus>().is_err());
    }
}
