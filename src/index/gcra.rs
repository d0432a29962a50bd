//! Arithmetic of one rate limit: the generic cell rate algorithm (GCRA, ITU-T I.371).
//!
//! The whole state is one moment, the arrival time in theory: the moment at which the limit is unused again. Each use
//! moves the arrival time on by one interval. A use is refused if that would lead further into the future than the
//! burst allows. A property test holds the answers against those of the crate `governor`.

use crate::key::RateLimit;

/// Half of what 64 bits count, in the year 2262: adding an interval to such a moment does not overflow.
const LATEST: u64 = u64::MAX / 2;
const SECOND_NS: u64 = 1_000_000_000;
const MS_NS: u64 = 1_000_000;

/// State of one rate limit of one key. All times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gcra {
    /// Time in which one use is regained; at least 1.
    interval: u64,
    burst: u32,
    /// The arrival time in theory.
    arrival: u64,
    /// The newest time that was given; it never goes back.
    now: u64,
}

/// Refusal of a use. Nothing was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany {
    /// Nanoseconds until the same use fits; `None` when its cost is above the burst.
    pub(super) wait: Option<u64>,
}

impl Gcra {
    /// Returns an unused limit.
    pub(super) const fn new(limit: &RateLimit) -> Self {
        let interval = limit.seconds.get() as u64 * SECOND_NS / limit.count.get() as u64;
        let interval = if interval == 0 { 1 } else { interval };
        Self { interval, burst: limit.burst.get(), arrival: 0, now: 0 }
    }

    /// Moves the time on to `unix_ms`; an earlier time changes nothing.
    pub(super) fn advance(&mut self, unix_ms: u64) {
        self.now = self.now.max(unix_ms.saturating_mul(MS_NS).min(LATEST));
    }

    /// Returns the state after a use that costs `cost`, for the caller to keep if all other limits allow it, too.
    ///
    /// # Errors
    /// [`TooMany`] when the limit has not enough left.
    pub(super) fn after(self, cost: u32) -> Result<Self, TooMany> {
        if cost > self.burst {
            return Err(TooMany { wait: None });
        }
        if cost == 0 {
            return Ok(self);
        }
        let added = self.interval.saturating_mul(u64::from(cost));
        let tolerance = self.interval.saturating_mul(u64::from(self.burst));
        let earliest = self.arrival.saturating_add(added).saturating_sub(tolerance);
        if earliest > self.now {
            return Err(TooMany { wait: Some(earliest - self.now) });
        }
        Ok(Self { arrival: self.arrival.max(self.now).saturating_add(added), ..self })
    }

    /// Nanoseconds until the limit is unused again.
    pub(super) const fn owed(&self) -> u64 {
        self.arrival.saturating_sub(self.now)
    }

    /// Number of uses that fit now.
    pub(super) fn remaining(&self) -> u32 {
        let used = self.owed().div_ceil(self.interval);
        self.burst.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use governor::clock::{Clock as _, FakeRelativeClock};
    use governor::{Quota, RateLimiter};
    use proptest::prelude::*;

    use super::*;

    fn positive(most: u32) -> impl Strategy<Value = NonZeroU32> {
        (1..=most).prop_map(|number| NonZeroU32::new(number).unwrap())
    }

    proptest! {
        #[test]
        fn every_answer_is_that_of_governor(
            (count, seconds, burst) in (positive(100), positive(3_600), positive(20)),
            steps in prop::collection::vec((0..40_000_u64, positive(25)), 1..60),
        ) {
            let limit = RateLimit { name: RateLimit::DEFAULT_NAME, count, seconds, burst };
            let each = Duration::from_secs(seconds.get().into()) / count.get();
            let clock = FakeRelativeClock::default();
            let quota = Quota::with_period(each).unwrap().allow_burst(burst);
            let oracle = RateLimiter::direct_with_clock(quota, clock.clone());
            let (mut gcra, mut now_ms) = (Gcra::new(&limit), 0);
            for (pause_ms, cost) in steps {
                now_ms += pause_ms;
                clock.advance(Duration::from_millis(pause_ms));
                gcra.advance(now_ms);
                let expected = match oracle.check_n(cost) {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(until)) => {
                        let wait = until.wait_time_from(clock.now()).as_nanos();
                        Err(TooMany { wait: Some(u64::try_from(wait).unwrap()) })
                    }
                    Err(_) => Err(TooMany { wait: None }),
                };
                let answer = gcra.after(cost.get());
                prop_assert_eq!(answer.map(drop), expected);
                gcra = answer.unwrap_or(gcra);
                // As many uses as are said to be left fit, and no more.
                let left = gcra.remaining();
                prop_assert!(gcra.after(left).is_ok());
                prop_assert!(gcra.after(left + 1).is_err());
            }
        }
    }
}
