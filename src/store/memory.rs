//! The reference model: the store's contract over a map in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::changes::Changes;
use super::overlay::start;
use super::{Batch, Change, Entry, Revision, Store, StoreError};

/// A [`Store`] in memory, lost when it is dropped; for tests and for trying keyward.
#[derive(Debug)]
pub struct MemoryStore(RwLock<State>);

#[derive(Debug)]
struct State {
    entries: BTreeMap<Vec<u8>, Entry>,
    changes: Changes,
    stopped: bool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        let changes = Changes::following(Revision(0));
        Self(RwLock::new(State { entries: BTreeMap::new(), changes, stopped: false }))
    }

    // No writer can panic half-way through a change, so a poisoned lock guards a whole state.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        Ok(self.read().entries.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let state = self.read();
        let entries = state.entries.range::<[u8], _>((start(prefix, after), Bound::Unbounded));
        let under = entries.map(|(_, entry)| entry).take_while(|entry| entry.key.starts_with(prefix));
        Ok(under.take(limit).cloned().collect())
    }

    fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let mut state = self.write();
        if state.stopped {
            return Err(StoreError::Closed { why: STOPPED.to_owned() });
        }
        batch.check(|key| Ok(state.entries.get(key).map(|entry| entry.version)))?;
        if batch.is_empty() {
            return Ok(state.changes.newest());
        }
        let version = state.changes.newest().next();
        for (key, value) in batch.writes() {
            match value.map(<[u8]>::to_vec) {
                Some(value) => {
                    state.entries.insert(key.to_vec(), Entry { key: key.to_vec(), value, version })
                }
                None => state.entries.remove(key),
            };
        }
        state.changes.remember(batch.into_change(version));
        Ok(version)
    }

    fn revision(&self) -> Revision {
        self.read().changes.newest()
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.read().changes.after(after, limit)
    }

    fn closed(&self) -> Option<String> {
        self.read().stopped.then(|| STOPPED.to_owned())
    }

    fn close(&self) -> Result<(), StoreError> {
        self.write().stopped = true;
        Ok(())
    }
}

/// Why a store that was stopped in good order takes no writes.
pub(super) const STOPPED: &str = "it was stopped";
