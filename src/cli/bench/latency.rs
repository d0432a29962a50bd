//! Time as the bench reads it, and how long things took.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::{Exit, Failure};

/// The time now, as exactly as the system has it.
#[expect(clippy::disallowed_methods, reason = "a bench reads the exact clock; nothing else decides by it")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Waits.
pub(super) fn pause(length: Duration) {
    std::thread::sleep(length);
}

/// How long many things took, to three digits.
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> Result<Self, Failure> {
        let histogram = Histogram::new(3);
        histogram.map(Self).map_err(|error| Failure::new(Exit::Failed, error.to_string()))
    }

    pub(super) fn note(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Takes over what another one noted.
    pub(super) fn absorb(&mut self, other: &Self) -> Result<(), Failure> {
        self.0.add(&other.0).map_err(|error| Failure::new(Exit::Failed, error.to_string()))
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

/// So many in this time, as a rate a second.
pub(super) fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.max(Duration::from_nanos(1)).as_secs_f64()
}
