//! Rate limits of keys, counted in memory: one account a key, whichever of the key's secrets was presented.
//!
//! Accounts are lost at a stop, so a restart makes every burst free again. That is why the refill time of a new limit
//! is bounded (`limits::RATE_REFILL_SECONDS_MAX`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use papaya::{Compute, Operation};

use super::gcra::{Gcra, TooMany};
use crate::clock::Timestamp;
use crate::key::{KeyId, Quota, RateLimit, RateLimits, Spend};

/// Accounts of all limited keys.
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
    /// Spends from the limits of a key, from all or from none. Returns the quota of the limit with the least left;
    /// `None` when `spend` concerns no limit of the key.
    ///
    /// # Errors
    /// [`OverLimit`] when one of the limits has not enough left.
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
            // Of several threads exactly one opens the account. A change of the limits opens a new one, with a full
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

    /// Removes accounts whose limits are all unused again: a new account is the same.
    pub fn sweep(&self, now: Timestamp) {
        self.0.pin().retain(|_, account| !account.close_if_full(now));
    }
}

fn concerns(spend: Spend, limit: &RateLimit) -> bool {
    spend.limit.is_none_or(|name| name == limit.name)
}

/// Account of one key.
struct Account {
    limits: RateLimits,
    /// In the order of the limits, none once the account is closed. Locked so that a use is spent from all of the
    /// limits or from none.
    cells: Mutex<Vec<Cell>>,
}

/// One limit of one key, and how much of it is used.
#[derive(Clone, Copy)]
struct Cell {
    limit: RateLimit,
    gcra: Gcra,
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

    /// Spends a use; `None` when another thread closed the account meanwhile.
    fn spend(&self, spend: Spend, now: Timestamp) -> Option<Result<Option<Quota>, OverLimit>> {
        let mut cells = self.cells();
        if cells.is_empty() {
            return None;
        }
        // First into a copy: a later limit may refuse the use.
        let mut after = cells.clone();
        for (cell, after) in cells.iter_mut().zip(&mut after).filter(|(cell, _)| concerns(spend, &cell.limit))
        {
            cell.gcra.advance(now.unix_ms());
            match cell.gcra.after(spend.cost) {
                Ok(gcra) => after.gcra = gcra,
                Err(TooMany { wait }) => {
                    return Some(Err(OverLimit { quota: cell.quota(), retry_ms: wait.map(milliseconds) }));
                }
            }
        }
        *cells = after;
        let concerned = cells.iter().filter(|cell| concerns(spend, &cell.limit));
        Some(Ok(concerned.map(Cell::quota).min_by_key(|quota| quota.remaining)))
    }

    fn is_closed(&self) -> bool {
        self.cells().is_empty()
    }

    /// Closes an account whose limits are all unused, so that no thread that still holds it spends from it.
    fn close_if_full(&self, now: Timestamp) -> bool {
        let mut cells = self.cells();
        cells.iter_mut().for_each(|cell| cell.gcra.advance(now.unix_ms()));
        let full = cells.iter().all(|cell| cell.gcra.owed() == 0);
        if full {
            cells.clear();
        }
        full
    }
}

impl Cell {
    fn new(limit: RateLimit, now: Timestamp) -> Self {
        let mut gcra = Gcra::new(&limit);
        gcra.advance(now.unix_ms());
        Self { limit, gcra }
    }

    fn quota(&self) -> Quota {
        let Self { limit, gcra } = *self;
        Quota { limit, remaining: gcra.remaining(), reset_ms: milliseconds(gcra.owed()) }
    }
}

/// Returns whole milliseconds, rounded up: a caller that waits so long has waited enough.
const fn milliseconds(nanoseconds: u64) -> u64 {
    nanoseconds.div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::key::RateLimit;

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
