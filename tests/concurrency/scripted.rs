//! A store in memory whose commits wait, fail or conflict as a test says.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use keyward::store::{Batch, Change, Entry, MemoryStore, Revision, Store, StoreError};

#[derive(Default)]
pub(crate) struct Scripted {
    below: MemoryStore,
    script: Mutex<Script>,
    changed: Condvar,
}

#[derive(Default)]
struct Script {
    hold: Option<Hold>,
    /// Commits that wait now.
    held: usize,
    /// Commits asked for.
    commits: usize,
    plan: Plan,
    failed: bool,
}

/// Where a commit waits until it is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Before,
    After,
}

/// What becomes of commits.
#[derive(Clone, Debug, Default)]
pub(crate) enum Plan {
    #[default]
    Obey,
    /// The n-th from now fails, and all later ones are refused.
    Fail(usize),
    Conflict,
    /// Another writer makes this commit first.
    Overtake(Batch),
    /// Those that write below this prefix meet damage.
    Damage(&'static [u8]),
}

/// Longer than anything here takes: a test that waits for it fails.
const PATIENCE: Duration = Duration::from_secs(30);

impl Scripted {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub(crate) fn plan(&self, plan: Plan) {
        self.script().plan = plan;
    }

    pub(crate) fn commits(&self) -> usize {
        self.script().commits
    }

    pub(crate) fn hold(&self, hold: Option<Hold>) {
        self.script().hold = hold;
        self.changed.notify_all();
    }

    /// Waits until a commit waits.
    pub(crate) fn wait_held(&self) {
        drop(self.wait(self.script(), |script| script.held == 0));
    }

    fn wait<'a>(
        &'a self,
        script: MutexGuard<'a, Script>,
        on: impl Fn(&Script) -> bool,
    ) -> MutexGuard<'a, Script> {
        let waited = self.changed.wait_timeout_while(script, PATIENCE, |script| on(script));
        let (script, waited) = waited.unwrap();
        assert!(!waited.timed_out(), "nothing happened");
        script
    }

    fn stop_at<'a>(&'a self, mut script: MutexGuard<'a, Script>, hold: Hold) -> MutexGuard<'a, Script> {
        script.held += usize::from(script.hold == Some(hold));
        let stopped = script.held > 0;
        self.changed.notify_all();
        let mut script = self.wait(script, |script| script.hold == Some(hold));
        script.held -= usize::from(stopped);
        script
    }
}

impl Store for Scripted {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.below.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.below.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let mut script = self.script();
        script.commits += 1;
        let mut script = self.stop_at(script, Hold::Before);
        if script.failed {
            return Err(StoreError::Closed { why: "it failed".to_owned() });
        }
        match &mut script.plan {
            Plan::Obey => {}
            Plan::Fail(more @ 2..) => *more -= 1,
            Plan::Fail(_) => {
                script.failed = true;
                return Err(StoreError::Io { what: "committing", source: std::io::Error::other("planned") });
            }
            Plan::Conflict => return Err(StoreError::Conflict { place: "planned".to_owned() }),
            Plan::Overtake(other) => {
                self.below.commit(other.clone())?;
                script.plan = Plan::Obey;
            }
            Plan::Damage(prefix) => {
                if batch.writes().any(|(place, _)| place.starts_with(prefix)) {
                    return Err(StoreError::Corrupt { place: "planned".to_owned() });
                }
            }
        }
        let revision = self.below.commit(batch)?;
        drop(self.stop_at(script, Hold::After));
        Ok(revision)
    }

    fn revision(&self) -> Revision {
        self.below.revision()
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.below.changes(after, limit)
    }

    fn closed(&self) -> Option<String> {
        self.script().failed.then(|| "it failed".to_owned())
    }

    fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
