//! Rate limits of keys.

use std::fmt;
use std::num::NonZeroU32;

use thiserror::Error;

use crate::key::LimitName;
use crate::limits;

/// Rate limit: `count` uses in `seconds`, evenly, and up to `burst` of them at once. A use may cost more than one.
///
/// The generic cell rate algorithm (GCRA): one use is regained every `seconds / count`, and unused ones are saved up to
/// the burst. There are no windows that start over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    /// Name, which tells several limits of one key apart.
    pub name: LimitName,
    /// Number of uses.
    pub count: NonZeroU32,
    /// Seconds in which `count` uses are regained.
    pub seconds: NonZeroU32,
    /// Uses possible at once.
    pub burst: NonZeroU32,
}

impl RateLimit {
    /// Name of a limit that was given none.
    pub const DEFAULT_NAME: LimitName = LimitName::known("default");

    /// Whether a used up burst is regained within this many seconds.
    pub fn refills_within(&self, seconds: u64) -> bool {
        let used = u64::from(self.seconds.get()) * u64::from(self.burst.get());
        used <= seconds.saturating_mul(self.count.get().into())
    }

    /// Whether more uses are regained in the same time.
    pub(in crate::key) fn is_faster_than(&self, other: &Self) -> bool {
        let product =
            |count: NonZeroU32, seconds: NonZeroU32| u64::from(count.get()) * u64::from(seconds.get());
        product(self.count, other.seconds) > product(other.count, self.seconds)
    }

    /// Slower rate of the two, with the smaller burst.
    fn slower(&self, other: &Self) -> Self {
        let slower = if self.is_faster_than(other) { other } else { self };
        Self { burst: self.burst.min(other.burst), ..*slower }
    }
}

/// Rate limits of a key: at most 8, no name twice, none for unlimited use. A use must fit in all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RateLimits(Vec<RateLimit>);

/// Rate limits are not valid together; the old ones stay in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RateLimitsError {
    /// There are more than 8.
    #[error("a key has at most 8 rate limits")]
    TooMany,
    /// Two have the same name.
    #[error("two rate limits have the same name")]
    NameTwice,
    /// A burst takes too long to be regained.
    #[error(
        "the burst of a rate limit must be free again within an hour: seconds × burst ÷ count is at most 3600"
    )]
    TooSlow,
}

impl RateLimits {
    /// Returns rate limits without any limit.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns these limits. Each burst must be regained within an hour, because a restart forgets the uses.
    ///
    /// # Errors
    /// [`RateLimitsError`]: each variant names the rule.
    pub fn of(all: Vec<RateLimit>) -> Result<Self, RateLimitsError> {
        Self::refilling_within(limits::RATE_REFILL_SECONDS_MAX, all)
    }

    /// Returns these limits as read from the store. Slower ones than a new key may have are kept.
    ///
    /// # Errors
    /// As [`RateLimits::of`].
    pub fn stored(all: Vec<RateLimit>) -> Result<Self, RateLimitsError> {
        Self::refilling_within(limits::RATE_REFILL_STORED_SECONDS_MAX, all)
    }

    fn refilling_within(seconds: u64, all: Vec<RateLimit>) -> Result<Self, RateLimitsError> {
        if all.len() > limits::RATE_LIMITS_MAX {
            return Err(RateLimitsError::TooMany);
        }
        if !all.iter().all(|limit| limit.refills_within(seconds)) {
            return Err(RateLimitsError::TooSlow);
        }
        let named = |name| all.iter().filter(|limit| limit.name == name).count();
        if all.iter().any(|limit| named(limit.name) > 1) {
            return Err(RateLimitsError::NameTwice);
        }
        Ok(Self(all))
    }

    /// Whether a limit takes more than an hour to regain its burst, so that a restart forgets more than an hour of uses.
    pub fn outlast_an_hour(&self) -> bool {
        !self.0.iter().all(|limit| limit.refills_within(limits::RATE_REFILL_SECONDS_MAX))
    }

    /// Returns the widest limits that are within both.
    ///
    /// # Errors
    /// [`RateLimitsError::TooMany`] when both together have more names than a key may have limits.
    pub fn tightest(&self, other: &Self) -> Result<Self, RateLimitsError> {
        let own =
            self.0.iter().map(|limit| other.named(limit.name).map_or(*limit, |other| limit.slower(other)));
        let others = other.0.iter().filter(|limit| self.named(limit.name).is_none()).copied();
        Self::stored(own.chain(others).collect())
    }

    /// Returns the limit of this name.
    pub fn named(&self, name: LimitName) -> Option<&RateLimit> {
        self.0.iter().find(|limit| limit.name == name)
    }

    /// All limits, in the order given.
    pub fn all(&self) -> &[RateLimit] {
        &self.0
    }

    /// Whether the key has the limit that a use names. A use without a name is always covered.
    #[inline(always)]
    pub fn cover(&self, spend: Spend) -> bool {
        spend.limit.is_none_or(|name| self.0.iter().any(|limit| limit.name == name))
    }
}

