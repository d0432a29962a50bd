//! Shared policies: allowlists, rate limits and grace periods do not fit into a slot. Keys with the same policy share one
//! copy; their slots carry its id.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::key::{
    Allowlist, Expiry, HotRecord, HotView, KeyId, KeyspaceName, Level, RateLimits, SecretState, UserId,
};

/// Id of a shared policy. No id is used twice: a reader that held an old id would otherwise apply another key's policy.
pub(super) type PolicyId = u64;

/// Policy of a key: its hot record without key id and owner.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Policy {
    keyspace: KeyspaceName,
    level: Level,
    secret_state: SecretState,
    expiry: Expiry,
    allowlist: Allowlist,
    rate_limits: RateLimits,
}

impl Policy {
    fn of(record: &HotRecord) -> Self {
        let HotRecord { id: _, owner: _, keyspace, level, secret_state, expiry, allowlist, rate_limits } =
            record.clone();
        Self { keyspace, level, secret_state, expiry, allowlist, rate_limits }
    }

    /// Whether its rate limits take more than an hour to become unused.
    pub(super) fn outlast_an_hour(&self) -> bool {
        self.rate_limits.outlast_an_hour()
    }

    /// Returns the hot record of a key with this policy.
    pub(super) fn view(&self, id: KeyId, owner: UserId) -> HotView<'_> {
        let Self { ref keyspace, level, secret_state, expiry, ref allowlist, ref rate_limits } = *self;
        HotView { id, keyspace, owner, level, secret_state, expiry, allowlist, rate_limits }
    }
}

/// Readers' side: shared policies by id. The ids are made here, so hashing them needs no secret.
pub(super) type PoliciesById = papaya::HashMap<PolicyId, Arc<Policy>, FixedState>;

/// Writer's side: the id of each shared policy, and the number of keys that have it.
#[derive(Default)]
pub(super) struct PolicyTable {
    /// The id that was given out last.
    last: PolicyId,
    ids: HashMap<Arc<Policy>, (PolicyId, usize)>,
}

impl PolicyTable {
    /// Adds one key to the policy of this record and returns its id. Readers find the policy before any slot refers to it.
    pub(super) fn acquire(&mut self, all: &PoliciesById, record: &HotRecord) -> PolicyId {
        match self.ids.entry(Arc::new(Policy::of(record))) {
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

    /// Removes one key from the policy with this id, after the key's slot no longer refers to it.
    pub(super) fn release(&mut self, all: &PoliciesById, number: PolicyId) {
        let all = all.pin();
        let Some(policies) = all.get(&number) else { return };
        if let Some((_, keys)) = self.ids.get_mut(policies).filter(|(_, keys)| *keys > 1) {
            *keys -= 1;
        } else {
            self.ids.remove(policies);
            all.remove(&number);
        }
    }

    /// Number of keys whose policy `which` picks.
    pub(super) fn keys_with(&self, which: impl Fn(&Policy) -> bool) -> usize {
        self.ids.iter().filter(|(policies, _)| which(policies)).map(|(_, (_, keys))| keys).sum()
    }

    /// Removes all policies.
    pub(super) fn clear(&mut self, all: &PoliciesById) {
        self.ids.clear();
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
            secret_state: SecretState::Active,
            expiry: Expiry::Never,
            allowlist: allowlist.parse().unwrap(),
            rate_limits: RateLimits::none(),
        }
    }

    #[test]
    fn keys_are_counted_whose_limits_outlast_an_hour() {
        let (mut ids, all) = (PolicyTable::default(), PoliciesById::default());
        let limited = |number, hours: u32| {
            let count = 1.try_into().unwrap();
            let seconds = (hours * 3_600).try_into().unwrap();
            let limit = RateLimit { name: RateLimit::DEFAULT_NAME, count, seconds, burst: count };
            HotRecord { rate_limits: RateLimits::stored(vec![limit]).unwrap(), ..record(number, "") }
        };
        let on = [record(1, ""), limited(2, 1), limited(3, 24), limited(4, 24), limited(5, 25)];
        let entered = on.map(|record| ids.acquire(&all, &record));
        assert_eq!(ids.keys_with(Policy::outlast_an_hour), 3);
        ids.release(&all, entered[3]);
        assert_eq!(ids.keys_with(Policy::outlast_an_hour), 2);
    }

    #[test]
    fn keys_with_one_policy_share_it_and_the_last_one_removes_it() {
        let (mut ids, all) = (PolicyTable::default(), PoliciesById::default());
        let mut enter = |number, allowlist| ids.acquire(&all, &record(number, allowlist));
        let (one, two, other) = (enter(1, "10.0.0.1"), enter(2, "10.0.0.1"), enter(1, "10.0.0.2"));
        assert!(one == two && one != other);
        let view = |number, key| {
            all.pin().get(&number).map(|policies| policies.view(key, UserId(7)).allowlist.clone())
        };
        let key = KeyId::from_bytes([1; 16]);
        assert_eq!(view(one, key), Some("10.0.0.1".parse().unwrap()));
        ids.release(&all, one);
        assert!(view(one, key).is_some(), "the second key is still on them");
        ids.release(&all, two);
        assert_eq!((view(one, key), all.len()), (None, 1));
        assert!(ids.acquire(&all, &record(1, "10.0.0.1")) > other, "no number comes again");
    }
}
