//! Uses of keys, counted in memory and written behind.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Timestamp;
use crate::key::{Key, KeyId, Usage, Use};
use crate::limits;
use crate::store::schema;

use super::EngineError;
use super::operation::Operation;

/// Uses that are not written yet.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// At most [`limits::USAGE_PENDING_MAX`] keys; uses of further keys wait for nothing and are not counted.
    uses: HashMap<KeyId, Usage>,
    oldest: Option<Timestamp>,
}

impl Pending {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one use of a key.
    pub(super) fn note(&self, key: KeyId, new: Use) {
        let mut state = self.state();
        state.oldest.get_or_insert(new.at);
        if state.uses.len() < limits::USAGE_PENDING_MAX || state.uses.contains_key(&key) {
            state.uses.entry(key).or_default().add(new);
        }
    }

    /// What waits for this key.
    pub(super) fn of(&self, key: KeyId) -> Usage {
        self.state().uses.get(&key).copied().unwrap_or_default()
    }

    /// Whether the oldest use has waited long enough, or too many wait.
    pub(super) fn due(&self, now: Timestamp) -> bool {
        let state = self.state();
        let waited = |since: Timestamp| now >= since.plus_ms(limits::USAGE_SWEEP_SECONDS * 1_000);
        state.oldest.is_some_and(waited) || state.uses.len() >= limits::USAGE_PENDING_MAX / 2
    }

    /// Takes everything that waits.
    pub(super) fn take(&self) -> HashMap<KeyId, Usage> {
        let mut state = self.state();
        state.oldest = None;
        std::mem::take(&mut state.uses)
    }
}

/// Adds `uses` to the records of their keys. Says nothing about keys, so it has no audit event.
pub(super) fn write(operation: &mut Operation<'_>, uses: &HashMap<KeyId, Usage>) -> Result<(), EngineError> {
    for (id, usage) in uses {
        let place = schema::key(id.as_bytes());
        if let Some(mut key) = operation.get::<Key>(&place)? {
            key.usage.merge(*usage);
            operation.put(&place, &key)?;
        }
    }
    Ok(())
}
