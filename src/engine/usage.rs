//! Uses of keys that the hot index could not count, or counts no more, in memory until they are written.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::key::{Key, KeyId, Usage, Use};
use crate::limits;
use crate::store::schema;

use super::EngineError;
use super::operation::Operation;

/// Uses that are not written yet.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<HashMap<KeyId, Usage>>);

impl Pending {
    fn uses(&self) -> MutexGuard<'_, HashMap<KeyId, Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one use of a key. Uses of further keys than [`limits::USAGE_PENDING_MAX`] are not counted.
    pub(super) fn note(&self, key: KeyId, new: Use) {
        self.add(key, Usage { count: 1, last: Some(new) });
    }

    /// As [`Pending::note`], for several uses.
    pub(super) fn add(&self, key: KeyId, new: Usage) {
        let mut uses = self.uses();
        if uses.len() < limits::USAGE_PENDING_MAX || uses.contains_key(&key) {
            uses.entry(key).or_default().merge(new);
        }
    }

    /// What waits for this key.
    pub(super) fn of(&self, key: KeyId) -> Usage {
        self.uses().get(&key).copied().unwrap_or_default()
    }

    /// Whether so many wait that they should be written soon.
    pub(super) fn are_many(&self) -> bool {
        self.uses().len() >= limits::USAGE_PENDING_MAX / 2
    }

    /// Takes those of up to `limit` keys.
    pub(super) fn take(&self, limit: usize) -> Vec<(KeyId, Usage)> {
        let mut uses = self.uses();
        if uses.len() <= limit {
            return uses.drain().collect();
        }
        let keys: Vec<_> = uses.keys().take(limit).copied().collect();
        keys.into_iter().filter_map(|key| uses.remove_entry(&key)).collect()
    }
}

/// Adds `uses` to the records of their keys. Says nothing about keys, so it has no audit event.
pub(super) fn write(operation: &mut Operation<'_>, uses: &[(KeyId, Usage)]) -> Result<(), EngineError> {
    // Two secrets of a key are counted apart, but an operation does not see what it wrote itself.
    let mut by_key: HashMap<KeyId, Usage> = HashMap::with_capacity(uses.len());
    for (id, usage) in uses {
        by_key.entry(*id).or_default().merge(*usage);
    }
    for (id, usage) in by_key {
        let place = schema::key(id.as_bytes());
        if let Some(mut key) = operation.get::<Key>(&place)? {
            key.usage.merge(usage);
            operation.put(&place, &key)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::engine::{Engine, NewKey, NewUser, Parts, Reader};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, IssuedKey, Key, Keyspace, Level, PepperRing, Role};
    use crate::store::MemoryStore;

    /// An engine with one key, and its text.
    fn with_key() -> (Engine, Key, IssuedKey) {
        let ring = PepperRing::generate(&OsEntropy).unwrap();
        let engine = Engine::open(Parts::new(MemoryStore::new(), ring)).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let owner = engine.add_user(Actor::Operator, flo).unwrap().id;
        let new = NewKey::new(*Keyspace::NATIVE.name(), owner, Level::OWN);
        let (key, text) = engine.create_key(Actor::Operator, new).unwrap();
        (engine, key, text)
    }

    fn use_once(reader: &Reader, text: IssuedKey) {
        let text = text.reveal();
        let text = Keyspace::NATIVE.format().parse(&text).unwrap();
        reader.look_up(&text, |found| found.unwrap().note_use(reader.now(), None)).unwrap();
    }

    #[test]
    fn uses_of_both_secrets_of_a_key_are_written() {
        let (engine, key, old) = with_key();
        let (_, fresh) = engine.rotate_key(Actor::Operator, key.id, 60_000).unwrap();
        let reader = engine.reader();
        use_once(&reader, old);
        use_once(&reader, fresh);
        assert_eq!(reader.key(key.id).unwrap().unwrap().usage.count, 2);
        engine.stop().unwrap();
        assert_eq!(reader.key(key.id).unwrap().unwrap().usage.count, 2, "also after they were written");
    }

    #[test]
    fn uses_of_a_secret_that_is_no_more_are_written() {
        let (engine, key, old) = with_key();
        let reader = engine.reader();
        use_once(&reader, old);
        let (_, fresh) = engine.rotate_key(Actor::Operator, key.id, 0).unwrap();
        use_once(&reader, fresh);
        assert_eq!(reader.key(key.id).unwrap().unwrap().usage.count, 2);
        engine.stop().unwrap();
        assert_eq!(reader.key(key.id).unwrap().unwrap().usage.count, 2);
    }
}
