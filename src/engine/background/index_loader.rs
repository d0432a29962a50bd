//! Index loader: fills the hot index from the store, in the background when the store is large.
//!
//! A commit and its publication are one step for the loader: it becomes ready only when no commit is unpublished. A
//! rehash moves a hot record, and the loader could otherwise miss the record in both places.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use crate::engine::commit::trace;
use crate::index::{Fingerprint, HotIndex, IndexUpdate};
use crate::key::{HotRecord, User, UserId};
use crate::limits;
use crate::store::codec::Record;
use crate::store::{Batch, Entry, Store, StoreError, schema};

use super::index_snapshot::{self, SnapshotId};

/// State of the hot index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// The index is being filled. Verify reads the store until the index is complete.
    Loading {
        /// Percentage that is loaded.
        percent: u8,
        /// Number of keys that are loaded.
        keys: u64,
    },
    /// The index has every key.
    Ready,
}

/// Fills the index, and fills it again after a failure.
pub(in crate::engine) struct IndexLoader {
    work: Arc<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Work {
    store: Arc<dyn Store>,
    index: Arc<HotIndex>,
    /// Number of loaded parts of the store, of [`PARTS`].
    parts: AtomicUsize,
    keys: AtomicU64,
    /// `true` while the thread loads, or will check the index again before it ends.
    wanted: Mutex<bool>,
    stopped: AtomicBool,
    /// Held from before a commit until its publication.
    unpublished: Mutex<()>,
}

/// Hot records are spread evenly over this many parts by the first byte of their hash.
const PARTS: usize = 256;
/// Parts that are enough to estimate the number of all keys: within a hundredth at a million keys.
const FIRST_PARTS: usize = 8;

impl IndexLoader {
    pub(in crate::engine) fn new(store: Arc<dyn Store>, index: Arc<HotIndex>) -> Self {
        let (parts, keys) = (AtomicUsize::new(0), AtomicU64::new(0));
        let (wanted, stopped) = (Mutex::new(false), AtomicBool::new(false));
        let work = Work { store, index, parts, keys, wanted, stopped, unpublished: Mutex::new(()) };
        Self { work: Arc::new(work), thread: Mutex::new(None) }
    }

    /// Keeps the index from becoming ready between a commit and its publication.
    pub(in crate::engine) fn unpublished(&self) -> MutexGuard<'_, ()> {
        self.work.unpublished()
    }

    /// Fills the index: before it returns when one page has all entries, otherwise in the background.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read at all.
    pub(in crate::engine) fn start(&self) -> Result<(), StoreError> {
        let page = |place| self.work.store.scan(place, None, limits::PAGE_MAX);
        let small = |page: &Vec<Entry>| page.len() < limits::PAGE_MAX;
        if small(&page(schema::USERS)?) && small(&page(schema::HOT)?) && self.work.load().is_ok() {
            return Ok(());
        }
        self.again();
        Ok(())
    }

    /// Fills the index in the background, unless the thread is loading already.
    pub(in crate::engine) fn again(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = self.work.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if *wanted && thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        *wanted = true;
        let work = Arc::clone(&self.work);
        let started = std::thread::Builder::new().name("hot index".to_owned()).spawn(move || work.run());
        match started {
            Ok(started) => *thread = Some(started),
            // Verify goes on from the store; the next failed publication tries again.
            Err(error) => tracing::error!(%error, "the hot index cannot be loaded"),
        }
    }

    pub(in crate::engine) fn state(&self) -> IndexState {
        if self.work.index.is_ready() {
            return IndexState::Ready;
        }
        let percent = self.work.parts.load(Ordering::Relaxed) * 100 / PARTS;
        let percent = u8::try_from(percent).unwrap_or(100);
        IndexState::Loading { percent, keys: self.work.keys.load(Ordering::Relaxed) }
    }

    /// Writes the index snapshot for the next start. Called when nothing changes any more.
    pub(in crate::engine) fn write_snapshot(&self) {
        let Work { store, index, .. } = self.work.as_ref();
        let Some(path) = index_snapshot::path(store.as_ref()) else { return };
        // A start reads one page of records about as fast as a file.
        if store.closed().is_some() || index.len() <= limits::PAGE_MAX {
            return;
        }
        let written = SnapshotId::of(store.as_ref())
            .map_err(std::io::Error::other)
            .and_then(|id| index_snapshot::write(&path, id, index));
        if let Err(error) = written {
            tracing::warn!(%error, "no image of the hot index: the next start reads all hot records");
        }
    }

