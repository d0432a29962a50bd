//! Summary of a store: keys by keyspace and state, keys that expire soon, and keys that were never used.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::engine::{EngineError, Reader};
use crate::key::{Expiry, Key, KeyStatus, KeyspaceName, User, UserKind};
use crate::limits;
use crate::store::codec::Record as _;
use crate::store::{paged, schema};

/// Counts of a store at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Time of the count.
    pub at: Timestamp,
    /// Number of people.
    pub people: u64,
    /// Number of bots, without the accounts of companies.
    pub bots: u64,
    /// Keys by keyspace.
    pub keyspaces: BTreeMap<KeyspaceName, KeyCounts>,
    /// Keys that expire within 30 days, soonest first; at most 10.
    pub expiring: Vec<Key>,
    /// Number of keys that expire within 30 days.
    pub expiring_count: u64,
    /// Active keys that were never used, oldest first; at most 10.
    pub unused: Vec<Key>,
    /// Number of active keys that were never used.
    pub unused_count: u64,
}

/// Number of keys by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// Keys that verify.
    pub active: u64,
    /// Keys after their expiry.
    pub expired: u64,
    /// Keys that are suspended until resumed.
    pub suspended: u64,
    /// Keys that are revoked.
    pub revoked: u64,
}

impl Reader {
    /// Counts all users and keys. Takes time in proportion to the store.
    ///
    /// # Errors
    /// [`EngineError::Store`] when they could not be read.
    pub fn summary(&self) -> Result<Summary, EngineError> {
        let mut summary = Summary {
            at: self.now(),
            people: 0,
            bots: 0,
            keyspaces: BTreeMap::new(),
            expiring: Vec::new(),
            expiring_count: 0,
            unused: Vec::new(),
            unused_count: 0,
        };
        for entry in paged(None, |after, limit| self.store.scan(schema::USERS, after, limit)) {
            let user = User::from_entry(&entry?)?;
            match user.kind {
                UserKind::Person { .. } => summary.people += 1,
                UserKind::Bot if user.is_account() => {}
                UserKind::Bot => summary.bots += 1,
            }
        }
        for entry in paged(None, |after, limit| self.store.scan(schema::KEYS, after, limit)) {
            summary.count(self.with_uses(Key::from_entry(&entry?)?));
        }
        Ok(summary)
    }
}

impl Summary {
    fn count(&mut self, key: Key) {
        let counts = self.keyspaces.entry(key.keyspace).or_default();
        let condition = key.status(self.at);
        match condition {
            KeyStatus::Active => counts.active += 1,
            KeyStatus::Expired => counts.expired += 1,
            KeyStatus::Suspended => counts.suspended += 1,
            KeyStatus::Revoked => counts.revoked += 1,
        }
        if condition != KeyStatus::Active {
            return;
        }
        let end = |key: &Key| match key.expiry {
            Expiry::At(end) => end,
            Expiry::Never => Timestamp::MAX,
        };
        if key.usage.count == 0 {
            self.unused_count += 1;
            keep_first(&mut self.unused, key.clone(), |key| key.created);
        }
        if end(&key) <= self.at.plus_ms(limits::EXPIRING_MS) {
            self.expiring_count += 1;
            keep_first(&mut self.expiring, key, end);
        }
    }
}

/// Inserts `key` into the first keys, in order.
fn keep_first<T: Ord>(first: &mut Vec<Key>, key: Key, by: impl Fn(&Key) -> T) {
    let at = first.partition_point(|other| by(other) <= by(&key));
    if at < limits::SUMMARY_KEYS_MAX {
        first.insert(at, key);
        first.truncate(limits::SUMMARY_KEYS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::engine::{Engine, KeyChange, NewKey, NewUser, Parts};
    use crate::entropy::OsEntropy;
    use crate::index::Found;
    use crate::key::{Actor, Keyspace, Level, PepperRing, RevokeReason, Role};
    use crate::store::MemoryStore;

    #[test]
    fn every_key_is_counted_in_its_state_and_the_first_ones_are_named() {
        let start = Timestamp::from_unix_ms(1_000_000);
        let clock = Arc::new(ManualClock::at(start));
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(Parts { clock: clock.clone(), ..parts }).unwrap();
        let by = Actor::Operator;
        let flo = engine.add_user(by, NewUser::person("flo".parse().unwrap(), Role::User, None)).unwrap().id;
        let create = |days: Option<u64>| {
            let expiry = days.map_or(Expiry::Never, |days| Expiry::At(start.plus_ms(days * 24 * 3_600_000)));
            let new =
                NewKey { expiry: Some(expiry), ..NewKey::new(*Keyspace::NATIVE.name(), flo, Level::READ) };
            clock.advance_ms(1);
            engine.create_key(by, new).unwrap()
        };
        let (used, text) = create(None);
        let (later, _) = create(Some(20));
        let (sooner, _) = create(Some(10));
        let (over, _) = create(Some(1));
        create(Some(60));
        let (suspended, _) = create(None);
        let (revoked, _) = create(None);
        let pause = KeyChange { active: Some(false), ..KeyChange::default() };
        engine.update_key(by, suspended.id, pause).unwrap();
        engine.revoke_key(by, revoked.id, RevokeReason::Unspecified).unwrap();
        let (reader, text) = (engine.reader(), text.reveal());
        let presented = Keyspace::NATIVE.format().parse(&text).unwrap();
        let mut uses = |found: &Found<'_>| reader.hot().count_use(found, reader.now(), None);
        reader.look_up(&presented, &mut uses).unwrap();
        clock.advance_ms(24 * 3_600_000);
        let summary = engine.reader().summary().unwrap();
        let counts = KeyCounts { active: 4, expired: 1, suspended: 1, revoked: 1 };
        assert_eq!(summary.keyspaces.into_iter().collect::<Vec<_>>(), [(*Keyspace::NATIVE.name(), counts)]);
        let ids = |keys: Vec<Key>| keys.into_iter().map(|key| key.id).collect::<Vec<_>>();
        assert_eq!((ids(summary.expiring), summary.expiring_count), (vec![sooner.id, later.id], 2));
        let unused = ids(summary.unused);
        assert!(!unused.contains(&used.id) && !unused.contains(&over.id) && unused.contains(&later.id));
        assert_eq!((summary.people, summary.bots, summary.unused_count), (1, 0, 3));
    }
}
