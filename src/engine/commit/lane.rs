//! Write lane: the one thread that changes the store, with many operations per commit.
//!
//! **Durable, visible, answered.** The lane runs the waiting operations one after the other, and each sees the writes
//! of the ones before it. They become one batch with one sync. Readers see the batch after the sync, and callers are
//! answered after readers see it.
//!
//! **Why here.** The write lane is a part of the engine, not of the store: so a store only has to commit one batch at a
//! time, and a second store needs no queue of its own. Alternative: a lock around each operation. It costs one sync per
//! operation.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::Clock;
use crate::engine::EngineError;
use crate::engine::background::{IndexLoader, WriteBehind, published};
use crate::index::IndexUpdate;
use crate::limits;
use crate::store::{Batch, Store, StoreError};

use super::transaction::Transaction;

/// Waiting operation; `None` wakes the lane to do write-behind.
type Call = Option<Box<dyn Job>>;

/// Handle of the write lane.
pub(in crate::engine) struct Lane {
    /// `None` after a stop: the thread ends when the last sender is dropped.
    jobs: Mutex<Option<SyncSender<Call>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Lane {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the system has no thread.
    pub(in crate::engine) fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        loader: Arc<IndexLoader>,
        write_behind: WriteBehind,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = sync_channel(limits::LANE_QUEUE_MAX);
        let mut worker = Worker { store, clock, loader, write_behind };
        let thread = std::thread::Builder::new()
            .name("write lane".to_owned())
            .spawn(move || worker.run(&waiting))
            .map_err(|source| StoreError::Io { what: "starting the write lane", source })?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs `work` as one operation, and waits until its writes are durable and visible.
    ///
    /// `work` runs again after a conflict with another writer, so it must change nothing but the transaction.
    pub(in crate::engine) fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Transaction<'_>) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (answer, answered) = sync_channel(1);
        let job = Box::new(Typed { work, value: None, answer });
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sent = jobs.ok_or(EngineError::Stopped)?.send(Some(job));
        sent.map_err(|_| EngineError::Stopped)?;
        answered.recv().map_err(|_| EngineError::Stopped)?
    }

    /// Wakes the lane to do write-behind, unless an operation wakes it first.
    pub(in crate::engine) fn look(&self) {
        if let Some(jobs) = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            // A full queue wakes the lane anyway.
            let _ = jobs.try_send(None);
        }
    }

    /// Finishes the waiting operations and ends the thread.
    pub(in crate::engine) fn stop(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the write lane had panicked");
        }
    }

    /// Whether the thread takes operations.
    pub(in crate::engine) fn runs(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

/// Waiting operation of any result type.
trait Job: Send {
    fn run(&mut self, tx: &mut Transaction<'_>) -> Result<(), EngineError>;
    fn answer(self: Box<Self>, outcome: Result<(), EngineError>);
}

struct Typed<T, W> {
    work: W,
    value: Option<T>,
    answer: SyncSender<Result<T, EngineError>>,
}

impl<T, W> Job for Typed<T, W>
where
    T: Send,
    W: FnMut(&mut Transaction<'_>) -> Result<T, EngineError> + Send,
{
    fn run(&mut self, tx: &mut Transaction<'_>) -> Result<(), EngineError> {
        self.value = Some((self.work)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), EngineError>) {
        let Self { value, answer, .. } = *self;
        // The caller may have dropped its end; then the result is not needed.
        let _ = answer.send(outcome.and_then(|()| value.ok_or(EngineError::Stopped)));
    }
}

struct Worker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    loader: Arc<IndexLoader>,
    write_behind: WriteBehind,
}

impl Worker {
    fn run(&mut self, waiting: &Receiver<Call>) {
        let mut pause = Duration::ZERO;
        loop {
            match waiting.recv_timeout(pause) {
                Ok(first) => {
                    let mut group = Vec::with_capacity(limits::LANE_GROUP_MAX);
                    group.extend(first);
                    group.extend(waiting.try_iter().take(limits::LANE_GROUP_MAX - 1).flatten());
                    if !group.is_empty() {
                        self.commit(group);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // One piece after each group, so no operation waits behind all of them.
            let now = self.clock.now();
            self.write_behind.doubt.clears(now);
            let due = self.write_behind.is_due(now);
            let more = due && self.write_behind();
            pause = if more { Duration::ZERO } else { Duration::from_secs(limits::WRITE_BEHIND_SECONDS) };
        }
        self.write_behind.end();
        while self.write_behind() {}
    }

    /// Commits the successful operations of `group`, then answers all.
    ///
    /// If the commit fails, every operation gets the error, refused ones included: the refusal may rest on an earlier
    /// operation of the group that was not committed.
    fn commit(&self, mut group: Vec<Box<dyn Job>>) {
        for attempt in 1.. {
            let (batch, outcomes) = self.prepare(&mut group);
            let published = published(&batch);
            let unpublished = self.loader.unpublished();
            let committed = self.store.commit(batch);
            if committed.is_ok() {
                self.publish(published);
            }
            drop(unpublished);
            let failure = match committed {
                Ok(_) => {
                    group.into_iter().zip(outcomes).for_each(|(job, outcome)| job.answer(outcome));
                    return;
                }
                Err(StoreError::Conflict { .. }) if attempt < limits::LANE_ATTEMPTS_MAX => continue,
                Err(failure) => failure,
            };
            if group.len() > 1 && self.store.closed().is_none() {
                // Nothing was changed. One operation may be the cause, so each is tried alone.
                group.into_iter().for_each(|job| self.commit(vec![job]));
                return;
            }
            let why = failure.to_string();
            let others = std::iter::repeat_with(|| StoreError::Closed { why: why.clone() });
            let failures = std::iter::once(failure).chain(others);
            group.into_iter().zip(failures).for_each(|(job, failure)| job.answer(Err(failure.into())));
            return;
        }
    }

    /// Runs every operation of `group` on top of the ones before it. A refused operation writes nothing.
    fn prepare(&self, group: &mut [Box<dyn Job>]) -> (Batch, Vec<Result<(), EngineError>>) {
        let mut whole = Batch::default();
        let mut outcomes = Vec::with_capacity(group.len());
        for job in group {
            let mut tx = Transaction::new(self.store.as_ref(), &whole, self.clock.now());
            let batch = job.run(&mut tx).and_then(|()| tx.into_batch());
            outcomes.push(batch.map(|batch| whole.absorb(batch)));
        }
        (whole, outcomes)
    }

    /// Publishes a durable batch to the hot index. If that fails, readers read the store, which has the batch, until
    /// the index is loaded again.
    fn publish(&self, published: Result<Vec<IndexUpdate>, StoreError>) {
        let index = &self.write_behind.hot.index;
        let shown = match published {
            Ok(changes) => index.publish(changes).map_err(|error| error.to_string()),
            Err(error) => {
                index.invalidate();
                Err(error.to_string())
            }
        };
        if let Err(error) = shown {
            tracing::error!(error, "the hot index failed: verifying asks the store until it is loaded again");
            self.loader.again();
        }
    }

    /// Writes one piece of the write-behind; `false` when nothing is left.
    fn write_behind(&mut self) -> bool {
        let (answer, written) = sync_channel(1);
        let piece = self.write_behind.next(self.clock.now());
        let more = piece.is_some();
        if let Some(work) = piece {
            self.commit(vec![Box::new(Typed { work, value: None, answer })]);
            if let Ok(Err(error)) = written.try_recv() {
                tracing::warn!(%error, "the write-behind could not be written");
                self.write_behind.failed = true;
            }
        }
        more
    }
}