    /// Ends loading, complete or not.
    pub(in crate::engine) fn stop(&self) {
        self.work.stopped.store(true, Ordering::SeqCst);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            Thread::unpark(thread.thread());
            if thread.join().is_err() {
                tracing::error!("loading the hot index had panicked");
            }
        }
    }
}

impl Work {
    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Tries until the index is complete.
    fn run(&self) {
        tracing::info!("loading the hot index; until it is whole, verifying asks the store");
        loop {
            while let Err(error) = self.load() {
                tracing::warn!(%error, "the hot index could not be loaded; trying again");
                std::thread::park_timeout(Duration::from_millis(limits::INDEX_RETRY_MS));
                if self.stopped() {
                    return;
                }
            }
            // The index may have failed again by a change that found this thread still running.
            let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            if self.index.is_ready() || self.stopped() {
                *wanted = false;
                break;
            }
        }
        if self.index.is_ready() {
            tracing::info!(keys = self.keys.load(Ordering::Relaxed), "the hot index is ready");
        }
    }

    fn load(&self) -> Result<(), LoadError> {
        self.parts.store(0, Ordering::Relaxed);
        self.keys.store(0, Ordering::Relaxed);
        self.index.begin_loading()?;
        self.load_all(schema::USERS, |entry| {
            let user = User::from_entry(entry)?;
            Ok(IndexUpdate::Owner(user.id, user.owner()))
        })?;
        if !self.load_snapshot()? {
            self.load_parts()?;
        }
        // A rehash may have moved a hot record away before its old place was read, and publish the new place only now.
        let _all_published = self.unpublished();
        if !self.stopped() && !self.index.finish_loading() {
            return Err(LoadError::Outrun);
        }
        self.warn_of_slow_limits();
        Ok(())
    }

    /// Warns of rate limits longer than an hour. They cannot be set any more; stored ones still work.
    fn warn_of_slow_limits(&self) {
        let keys = self.index.keys_limited_beyond_an_hour();
        if keys > 0 {
            tracing::warn!(
                keys,
                "rate limits that take more than an hour to refill begin anew at each start; give these keys shorter ones"
            );
        }
    }

    /// Loads the keys from the index snapshot; `false` when no snapshot of this exact state exists, or it is damaged.
    fn load_snapshot(&self) -> Result<bool, LoadError> {
        let Some(path) = index_snapshot::path(self.store.as_ref()) else { return Ok(false) };
        let opened = index_snapshot::IndexSnapshot::open(&path, SnapshotId::of(self.store.as_ref())?);
        let Ok(image) = opened.inspect_err(|error| tracing::debug!(%error, "no image of the hot index"))
        else {
            return Ok(false);
        };
        self.index.reserve(usize::try_from(image.keys()).unwrap_or(usize::MAX))?;
        let read = || -> Result<(), LoadError> {
            while let Some(rows) = image.next()?.filter(|_| !self.stopped()) {
                let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
                self.index.load(rows)?;
                let keys = self.keys.fetch_add(count, Ordering::Relaxed) + count;
                let parts = u128::from(keys) * PARTS as u128 / u128::from(image.keys().max(1));
                self.parts.store(usize::try_from(parts).unwrap_or(PARTS), Ordering::Relaxed);
            }
            Ok(())
        };
        match on_all_processors(read) {
            Ok(()) if self.stopped() || self.keys.load(Ordering::Relaxed) == image.keys() => Ok(true),
            Err(LoadError::Index(error)) => Err(error.into()),
            outcome => {
                // The loaded keys are right; the rest is read from the store.
                let failure = outcome
                    .err()
                    .map_or_else(|| "keys are missing".to_owned(), |failure| failure.to_string());
                tracing::warn!(failure, "the image of the hot index is damaged");
                if let Err(failure) = std::fs::remove_file(&path) {
                    tracing::warn!(%failure, "the damaged image could not be removed");
                }
                self.parts.store(0, Ordering::Relaxed);
                self.keys.store(0, Ordering::Relaxed);
                Ok(false)
            }
        }
    }

