//! A store whose commits take long, are stamped, and are refused now and then.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keyward::store::{Batch, Change, Entry, Revision, Store, StoreError, schema};

use crate::history::{Stamp, Stamps};

/// How often it steps aside for other threads, and how often it refuses.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) commit: usize,
    pub(crate) scan: usize,
    /// One of so many changes is refused.
    pub(crate) refusals: usize,
}

pub(crate) struct Paced {
    below: Arc<dyn Store>,
    stamps: Arc<Stamps>,
    pace: Pace,
    /// When each commit was about to become durable.
    commits: Mutex<Vec<Stamp>>,
    asked: AtomicUsize,
}

impl Paced {
    pub(crate) fn over(below: Arc<dyn Store>, stamps: Arc<Stamps>, pace: Pace) -> Self {
        Self { below, stamps, pace, commits: Mutex::default(), asked: AtomicUsize::new(0) }
    }

    /// The first commit after `start`: what was asked then cannot have become durable before.
    pub(crate) fn first_commit_after(&self, start: Stamp) -> Stamp {
        let commits = self.commits.lock().unwrap();
        let first = commits.partition_point(|commit| *commit <= start);
        commits.get(first).copied().unwrap_or(start)
    }

    fn refuses(&self, batch: &Batch) -> bool {
        // What is written behind has no event; it is never refused, so that every use can be accounted for.
        let change = batch.writes().any(|(place, _)| place.starts_with(schema::AUDIT));
        change && (self.asked.fetch_add(1, Ordering::SeqCst) + 1).is_multiple_of(self.pace.refusals)
    }
}

fn step_aside(times: usize) {
    (0..times).for_each(|_| std::thread::yield_now());
}

impl Store for Paced {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.below.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let page = self.below.scan(prefix, after, limit);
        step_aside(self.pace.scan);
        page
    }

    fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        step_aside(self.pace.commit);
        if self.refuses(&batch) {
            return Err(StoreError::Corrupt { place: "planned".to_owned() });
        }
        let stamp = self.stamps.next();
        self.commits.lock().unwrap().push(stamp);
        let revision = self.below.commit(batch);
        step_aside(self.pace.commit);
        revision
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

    /// The store below outlives the engines.
    fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
