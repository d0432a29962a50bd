//! Overflow of use counts: uses that the hot index could not count, in memory until they are written.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::EngineError;
use crate::engine::commit::Transaction;
use crate::key::{Key, KeyId, Usage};
use crate::limits;
use crate::store::schema;

/// Use counts that are not written yet, by key.
#[derive(Debug, Default)]
pub(in crate::engine) struct UseOverflow(Mutex<HashMap<KeyId, Usage>>);

impl UseOverflow {
    fn uses(&self) -> MutexGuard<'_, HashMap<KeyId, Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts uses of a key. Beyond [`limits::USE_OVERFLOW_KEYS_MAX`] keys, uses of further keys are not counted.
    pub(in crate::engine) fn note(&self, key: KeyId, new: Usage) {
        let mut uses = self.uses();
        if uses.len() < limits::USE_OVERFLOW_KEYS_MAX || uses.contains_key(&key) {
            uses.entry(key).or_default().merge(new);
        }
    }

    /// Uses of this key that are not written yet.
    pub(in crate::engine) fn of(&self, key: KeyId) -> Usage {
        self.uses().get(&key).copied().unwrap_or_default()
    }

    /// Whether so many keys wait that they should be written soon.
    pub(in crate::engine) fn are_many(&self) -> bool {
        self.uses().len() >= limits::USE_OVERFLOW_KEYS_MAX / 2
    }

    /// Takes the uses of up to `limit` keys.
    pub(in crate::engine) fn take(&self, limit: usize) -> Vec<(KeyId, Usage)> {
        let mut uses = self.uses();
        if uses.len() <= limit {
            return uses.drain().collect();
        }
        let keys: Vec<_> = uses.keys().take(limit).copied().collect();
        keys.into_iter().filter_map(|key| uses.remove_entry(&key)).collect()
    }
}

/// Adds `uses` to the records of their keys. The keys themselves do not change, so no audit event is written.
pub(in crate::engine) fn write(tx: &mut Transaction<'_>, uses: &[(KeyId, Usage)]) -> Result<(), EngineError> {
    // A key with two secrets is in the list twice, and an operation does not read its own writes.
    let mut sums: HashMap<KeyId, Usage> = HashMap::with_capacity(uses.len());
    for (id, usage) in uses {
        sums.entry(*id).or_default().merge(*usage);
    }
    for (id, usage) in sums {
        let place = schema::key(&id.to_bytes());
        if let Some(mut key) = tx.get::<Key>(&place)? {
            key.usage.merge(usage);
            tx.put(&place, &key)?;
        }
    }
    Ok(())
}