    /// Loads the keys from their hot records.
    fn load_parts(&self) -> Result<(), LoadError> {
        // The first parts tell how much memory all parts need.
        let first =
            (0..FIRST_PARTS).try_fold(0, |keys, part| self.load_part(part).map(|more| keys + more))?;
        let all = first * (PARTS / FIRST_PARTS);
        self.index.reserve(all + all / 100)?;
        let next = AtomicUsize::new(FIRST_PARTS);
        on_all_processors(|| -> Result<(), LoadError> {
            loop {
                let part = next.fetch_add(1, Ordering::Relaxed);
                if part >= PARTS || self.stopped() {
                    return Ok(());
                }
                self.load_part(part)?;
            }
        })
    }

    fn unpublished(&self) -> MutexGuard<'_, ()> {
        self.unpublished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load_part(&self, part: usize) -> Result<usize, LoadError> {
        let place = [schema::HOT, &[u8::try_from(part).unwrap_or(u8::MAX)]].concat();
        let count = self.load_all(&place, |entry| {
            let trace = trace(&entry.key)
                .ok_or_else(|| StoreError::Corrupt { place: schema::printable(&entry.key) })?;
            Ok(IndexUpdate::Key(Fingerprint::from(&trace), HotRecord::from_entry(entry)?))
        })?;
        self.parts.fetch_add(1, Ordering::Relaxed);
        self.keys.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(count)
    }

    /// Loads every entry below `place`, page by page, and counts the keys.
    fn load_all(
        &self,
        place: &[u8],
        read: impl Fn(&Entry) -> Result<IndexUpdate, StoreError>,
    ) -> Result<usize, LoadError> {
        let mut after: Option<Vec<u8>> = None;
        let mut count = 0;
        loop {
            let page = self.store.scan(place, after.as_deref(), limits::PAGE_MAX)?;
            self.index.load(page.iter().map(&read).collect::<Result<Vec<_>, _>>()?)?;
            count += page.len();
            if page.len() < limits::PAGE_MAX || self.stopped() {
                return Ok(count);
            }
            after = page.last().map(|entry| entry.key.clone());
        }
    }
}

/// Runs `read` on as many threads as the machine has processors.
fn on_all_processors(read: impl Fn() -> Result<(), LoadError> + Sync) -> Result<(), LoadError> {
    let readers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..readers).map(|_| scope.spawn(&read)).collect();
        let own = read();
        let others = others.into_iter().map(|other| other.join().unwrap_or(Err(LoadError::Panicked)));
        others.chain([own]).collect()
    })
}

/// Reason why the index could not be filled.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Index(#[from] crate::index::IndexError),
    /// A change could not be published during the load.
    #[error("the index failed while it was loaded")]
    Outrun,
    #[error("reading the store panicked")]
    Panicked,
    #[error("the image of the hot index: {0}")]
    Snapshot(#[from] std::io::Error),
}

/// Index updates of a committed batch.
///
/// # Errors
/// [`StoreError`] when the batch has a record that cannot be decoded.
pub(in crate::engine) fn published(batch: &Batch) -> Result<Vec<IndexUpdate>, StoreError> {
    let entry = |place: &[u8], value: &[u8]| Entry {
        key: place.to_vec(),
        value: value.to_vec(),
        version: crate::store::Revision::default(),
    };
    let mut changes = Vec::new();
    for (place, value) in batch.writes() {
        if let Some(trace) = trace(place) {
            let fingerprint = Fingerprint::from(&trace);
            changes.push(match value {
                Some(value) => IndexUpdate::Key(fingerprint, HotRecord::from_entry(&entry(place, value))?),
                None => IndexUpdate::NoKey(fingerprint),
            });
        } else if let Some(id) = schema::user_id(place).map(UserId) {
            changes.push(match value {
                Some(value) => IndexUpdate::Owner(id, User::from_entry(&entry(place, value))?.owner()),
                None => IndexUpdate::NoOwner(id),
            });
        }
    }
    // A rehashed secret is added under its new hash before it is removed under the old one.
    changes.sort_by_key(|change| matches!(change, IndexUpdate::NoKey(_)));
    Ok(changes)
}