impl fmt::Display for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, RateLimit { name, count, seconds, burst }) in self.0.iter().enumerate() {
            let before = if n == 0 { "" } else { ", " };
            write!(f, "{before}{}={count}/{seconds}s:{burst}", name.as_str())?;
        }
        Ok(())
    }
}

/// Cost of a use, and the limit that it counts for.
///
/// ```
/// use keyward::key::Spend;
/// assert_eq!(Spend::default(), Spend { limit: None, cost: 1 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spend {
    /// Limit that the use counts for; `None` for all limits of the key. A key without the named limit is denied.
    pub limit: Option<LimitName>,
    /// Number of uses that it counts as. 0 reads the limit and spends nothing.
    pub cost: u32,
}

impl Default for Spend {
    fn default() -> Self {
        Self { limit: None, cost: 1 }
    }
}

/// Rest of a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Rate limit.
    pub limit: RateLimit,
    /// Uses left now.
    pub remaining: u32,
    /// Milliseconds until the whole burst is regained.
    pub reset_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Restriction as _;

    fn limit(name: &str, seconds: u32) -> RateLimit {
        let number = |number| NonZeroU32::new(number).unwrap();
        let name = name.parse().unwrap();
        RateLimit { name, count: number(10), seconds: number(seconds), burst: number(5) }
    }

    #[test]
    fn limits_are_few_named_apart_and_not_endless() {
        assert_eq!(RateLimits::of(Vec::new()), Ok(RateLimits::none()));
        assert!(RateLimits::of(vec![limit("a", 1), limit("b", 60)]).is_ok());
        assert_eq!(RateLimits::of(vec![limit("a", 1), limit("a", 60)]), Err(RateLimitsError::NameTwice));
        let many = (0..9).map(|n| limit(&format!("l{n}"), 1)).collect();
        assert_eq!(RateLimits::of(many), Err(RateLimitsError::TooMany));
        assert_eq!(RateLimits::of(vec![limit("a", u32::MAX)]), Err(RateLimitsError::TooSlow));
    }

    #[test]
    fn limits_within_others_have_each_of_them_no_faster_and_no_larger() {
        let of = |name: &str, count: u32, seconds: u32, burst: u32| {
            let number = |number| NonZeroU32::new(number).unwrap();
            let (count, seconds, burst) = (number(count), number(seconds), number(burst));
            RateLimit { name: name.parse().unwrap(), count, seconds, burst }
        };
        let bound = of("a", 10, 60, 5);
        for (limits, within) in [
            (vec![], false),
            (vec![bound], true),
            (vec![of("a", 1, 6, 5)], true),
            (vec![of("a", 10, 59, 5)], false),
            (vec![of("a", 11, 60, 5)], false),
            (vec![of("a", 10, 60, 6)], false),
            (vec![of("a", 1, 60, 1), of("b", 9, 1, 9)], true),
            (vec![of("b", 1, 60, 1)], false),
        ] {
            let limits = RateLimits::of(limits).unwrap();
            assert_eq!(limits.within(&RateLimits::of(vec![bound]).unwrap()), within, "{limits:?}");
            assert!(limits.within(&RateLimits::none()) && limits.within(&limits));
        }
    }

    #[test]
    fn eight_limits_are_the_most() {
        let eight: Vec<_> = (0..8).map(|n| limit(&format!("l{n}"), 1)).collect();
        assert_eq!(RateLimits::of(eight.clone()).unwrap().all(), eight);
    }

    #[test]
    fn a_new_limit_refills_within_an_hour_and_a_stored_one_within_ten_years() {
        let of = |count: u32, seconds: u64, burst: u32| {
            let number = |number| NonZeroU32::new(number).unwrap();
            let seconds = u32::try_from(seconds).unwrap();
            vec![RateLimit { count: number(count), burst: number(burst), ..limit("a", seconds) }]
        };
        let (hour, years) = (limits::RATE_REFILL_SECONDS_MAX, limits::RATE_REFILL_STORED_SECONDS_MAX);
        type Make = fn(Vec<RateLimit>) -> Result<RateLimits, RateLimitsError>;
        for (make, most) in [(RateLimits::of as Make, hour), (RateLimits::stored, years)] {
            for (count, seconds, burst) in [(1, most, 1), (10, most, 10), (10, most * 5, 2)] {
                assert!(make(of(count, seconds, burst)).is_ok(), "{count} in {seconds}, {burst}");
            }
            let slow =
                [(1, most + 1, 1), (1, most, 2), (10, most + 1, 10), (3, most + 1, 3), (2, most * 2 + 1, 1)];
            for (count, seconds, burst) in slow {
                let made = make(of(count, seconds, burst));
                assert_eq!(made, Err(RateLimitsError::TooSlow), "{count} in {seconds}, {burst}");
            }
        }
        assert!(RateLimits::stored(of(1, hour + 1, 1)).unwrap().outlast_an_hour());
        assert!(!RateLimits::stored(of(1, hour, 1)).unwrap().outlast_an_hour());
    }
}
