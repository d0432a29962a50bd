//! A store in memory that can hold back what it read, and counts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Condvar, Mutex};

use keyward::store::{Batch, Change, Entry, MemoryStore, Revision, Store, StoreError, schema};

#[derive(Default)]
pub(crate) struct Gated {
    below: MemoryStore,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    shut: bool,
    /// Pages that were read and are held back.
    held: usize,
    read: usize,
    commits: usize,
}

impl Gated {
    /// From now on pages of hot records are read at once and arrive when it is open again.
    pub(crate) fn shut(&self) {
        self.state.lock().unwrap().shut = true;
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().shut = false;
        self.changed.notify_all();
    }

    pub(crate) fn wait_for_a_reader(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| state.held == 0).unwrap());
    }

    /// Entries that scans read, and commits that wrote something.
    pub(crate) fn figures(&self) -> (usize, usize) {
        let state = self.state.lock().unwrap();
        (state.read, state.commits)
    }
}

impl Store for Gated {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.below.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let page = self.below.scan(prefix, after, limit)?;
        let mut state = self.state.lock().unwrap();
        state.read += page.len();
        // A part of the hot records; the page that a start looks at first has the whole prefix.
        if state.shut && prefix.starts_with(schema::HOT) && prefix != schema::HOT {
            state.held += 1;
            self.changed.notify_all();
            let mut state = self.changed.wait_while(state, |state| state.shut).unwrap();
            state.held -= 1;
        }
        Ok(page)
    }

    fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        self.state.lock().unwrap().commits += usize::from(!batch.is_empty());
        self.below.commit(batch)
    }

    fn revision(&self) -> Revision {
        self.below.revision()
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.below.changes(after, limit)
    }

    fn closed(&self) -> Option<String> {
        self.below.closed()
    }

    /// It can be opened again.
    fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
