//! Time as an argument: [`Timestamp`], [`Clock`], the system's clock and one that tests move by hand.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

    /// Reads a day, in UTC, as its beginning, or a moment as [`Timestamp::parse`] does.
    pub fn parse_day(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| Self::parse(&format!("{text}T00:00:00Z")))
    }
}

impl Timestamp {
    /// As displayed, without the fraction of the second: for a moment that is not known so exactly.
    pub fn to_the_second(self) -> String {
        let exact = self.to_string();
        exact.split('.').next().map_or_else(String::new, |second| format!("{second}Z"))
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

/// Source of time for the engine.
pub trait Clock: Send + Sync + 'static {
    /// Returns the time now. It may repeat or go back; callers do not rely on its moving.
    fn now(&self) -> Timestamp;

    /// Makes the clock return no earlier time than `moment` from now on, moving on from there until the source has caught up.
    fn not_before(&self, moment: Timestamp);
}

/// The operating system's coarse wall clock: at most a few milliseconds old. Reading the exact one takes several times as
/// long, which a verify would pay.
///
/// It never goes back: what has expired stays expired. When the system's clock is set forward it follows within 10 ms;
/// set back, it keeps its lead and goes on at the pace of the time that passes, until the system's clock has caught up.
/// So nothing ends earlier than by the sum of such leads. Over a restart the store keeps the newest time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// One for the process, so that all callers share its lead.
static STEADY: Steady = Steady::new();

impl SystemClock {
    /// Whether the system's clock shows a time before 1970, which nothing here can have happened in.
    pub fn is_before_1970() -> bool {
        wall_ms().is_none()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        STEADY.now(passed_ms(), || wall_ms().unwrap_or(0))
    }

    fn not_before(&self, moment: Timestamp) {
        STEADY.not_before(passed_ms(), moment);
    }
}

/// Milliseconds that passed since some moment.
#[cfg(target_os = "linux")]
fn passed_ms() -> u64 {
    ms(rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse)).unwrap_or(0)
}

/// Milliseconds since 1970, as the system has them; `None` before.
#[cfg(target_os = "linux")]
fn wall_ms() -> Option<u64> {
    ms(rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse))
}

#[cfg(target_os = "linux")]
fn ms(time: rustix::time::Timespec) -> Option<u64> {
    let ms = u64::try_from(time.tv_sec).ok()?.saturating_mul(1_000);
    Some(ms.saturating_add(u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0)))
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
fn passed_ms() -> u64 {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
fn wall_ms() -> Option<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// How often the wall clock is looked at; in between time passes by itself.
const LOOK_MS: u64 = 10;
/// A clock that is set back by less is an everyday correction.
const LEAD_TOLD_MS: u64 = 60_000;

/// Turns a clock that is set forward and back into one that never goes back.
struct Steady {
    /// The most that the wall clock was ever ahead of the time passed.
    ahead: AtomicU64,
    /// When the wall clock is looked at next, in time passed.
    next: AtomicU64,
    /// Whether it was told that the wall clock is far behind.
    told: AtomicBool,
}

impl Steady {
    const fn new() -> Self {
        Self { ahead: AtomicU64::new(0), next: AtomicU64::new(0), told: AtomicBool::new(false) }
    }

    #[inline]
    fn now(&self, passed: u64, wall: impl FnOnce() -> u64) -> Timestamp {
        if passed >= self.next.load(Ordering::Acquire) {
            self.look(passed, wall());
        }
        Timestamp::from_unix_ms(passed.saturating_add(self.ahead.load(Ordering::Relaxed)))
    }

    fn not_before(&self, passed: u64, moment: Timestamp) {
        self.ahead.fetch_max(moment.unix_ms().saturating_sub(passed), Ordering::Relaxed);
        // Looked at anew, so that a lead is told at once.
        self.next.store(0, Ordering::Release);
    }

    #[cold]
    fn look(&self, passed: u64, wall: u64) {
        let ahead = wall.saturating_sub(passed);
        let before = self.ahead.fetch_max(ahead, Ordering::Relaxed);
        // Release: a thread that reads this also reads the new lead.
        self.next.fetch_max(passed.saturating_add(LOOK_MS), Ordering::Release);
        let lead = before.saturating_sub(ahead);
        let far = lead > LEAD_TOLD_MS;
        if self.told.swap(far, Ordering::Relaxed) != far && far {
            let seconds = lead / 1_000;
            tracing::warn!(
                seconds,
                "the system's clock is behind the newest time that is known; keys go by the later one until it has caught up"
            );
        }
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
    /// Returns a clock that shows `start` until it is moved.
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

    fn not_before(&self, moment: Timestamp) {
        self.0.fetch_max(moment.0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_clock_that_is_set_never_takes_time_back_nor_runs_ahead_of_what_it_was_set_to(
            steps in prop::collection::vec((0..50_u64, -100_000..100_000_i64), 1..200),
        ) {
            let steady = Steady::new();
            let (mut passed, mut wall, mut ahead, mut before) = (0_u64, 1_000_000_i64, 0_i64, 0);
            for (pause, set) in steps {
                passed += pause;
                // Set only now and then, by up to 100 s.
                wall += pause as i64 + if set % 5 == 0 { set } else { 0 };
                ahead = ahead.max(wall - passed as i64);
                let now = steady.now(passed, || u64::try_from(wall).unwrap_or(0)).unix_ms();
                prop_assert!(now >= before, "it went back from {before} to {now}");
                prop_assert!(now <= passed + u64::try_from(ahead).unwrap_or(0), "earlier ends than it was set to");
                before = now;
            }
            // Left alone, it shows the latest that it was set to.
            passed += LOOK_MS;
            let now = steady.now(passed, || u64::try_from(wall).unwrap_or(0) + LOOK_MS);
            prop_assert!(now.unix_ms() as i64 >= wall);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_time_before_1970_is_none() {
        let at = |tv_sec| ms(rustix::time::Timespec { tv_sec, tv_nsec: 999_999_999 });
        assert_eq!((at(-1), at(0), at(1)), (None, Some(999), Some(1_999)));
        assert!(!SystemClock::is_before_1970());
    }

    #[test]
    fn it_follows_forward_at_once_and_back_never() {
        let steady = Steady::new();
        let at = |passed, wall| steady.now(passed, || wall).unix_ms();
        assert_eq!(at(0, 1_000_000), 1_000_000);
        assert_eq!(at(5, 0), 1_000_005, "in between the wall clock is not asked");
        assert_eq!(at(10, 2_000_000), 2_000_000);
        assert_eq!(at(1_000, 1_000_990), 2_000_990, "it keeps its lead");
        steady.not_before(1_000, Timestamp::from_unix_ms(3_000_000));
        assert_eq!(at(1_000, 1_000_990), 3_000_000, "it goes on from where it was before a restart");
        assert_eq!(at(1_020, 1_001_010), 3_000_020);
        assert_eq!(at(2_000, 4_000_000), 4_000_000, "until the system's clock has caught up");
        steady.not_before(2_000, Timestamp::from_unix_ms(3_000_000));
        assert_eq!(at(2_000, 4_000_000), 4_000_000);
        assert!(SystemClock.now() >= Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
    }
}
