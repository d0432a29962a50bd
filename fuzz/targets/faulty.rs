//! A store on a disk that fails when told to.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use keyward::store::{Batch, Change, Entry, Revision, Store, StoreError};

/// What stays when the process ends, and the store that writes to it.
pub(crate) struct Faulty {
    disk: Arc<dyn Store>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Commits that still succeed.
    left: Option<u8>,
    /// Whether the commit that fails is there all the same after the next open.
    lands: bool,
    landed: Option<Batch>,
    closed: Option<&'static str>,
}

impl Faulty {
    /// A store that writes to `disk`.
    pub(crate) fn over(disk: Arc<dyn Store>) -> Self {
        Self { disk, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The commit after the next `left` fails.
    pub(crate) fn fail_after(&self, left: u8, lands: bool) {
        let mut state = self.state();
        (state.left, state.lands) = (Some(left), lands);
    }

    /// Whether a commit failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.state().closed == Some(FAILED)
    }

    /// Whether the commit that failed will be there.
    pub(crate) fn will_land(&self) -> bool {
        self.state().landed.is_some()
    }

    /// From here on nothing is written any more, as if the process had been killed.
    #[allow(dead_code, reason = "of those who share this file, only the tests of the life cycle do")]
    pub(crate) fn kill(&self) {
        self.state().closed.get_or_insert(KILLED);
    }

    /// Writes what landed of the commit that failed.
    pub(crate) fn land(&self) {
        if let Some(batch) = self.state().landed.take() {
            self.disk.commit(batch).unwrap();
        }
    }

    /// The store as the next process finds it.
    #[allow(dead_code, reason = "some who use it open the disk anew")]
    pub(crate) fn reopened(&self) -> Self {
        self.land();
        Self::over(Arc::clone(&self.disk))
    }
}

const FAILED: &str = "a commit failed";
const KILLED: &str = "the process was killed";

impl Store for Faulty {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.disk.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.disk.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let mut state = self.state();
        if let Some(why) = state.closed {
            return Err(StoreError::Closed { why: why.to_owned() });
        }
        match state.left {
            Some(0) if !batch.is_empty() => {
                state.closed = Some(FAILED);
                state.landed = state.lands.then_some(batch);
                let source = std::io::Error::other("no space left");
                return Err(StoreError::Io { what: "writing", source });
            }
            Some(left) if !batch.is_empty() => state.left = Some(left - 1),
            Some(_) | None => {}
        }
        self.disk.commit(batch)
    }

    fn revision(&self) -> Revision {
        self.disk.revision()
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.disk.changes(after, limit)
    }

    fn directory(&self) -> Option<&Path> {
        // A killed process leaves nothing there, either.
        if self.state().closed == Some(KILLED) { None } else { self.disk.directory() }
    }

    fn closed(&self) -> Option<String> {
        self.state().closed.map(str::to_owned)
    }

    fn close(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        match state.closed {
            Some(why @ (FAILED | KILLED)) => Err(StoreError::Closed { why: why.to_owned() }),
            Some(_) | None => {
                state.closed = Some("it was stopped");
                Ok(())
            }
        }
    }
}
