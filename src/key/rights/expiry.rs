//! Expiry of keys.

use std::fmt;

use crate::clock::Timestamp;

/// Expiry of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// The key does not expire.
    #[default]
    Never,
    /// The key is denied from this time on.
    At(Timestamp),
}

impl Expiry {
    /// Whether the key has expired at `now`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Restriction as _;

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
