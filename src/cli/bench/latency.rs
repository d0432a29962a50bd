//! Time as the bench reads it, and how long things took.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::cli::failure::{CliError, Exit};

/// The time now, as exactly as the system has it.
#[expect(clippy::disallowed_methods, reason = "a bench reads the exact clock; nothing else decides by it")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Waits.
pub(super) fn pause(length: Duration) {
    std::thread::sleep(length);
}

/// Nothing that is measured takes longer; a histogram that grows by itself would keep to its room for what is recorded
/// without an error.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How long many things took, to three digits.
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> Result<Self, CliError> {
        let histogram = Histogram::new_with_bounds(1, nanoseconds(LONGEST), 3);
        histogram.map(Self).map_err(|error| CliError::new(Exit::Failed, error.to_string()))
    }

    pub(super) fn note(&mut self, took: Duration) {
        self.0.saturating_record(nanoseconds(took));
    }

    /// Takes over what another one noted.
    pub(super) fn absorb(&mut self, other: &Self) -> Result<(), CliError> {
        self.0.add(&other.0).map_err(|error| CliError::new(Exit::Failed, error.to_string()))
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that this share of them did not exceed.
    pub(super) fn at(&self, share: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(share))
    }

    pub(super) fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

/// So many in this time, as a rate a second.
pub(super) fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.max(Duration::from_nanos(1)).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_things_took_comes_out_as_it_was_noted() {
        for took in [1, 900, 45_000, 7_000_000, 3_200_000_000, 3_600_000_000_000].map(Duration::from_nanos) {
            let (mut all, mut latencies) = (Latencies::new().unwrap(), Latencies::new().unwrap());
            (0..100).for_each(|_| latencies.note(took));
            all.absorb(&latencies).unwrap();
            assert_eq!(all.count(), 100);
            for told in [all.at(0.5), all.at(0.99), all.max()] {
                let wrong = told.abs_diff(took).as_secs_f64() / took.as_secs_f64();
                assert!(wrong < 0.001, "{told:?} for {took:?}");
            }
        }
    }

    #[test]
    fn few_slow_ones_are_seen_among_many_fast_ones() {
        let mut latencies = Latencies::new().unwrap();
        (0..990).for_each(|_| latencies.note(Duration::from_micros(10)));
        (0..10).for_each(|_| latencies.note(Duration::from_millis(250)));
        assert!(latencies.at(0.5) < Duration::from_micros(11), "{:?}", latencies.at(0.5));
        assert!(latencies.at(0.999) > Duration::from_millis(249), "{:?}", latencies.at(0.999));
        assert!(latencies.max() > Duration::from_millis(249), "{:?}", latencies.max());
    }
}
