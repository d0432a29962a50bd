//! Scrub: counts a large store in the background, and stops verifying when acknowledged entries are missing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::index::HotIndex;
use crate::limits;
use crate::store::{Store, StoreError};

/// Thread of the scrub; `None` when the store has nothing to count.
pub(in crate::engine) struct Scrub {
    work: Arc<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Work {
    store: Arc<dyn Store>,
    index: Arc<HotIndex>,
    stopped: AtomicBool,
}

impl Scrub {
    /// Starts the scrub, if the store has something to count.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read; [`StoreError::Io`] when the system has no thread.
    pub(in crate::engine) fn start(store: Arc<dyn Store>, index: Arc<HotIndex>) -> Result<Self, StoreError> {
        let more = store.scrub()?;
        let work = Arc::new(Work { store, index, stopped: AtomicBool::new(false) });
        let of_thread = Arc::clone(&work);
        let start = || std::thread::Builder::new().name("scrub".to_owned()).spawn(move || of_thread.run());
        let thread = more.then(start).transpose();
        let thread =
            thread.map_err(|source| StoreError::Io { what: "starting to count the store", source })?;
        Ok(Self { work, thread: Mutex::new(thread) })
    }

    /// Stops the scrub, finished or not.
    pub(in crate::engine) fn stop(&self) {
        self.work.stopped.store(true, Ordering::SeqCst);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("counting the store had panicked");
            }
        }
    }
}

impl Work {
    fn run(&self) {
        // The index is filled first, unless the store has too many keys for it.
        for _ in 0..limits::SCRUB_DELAY_MS_MAX / limits::SCRUB_DELAY_CHECK_MS {
            if self.index.is_ready() || self.stopped.load(Ordering::SeqCst) {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(limits::SCRUB_DELAY_CHECK_MS));
        }
        tracing::info!("counting what is stored");
        while !self.stopped.load(Ordering::SeqCst) {
            // Commits and requests have priority.
            let pause = match self.store.scrub() {
                Ok(true) => limits::SCRUB_PAUSE_MS,
                Ok(false) => return tracing::info!("everything is there that was acknowledged"),
                Err(StoreError::Closed { .. }) => return,
                Err(error @ StoreError::Io { .. }) => {
                    tracing::warn!(%error, "the store could not be counted; trying again");
                    limits::INDEX_RETRY_MS
                }
                Err(error) => {
                    // The index may hold the state from before the loss. Without it verify reads the store, which
                    // refuses to answer.
                    self.index.invalidate();
                    return tracing::error!(%error, "nothing is verified any more; start again to see what is missing");
                }
            };
            std::thread::park_timeout(Duration::from_millis(pause));
        }
    }
}
