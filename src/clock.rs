//! Time as an argument: [`Timestamp`], [`Clock`], the system's clock and one that tests move by hand.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use keyward::clock::Timestamp;
/// let t = Timestamp::from_unix_ms(1_378_389_775_190);
/// assert_eq!(t.to_string(), "2013-09-05T14:02:55.190Z");
/// assert_eq!(Timestamp::parse("2013-09-05T14:02:55.190Z"), Some(t));
/// assert_eq!(t.unix_seconds(), 1_378_389_775);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The latest moment that has an RFC 3339 form: the end of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The moment `ms` milliseconds after the epoch; beyond the year 9999 it is [`Timestamp::MAX`].
    pub const fn from_unix_ms(ms: u64) -> Self {
        if ms > Self::MAX.0 { Self::MAX } else { Self(ms) }
    }

    /// Milliseconds since the epoch.
    pub const fn unix_ms(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn unix_seconds(self) -> u64 {
        self.0 / 1_000
    }

    /// The moment `ms` milliseconds later, at most [`Timestamp::MAX`].
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(ms))
    }

    /// Reads an RFC 3339 date and time; `None` when it is not one, or lies before 1970.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let ms = moment.unix_timestamp_nanos().checked_div(1_000_000)?;
        u64::try_from(ms).ok().map(Self::from_unix_ms)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with exactly three fraction digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .map_err(|_| fmt::Error)?;
        f.write_str(&moment.format(&format).map_err(|_| fmt::Error)?)
    }
}

/// Where the engine reads the time.
pub trait Clock: Send + Sync + 'static {
    /// The time now. May stand still or go back; callers never rely on it moving.
    fn now(&self) -> Timestamp;
}

/// The operating system's wall clock, as of its last tick: a few milliseconds old at most, and read in a fraction of
/// the time that the exact one takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[cfg(target_os = "linux")]
    fn now(&self) -> Timestamp {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        // Before 1970 it is 1970.
        let ms = u64::try_from(now.tv_sec).unwrap_or(0).saturating_mul(1_000);
        Timestamp::from_unix_ms(ms).plus_ms(u64::try_from(now.tv_nsec / 1_000_000).unwrap_or(0))
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that moves only when told to. Clones share one time.
///
/// ```
/// use keyward::clock::{Clock, ManualClock, Timestamp};
/// let clock = ManualClock::at(Timestamp::from_unix_ms(1_000));
/// clock.advance_ms(500);
/// assert_eq!(clock.now().unix_ms(), 1_500);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(start.0)))
    }

    /// Moves the clock forward by `ms` milliseconds.
    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}
