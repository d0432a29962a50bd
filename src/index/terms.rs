//! What keys may do that does not fit into a slot: allowlists, rate limits, grace periods. Keys on the same terms share
//! them, under a number that their slots carry.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::key::{
    Allowlist, Expiry, HotRecord, HotView, KeyId, KeyspaceName, Level, RateLimits, Standing, UserId,
};

/// Names terms. Given out once: who finds other terms under it than a slot meant would allow what nobody granted.
pub(super) type TermsNumber = u64;

/// Everything of a record but whose it is.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Terms {
    keyspace: KeyspaceName,
    level: Level,
    standing: Standing,
    expiry: Expiry,
    allowlist: Allowlist,
    rate_limits: RateLimits,
}

impl Terms {
    fn of(record: &HotRecord) -> Self {
        let HotRecord { id: _, owner: _, keyspace, level, standing, expiry, allowlist, rate_limits } =
            record.clone();
        Self { keyspace, level, standing, expiry, allowlist, rate_limits }
    }

    /// Whether a restart forgets more than an hour's uses of their rate limits.
    pub(super) fn outlast_an_hour(&self) -> bool {
        self.rate_limits.outlast_an_hour()
    }

    /// The record of a key that is on them.
    pub(super) fn view(&self, id: KeyId, owner: UserId) -> HotView<'_> {
        let Self { ref keyspace, level, standing, expiry, ref allowlist, ref rate_limits } = *self;
        HotView { id, keyspace, owner, level, standing, expiry, allowlist, rate_limits }
    }
}

/// All terms that keys are on, by number; for readers. The numbers are ours, so their hash need not be a secret one.
pub(super) type TermsByNumber = papaya::HashMap<TermsNumber, Arc<Terms>, FixedState>;

/// The writer's side: which terms have a number, and how many keys are on them.
#[derive(Default)]
pub(super) struct TermsNumbers {
    /// Given out last.
    last: TermsNumber,
    numbers: HashMap<Arc<Terms>, (TermsNumber, usize)>,
}

impl TermsNumbers {
    /// Puts one more key on the terms of this record. Readers find them before a slot can say so.
    pub(super) fn enter(&mut self, all: &TermsByNumber, record: &HotRecord) -> TermsNumber {
        match self.numbers.entry(Arc::new(Terms::of(record))) {
            Entry::Occupied(mut known) => {
                let (number, keys) = known.get_mut();
                *keys += 1;
                *number
            }
            Entry::Vacant(new) => {
                self.last += 1;
                all.pin().insert(self.last, Arc::clone(new.key()));
                new.insert((self.last, 1));
                self.last
            }
        }
    }

    /// Takes a key off the terms of this number, after its slot says something else.
    pub(super) fn leave(&mut self, all: &TermsByNumber, number: TermsNumber) {
        let all = all.pin();
        let Some(terms) = all.get(&number) else { return };
        if let Some((_, keys)) = self.numbers.get_mut(terms).filter(|(_, keys)| *keys > 1) {
            *keys -= 1;
        } else {
            self.numbers.remove(terms);
            all.remove(&number);
        }
    }

    /// How many keys are on terms that `which` picks.
    pub(super) fn keys_on(&self, which: impl Fn(&Terms) -> bool) -> usize {
        self.numbers.iter().filter(|(terms, _)| which(terms)).map(|(_, (_, keys))| keys).sum()
    }

    /// Nobody is on any.
    pub(super) fn clear(&mut self, all: &TermsByNumber) {
        self.numbers.clear();
        all.pin().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Keyspace, RateLimit};

    fn record(number: u8, allowlist: &str) -> HotRecord {
        HotRecord {
            id: KeyId::from_bytes([number; 16]),
            keyspace: *Keyspace::NATIVE.name(),
            owner: UserId(number.into()),
            level: Level::READ,
            standing: Standing::Active,
            expiry: Expiry::Never,
            allowlist: allowlist.parse().unwrap(),
            rate_limits: RateLimits::none(),
        }
    }

    #[test]
    fn keys_are_counted_whose_limits_outlast_an_hour() {
        let (mut numbers, all) = (TermsNumbers::default(), TermsByNumber::default());
        let limited = |number, hours: u32| {
            let count = 1.try_into().unwrap();
            let seconds = (hours * 3_600).try_into().unwrap();
            let limit = RateLimit { name: RateLimit::DEFAULT_NAME, count, seconds, burst: count };
            HotRecord { rate_limits: RateLimits::stored(vec![limit]).unwrap(), ..record(number, "") }
        };
        let on = [record(1, ""), limited(2, 1), limited(3, 24), limited(4, 24), limited(5, 25)];
        let entered = on.map(|record| numbers.enter(&all, &record));
        assert_eq!(numbers.keys_on(Terms::outlast_an_hour), 3);
        numbers.leave(&all, entered[3]);
        assert_eq!(numbers.keys_on(Terms::outlast_an_hour), 2);
    }

    #[test]
    fn keys_on_the_same_terms_share_them_and_the_last_one_takes_them_away() {
        let (mut numbers, all) = (TermsNumbers::default(), TermsByNumber::default());
        let mut enter = |number, allowlist| numbers.enter(&all, &record(number, allowlist));
        let (one, two, other) = (enter(1, "10.0.0.1"), enter(2, "10.0.0.1"), enter(1, "10.0.0.2"));
        assert!(one == two && one != other);
        let view =
            |number, key| all.pin().get(&number).map(|terms| terms.view(key, UserId(7)).allowlist.clone());
        let key = KeyId::from_bytes([1; 16]);
        assert_eq!(view(one, key), Some("10.0.0.1".parse().unwrap()));
        numbers.leave(&all, one);
        assert!(view(one, key).is_some(), "the second key is still on them");
        numbers.leave(&all, two);
        assert_eq!((view(one, key), all.len()), (None, 1));
        assert!(numbers.enter(&all, &record(1, "10.0.0.1")) > other, "no number comes again");
    }
}
