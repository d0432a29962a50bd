//! How much of their rate limits keys have used, in memory.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use papaya::{Compute, Operation};

use crate::clock::Timestamp;
use crate::key::{KeyId, Quota, RateLimit, RateLimits, Spend};

/// What every limited key has used; one account a key, whichever of its secrets was presented. Lost at a stop.
#[derive(Default)]
pub struct Rates(papaya::HashMap<KeyId, Arc<Account>>);

/// A use that does not fit in a limit. Nothing was spent, of no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// What is left of the limit.
    pub quota: Quota,
    /// Milliseconds until the use would fit; `None` when it never will: it costs more than the burst.
    pub retry_ms: Option<u64>,
}

impl Rates {
    /// Spends from the limits of a key, from all or from none; the quota is that of the limit with the least left,
    /// `None` when no limit was concerned.
    ///
    /// # Errors
    /// [`OverLimit`] when one of them has not enough left.
    pub fn spend(
        &self,
        key: KeyId,
        limits: &RateLimits,
        spend: Spend,
        now: Timestamp,
    ) -> Result<Option<Quota>, OverLimit> {
        if limits.all().iter().all(|limit| !concerns(spend, limit)) {
            return Ok(None);
        }
        let accounts = self.0.pin();
        if let Some(account) = accounts.get(&key).filter(|account| account.limits == *limits)
            && let Some(spent) = account.spend(spend, now)
        {
            return spent;
        }
        loop {
            // Of threads that come at once one opens the account. Also after the limits changed: it begins with a full
            // burst.
            let opened = accounts.compute(key, |entry| match entry {
                Some((_, account)) if account.limits == *limits && !account.is_closed() => {
                    Operation::Abort(Arc::clone(account))
                }
                _ => Operation::Insert(Arc::new(Account::new(limits.clone(), now))),
            });
            let account = match opened {
                Compute::Inserted(_, account) | Compute::Updated { new: (_, account), .. } => account,
                Compute::Aborted(ref account) => account,
                Compute::Removed(..) => continue,
            };
            if let Some(spent) = account.spend(spend, now) {
                return spent;
            }
        }
    }

    /// Forgets accounts that are as good as new.
    pub fn sweep(&self, now: Timestamp) {
        self.0.pin().retain(|_, account| !account.close_if_full(now));
    }
}

fn concerns(spend: Spend, limit: &RateLimit) -> bool {
    spend.limit.is_none_or(|name| name == limit.name)
}

/// Where one key stands.
struct Account {
    limits: RateLimits,
    /// In the order of the limits, none once the account is closed. Locked so that a use is spent from all of them or
    /// from none.
    cells: Mutex<Vec<Cell>>,
}

/// Where one key stands with one limit.
struct Cell {
    limit: RateLimit,
    governor: RateLimiter<NotKeyed, Arrival, Reading, NoOpMiddleware<Nanos>>,
    arrival: Arrival,
    reading: Reading,
}

/// Half of what 64 bits count, in the year 2262: what is added to it always fits.
const LATEST: u64 = u64::MAX / 2;

/// The theoretical arrival time of the algorithm, in nanoseconds since 1970.
#[derive(Clone, Default)]
struct Arrival(Arc<AtomicU64>);

/// The time an account is at, in nanoseconds since 1970; set before each use.
#[derive(Clone, Default)]
struct Reading(Arc<AtomicU64>);

impl StateStore for Arrival {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (answer, next) = measure(Some(self.0.load(Ordering::Relaxed).into()))?;
        self.0.store(next.into(), Ordering::Relaxed);
        Ok(answer)
    }
}

impl Clock for Reading {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.load(Ordering::Relaxed).into()
    }
}

impl Account {
    fn new(limits: RateLimits, now: Timestamp) -> Self {
        let cells = limits.all().iter().map(|limit| Cell::new(*limit, now)).collect();
        Self { limits, cells: Mutex::new(cells) }
    }

    // Nothing panics between two changes of one account, so a poisoned lock guards a whole one.
    fn cells(&self) -> MutexGuard<'_, Vec<Cell>> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` when the account was closed meanwhile.
    fn spend(&self, spend: Spend, now: Timestamp) -> Option<Result<Option<Quota>, OverLimit>> {
        let cells = self.cells();
        if cells.is_empty() {
            return None;
        }
        let concerned = || cells.iter().filter(|cell| concerns(spend, &cell.limit));
        let mut spent = Vec::new();
        for cell in concerned() {
            let before = cell.arrival.0.load(Ordering::Relaxed);
            if let Err(over) = cell.spend(spend.cost, now) {
                let undo = |(cell, before): (&Cell, u64)| cell.arrival.0.store(before, Ordering::Relaxed);
                spent.into_iter().for_each(undo);
                return Some(Err(over));
            }
            spent.push((cell, before));
        }
        Some(Ok(concerned().map(Cell::quota).min_by_key(|quota| quota.remaining)))
    }

    fn is_closed(&self) -> bool {
        self.cells().is_empty()
    }

    /// Closes an account that is as good as new, so that nobody who still has it spends from it.
    fn close_if_full(&self, now: Timestamp) -> bool {
        let mut cells = self.cells();
        let full = cells.iter().all(|cell| {
            cell.advance(now);
            cell.quota().reset_ms == 0
        });
        if full {
            cells.clear();
        }
        full
    }
}

impl Cell {
    fn new(limit: RateLimit, now: Timestamp) -> Self {
        let period = Duration::from_secs(limit.seconds.get().into());
        let each = (period / limit.count.get()).max(Duration::from_nanos(1));
        // Never `None`: the period is above zero.
        let quota =
            governor::Quota::with_period(each).unwrap_or_else(|| governor::Quota::per_second(limit.count));
        let (arrival, reading) = (Arrival::default(), Reading::default());
        let governor = RateLimiter::new(quota.allow_burst(limit.burst), arrival.clone(), reading.clone());
        let cell = Self { limit, governor, arrival, reading };
        cell.advance(now);
        cell
    }

