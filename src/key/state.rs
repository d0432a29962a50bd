//! Where a key is in its life.

use std::fmt;
use std::str::FromStr;

use super::{Actor, ParseError};
use crate::clock::Timestamp;

/// When a key stops by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// It does not.
    #[default]
    Never,
    /// From this moment on it is refused.
    At(Timestamp),
}

impl Expiry {
    /// Whether the key is refused at `now`.
    pub fn reached(self, now: Timestamp) -> bool {
        matches!(self, Self::At(end) if now >= end)
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::At(end) => end.fmt(f),
        }
    }
}

/// Why a key was revoked; the applicable reasons of RFC 5280 §5.3.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevokeReason {
    /// None was given.
    #[default]
    Unspecified,
    /// The key text became known to others.
    KeyCompromise,
    /// Its owner's belonging changed.
    AffiliationChanged,
    /// Another key takes its place.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// What it allowed was taken back.
    PrivilegeWithdrawn,
}

impl RevokeReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// The name RFC 5280 gives it.
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

/// Where a key is in its life. Expiry is not a state: it is judged by the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It verifies.
    Active,
    /// Stopped until resumed.
    Suspended,
    /// Stopped for good; the record stays as evidence.
    Revoked {
        /// When.
        at: Timestamp,
        /// By whom.
        by: Actor,
        /// Why.
        reason: RevokeReason,
    },
}

/// Where a key is in its life at one moment: its state, and of an active key whether its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It verifies, if its owner may act.
    Active,
    /// It was active when its time was over.
    Expired,
    /// Stopped until resumed.
    Suspended,
    /// Stopped for good.
    Revoked,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 4] = [Self::Active, Self::Expired, Self::Suspended, Self::Revoked];

    /// Its name in queries and on pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for Condition {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|condition| condition.name() == text);
        found.ok_or(ParseError::new("state", "must be active, expired, suspended or revoked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Within as _;

    #[test]
    fn reasons_and_conditions_go_by_their_names() {
        for reason in RevokeReason::ALL {
            assert_eq!(reason.name().parse(), Ok(reason));
        }
        for condition in Condition::ALL {
            assert_eq!(condition.name().parse(), Ok(condition));
        }
        assert_eq!((RevokeReason::default().name(), Condition::Expired.name()), ("unspecified", "expired"));
        assert!("".parse::<RevokeReason>().is_err() && "".parse::<Condition>().is_err());
    }

    #[test]
    fn a_key_stops_with_the_moment_of_its_end() {
        let at = Timestamp::from_unix_ms;
        for (now, reached) in [(4, false), (5, true), (6, true)] {
            assert_eq!(Expiry::At(at(5)).reached(at(now)), reached, "{now}");
        }
        assert!(!Expiry::Never.reached(at(u64::MAX)));
    }

    #[test]
    fn never_is_the_latest_end() {
        let at = |ms| Expiry::At(Timestamp::from_unix_ms(ms));
        for (end, bound, within) in [
            (at(5), at(5), true),
            (at(6), at(5), false),
            (at(5), Expiry::Never, true),
            (Expiry::Never, at(5), false),
            (Expiry::Never, Expiry::Never, true),
        ] {
            assert_eq!(end.within(&bound), within, "{end:?} within {bound:?}");
        }
    }
}