    /// Moves the account's time on; it never goes back.
    fn advance(&self, now: Timestamp) {
        let nanoseconds = now.unix_ms().saturating_mul(1_000_000);
        self.reading.0.fetch_max(nanoseconds.min(LATEST), Ordering::Relaxed);
    }

    fn spend(&self, cost: u32, now: Timestamp) -> Result<(), OverLimit> {
        self.advance(now);
        let over = |retry_ms| OverLimit { quota: self.quota(), retry_ms };
        if cost > self.limit.burst.get() {
            return Err(over(None));
        }
        let Some(cost) = NonZeroU32::new(cost) else { return Ok(()) };
        match self.governor.check_n(cost) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(over(Some(milliseconds(until.wait_time_from(self.reading.now()))))),
            Err(_) => Err(over(None)),
        }
    }

    fn quota(&self) -> Quota {
        let owed = self.arrival.0.load(Ordering::Relaxed);
        let owed = Duration::from_nanos(owed.saturating_sub(self.reading.now().into()));
        let each = Duration::from_secs(self.limit.seconds.get().into()) / self.limit.count.get();
        let used = owed.as_nanos().div_ceil(each.as_nanos().max(1));
        let remaining = self.limit.burst.get().saturating_sub(u32::try_from(used).unwrap_or(u32::MAX));
        Quota { limit: self.limit, remaining, reset_ms: milliseconds(owed) }
    }
}

/// Whole milliseconds, rounded up: whoever waits that long has waited enough.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix_ms(1_000_000);
    const KEY: KeyId = KeyId::from_bytes([1; 16]);

    fn limit(name: &str, count: u32, seconds: u32, burst: u32) -> RateLimit {
        let number = |number| NonZeroU32::new(number).unwrap();
        let name = name.parse().unwrap();
        RateLimit { name, count: number(count), seconds: number(seconds), burst: number(burst) }
    }

    fn cost(cost: u32) -> Spend {
        Spend { limit: None, cost }
    }

    #[test]
    fn a_burst_is_free_at_once_and_then_comes_back_evenly() {
        let rates = Rates::default();
        let limits = RateLimits::of(vec![limit("default", 60, 60, 3)]).unwrap();
        let spend = |now| rates.spend(KEY, &limits, Spend::default(), now);
        for left in [2, 1, 0] {
            assert_eq!(spend(START).unwrap().unwrap().remaining, left);
        }
        let over = spend(START).unwrap_err();
        assert_eq!((over.retry_ms, over.quota.remaining, over.quota.reset_ms), (Some(1_000), 0, 3_000));
        assert_eq!(spend(START.plus_ms(999)).unwrap_err().retry_ms, Some(1));
        assert!(spend(START.plus_ms(1_000)).is_ok());
        assert!(spend(START.plus_ms(1_000)).is_err(), "one came back, not two");
        assert!(spend(START).is_err(), "a clock that goes back gives nothing");
        assert_eq!(spend(START.plus_ms(60_000)).unwrap().unwrap().remaining, 2);
    }

    #[test]
    fn a_use_is_spent_from_all_limits_or_from_none() {
        let rates = Rates::default();
        let limits = RateLimits::of(vec![limit("a", 100, 1, 10), limit("b", 1, 100, 2)]).unwrap();
        assert_eq!(rates.spend(KEY, &limits, cost(2), START).unwrap().unwrap().limit.name.as_str(), "b");
        for _ in 0..20 {
            assert!(rates.spend(KEY, &limits, cost(1), START).is_err());
        }
        let only = |name: &str, cost| Spend { limit: Some(name.parse().unwrap()), cost };
        assert_eq!(rates.spend(KEY, &limits, only("a", 0), START).unwrap().unwrap().remaining, 8);
        assert!(rates.spend(KEY, &limits, only("a", 8), START).is_ok(), "the refused ones took nothing");
        assert_eq!(rates.spend(KEY, &limits, only("other", 99), START), Ok(None));
    }

    #[test]
    fn a_cost_above_the_burst_never_fits_and_no_number_is_too_large() {
        let rates = Rates::default();
        let limits = RateLimits::stored(vec![limit("default", 1, 1, u32::MAX / 20)]).unwrap();
        assert_eq!(rates.spend(KEY, &limits, cost(u32::MAX), START).unwrap_err().retry_ms, None);
        for now in [Timestamp::from_unix_ms(0), START, Timestamp::MAX] {
            assert!(rates.spend(KEY, &limits, cost(u32::MAX / 20 - 1), now).is_ok() || now == START);
        }
    }

    #[test]
    fn full_accounts_are_forgotten_and_new_limits_begin_anew() {
        let rates = Rates::default();
        let (one, two) = (limit("default", 1, 10, 1), limit("default", 1, 10, 2));
        let (one, two) = (RateLimits::of(vec![one]).unwrap(), RateLimits::of(vec![two]).unwrap());
        assert!(rates.spend(KEY, &one, cost(1), START).is_ok());
        rates.sweep(START.plus_ms(9_999));
        assert!(rates.spend(KEY, &one, cost(1), START.plus_ms(9_999)).is_err());
        rates.sweep(START.plus_ms(10_000));
        assert!(rates.0.is_empty());
        assert!(rates.spend(KEY, &one, cost(1), START.plus_ms(10_000)).is_ok());
        assert!(rates.spend(KEY, &two, cost(1), START.plus_ms(10_000)).is_ok());
    }
}
