//! The durable store on sled, such that everything it returns survives a power cut.

pub(crate) mod durable_fs;
mod lock;
mod open;
mod reclaim;
mod scrub;
mod scrub_totals;
mod snapshots;
mod store_digest;
pub mod swap;
mod sync_file_range;
mod watermark;

use std::collections::HashMap;
use std::fs::File;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use sled::{Db, IVec};

pub use self::open::{LastStop, OpenOptions, Opened};

use self::scrub::Scrub;
use self::store_digest::StoreDigest;
use self::watermark::{State, WatermarkWriter};

use crate::clock::Timestamp;

use super::changes::Changes;
use super::memory::STOPPED;
use super::overlay::{Overlay, merge, start};
use super::{Batch, Change, Entry, Revision, Store, StoreError, envelope, schema};

/// A [`Store`] in a directory of its own, for one process at a time.
///
/// ```
/// use keyward::store::sled::OpenOptions;
/// use keyward::store::{Batch, SledStore, Store};
/// let dir = tempfile::tempdir()?;
/// let (store, _) = SledStore::open(dir.path(), OpenOptions::default())?;
/// let mut batch = Batch::default();
/// batch.put(b"n/test", b"1");
/// store.commit(batch)?;
/// store.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Concurrency
/// One commit runs at a time; readers never wait for the disk to sync. Dropping the store without
/// [`close`](Store::close) is safe, but the next open copies and checks it as after a crash.
///
/// # Durability
/// What a commit writes stays hidden behind an overlay of the entries before it until sled has synced its log. A
/// watermark beside the database tells the next open what must be there.
#[derive(Debug)]
pub struct SledStore {
    /// Dropped first, and so before the directory's lock.
    database: Db,
    /// Held by the one commit that runs, or while a page is counted.
    writer: Mutex<Writer>,
    visible: RwLock<Visible>,
    /// The newest time that was noted, in milliseconds since 1970; 0 when none was.
    time: AtomicU64,
    directory: PathBuf,
    _lock: File,
}

/// State that commits change beside the database.
#[derive(Debug)]
struct Writer {
    watermark: WatermarkWriter,
    /// Progress of the scrub; `None` when every entry was counted.
    scrub: Option<Scrub>,
}

/// State that readers use beside the database; changed at one moment when a commit is durable.
#[derive(Debug)]
struct Visible {
    /// Entries that a running or failed commit replaced or removed. Entries that it created are hidden by their version.
    overlay: Overlay,
    changes: Changes,
    digest: StoreDigest,
    writes: Writes,
}

impl Visible {
    /// Whether an entry comes from a commit that is durable.
    fn shows(&self, entry: &Entry) -> bool {
        entry.version <= self.digest.revision
    }
}

/// Whether commits are taken.
#[derive(Clone, Debug)]
enum Writes {
    Taken,
    Stopped,
    Failed(String),
    /// Reads are refused, too: acknowledged data is missing.
    Missing(String),
}

impl SledStore {
    /// Opens the store in `dir`, creating it when there is none; with it what was found there.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when it is open already, [`StoreError::NotDurable`] when this process cannot make it
    /// durable, [`StoreError::Missing`] when less is there than was acknowledged, [`StoreError::NewerFormat`],
    /// [`StoreError::Corrupt`] and [`StoreError::Io`]. None of them changes what was stored; `README.md` beside
    /// this file's directory says what to do about each.
    pub fn open(dir: &Path, options: OpenOptions) -> Result<(Self, Opened), StoreError> {
        open::open(dir, options)
    }

    /// Calls `each` with every stored entry, in order. A damaged entry is passed as [`StoreError::Corrupt`], and the walk
    /// continues after it. For a store that takes no writes any more.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Corrupt`] when nothing behind a place can be read; what `each` answers.
    pub fn salvage(
        &self,
        mut each: impl FnMut(Result<Entry, StoreError>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut stored = guarded("scanning", || Ok(self.database.iter()))?;
        while let Some((key, sealed)) = guarded("scanning", || stored.next().transpose())? {
            if !schema::is_own(&key) {
                each(entry(&key, &sealed))?;
            }
        }
        Ok(())
    }

    fn new(
        directory: PathBuf,
        database: Db,
        writer: Writer,
        (digest, time): (StoreDigest, Option<Timestamp>),
        lock: File,
    ) -> Self {
        let changes = Changes::following(digest.revision);
        let visible = Visible { overlay: Overlay::default(), changes, digest, writes: Writes::Taken };
        let time = AtomicU64::new(time.map_or(0, Timestamp::unix_ms));
        Self {
            database,
            writer: Mutex::new(writer),
            visible: RwLock::new(visible),
            time,
            directory,
            _lock: lock,
        }
    }

    // Nothing panics while it changes the visible state, so a poisoned lock guards a whole one.
    fn visible(&self) -> RwLockReadGuard<'_, Visible> {
        self.visible.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn visible_mut(&self) -> RwLockWriteGuard<'_, Visible> {
        self.visible.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer>, StoreError> {
        self.writer.lock().map_err(|_| StoreError::Closed { why: PANICKED.to_owned() })
    }

    /// Checks and writes `batch`, and shows it once it is durable.
    fn write(&self, writer: &mut Writer, batch: Batch) -> Result<Revision, StoreError> {
        let (mut digest, writes) = {
            let visible = self.visible();
            (visible.digest, visible.writes.clone())
        };
        writes.check()?;
        // What is expected and written is read once. Nothing changes it meanwhile: only commits write.
        let mut stored = HashMap::new();
        batch.check(|key| {
            let sealed = read(&self.database, key)?;
            let version =
                sealed.as_ref().map(|sealed| envelope::open(key, sealed).map(|opened| opened.version));
            stored.insert(key, sealed);
            version.transpose()
        })?;
        if batch.is_empty() {
            return Ok(digest.revision);
        }
        let revision = digest.revision.next();
        digest.revision = revision;
        let mut scrub = writer.scrub.clone();
        let mut before = Overlay::default();
        let mut writes = sled::Batch::default();
        for (key, value) in batch.writes() {
            let sealed = value.map(|value| envelope::seal(key, revision, value));
            let sum = sealed.as_ref().map(|(_, sum)| *sum);
            let mut was_sum = None;
            if !batch.asserts_new(key) {
                let was = stored.remove(key).map_or_else(|| read(&self.database, key), Ok)?;
                let was = was.as_ref().map(|sealed| envelope::open(key, sealed)).transpose()?;
                was_sum = was.map(|was| was.sum);
                before.insert(key, was.map(|was| shown(key, &was)));
            }
            digest.replace(was_sum, sum);
            if let Some(scrub) = &mut scrub {
                scrub.replace(key, was_sum, sum);
            }
            match sealed {
                Some((sealed, _)) => writes.insert(key, sealed),
                None => writes.remove(key),
            }
        }
        writes.insert(schema::DIGEST, envelope::seal(schema::DIGEST, revision, &digest.encode()).0);
        self.apply(writes, before)?;
        writer.scrub = scrub;
        reclaim::free(batch.writes().count());
        let mut visible = self.visible_mut();
        visible.overlay.clear();
        visible.digest = digest;
        visible.changes.remember(batch.into_change(revision));
        drop(visible);
        writer.watermark.note(digest);
        Ok(revision)
    }

    /// Applies and syncs `writes` while the overlay shows what was there before.
    fn apply(&self, writes: sled::Batch, before: Overlay) -> Result<(), StoreError> {
        self.visible_mut().overlay = before;
        let applied = guarded("writing a commit", || {
            self.database.apply_batch(writes)?;
            self.database.flush().map(drop)
        });
        applied.map_err(|error| match error {
            StoreError::Io { .. } => error,
            other => StoreError::Io { what: "writing a commit", source: std::io::Error::other(other) },
        })
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        if schema::is_own(key) {
            return Ok(None);
        }
        // Held over the read below: a commit that starts meanwhile waits, so nothing undurable can be read.
        let visible = self.visible();
        visible.writes.readable()?;
        if let Some(hidden) = visible.overlay.get(key) {
            return Ok(hidden.cloned());
        }
        let stored = read(&self.database, key)?.map(|sealed| entry(key, &sealed)).transpose()?;
        Ok(stored.filter(|entry| visible.shows(entry)))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let visible = self.visible();
        visible.writes.readable()?;
        let mut stored = guarded("scanning", || {
            Ok(self.database.range::<&[u8], _>((start(prefix, after), Bound::Unbounded)))
        })?;
        let below = std::iter::from_fn(|| guarded("scanning", || stored.next().transpose()).transpose())
            .filter(|item| !item.as_ref().is_ok_and(|(key, _)| schema::is_own(key)))
            .take_while(|item| item.as_ref().map_or(true, |(key, _)| key.starts_with(prefix)))
            .map(|item| item.and_then(|(key, sealed)| entry(&key, &sealed)))
            .filter(|item| item.as_ref().map_or(true, |entry| visible.shows(entry)));
        merge(visible.overlay.range(prefix, after), below, limit)
    }

    fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let mut writer = self.writer()?;
        let committed = self.write(&mut writer, batch);
        // Also when a read failed: sled then answers every later call with the same failure.
        if let Err(error @ StoreError::Io { .. }) = &committed {
            tracing::error!(%error, "a commit failed: the store takes no writes until it is opened again");
            self.visible_mut().writes = Writes::Failed(error.to_string());
        }
        committed
    }

    fn revision(&self) -> Revision {
        self.visible().digest.revision
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.visible().changes.after(after, limit)
    }

    fn newest_time(&self) -> Option<Timestamp> {
        Some(self.time.load(Ordering::Acquire)).filter(|time| *time > 0).map(Timestamp::from_unix_ms)
    }

    fn note_time(&self, time: Timestamp) {
        let before = self.time.fetch_max(time.unix_ms(), Ordering::AcqRel);
        // After a panic nothing is written any more.
        if let Ok(writer) = self.writer()
            && before < time.unix_ms()
        {
            writer.watermark.note_time(time);
        }
    }

    fn directory(&self) -> Option<&Path> {
        Some(&self.directory)
    }

    fn closed(&self) -> Option<String> {
        let panicked = self.writer.is_poisoned().then(|| PANICKED.to_owned());
        panicked.or_else(|| self.visible().writes.why())
    }

    fn scrub(&self) -> Result<bool, StoreError> {
        let mut writer = self.writer()?;
        let writes = self.visible().writes.clone();
        writes.readable()?;
        // After a failed commit the next open counts.
        writes.check()?;
        let Some(scrub) = &mut writer.scrub else { return Ok(false) };
        let digest = self.visible().digest;
        let more = scrub.page(&self.database, digest);
        if let Ok(false) = more {
            writer.scrub = None;
        }
        if let Err(StoreError::Missing { report }) = &more {
            self.visible_mut().writes = Writes::Missing(report.clone());
        }
        more
    }

    fn close(&self) -> Result<(), StoreError> {
        let mut writer = self.writer()?;
        let writes = self.visible().writes.clone();
        if matches!(writes, Writes::Stopped) {
            return Ok(());
        }
        writes.check()?;
        self.visible_mut().writes = Writes::Stopped;
        guarded("syncing at the stop", || self.database.flush())?;
        let gone = || std::io::Error::other("its thread died");
        let watermark = writer.watermark.stop().ok_or_else(gone);
        let digest = self.visible().digest;
        let marked = watermark.and_then(|mut watermark| {
            watermark.raise(self.newest_time());
            watermark.write(State::Stopped, digest)
        });
        marked.map_err(io("writing the watermark"))
    }
}

impl Writes {
    /// Why none are taken.
    fn why(&self) -> Option<String> {
        match self {
            Self::Taken => None,
            Self::Stopped => Some(STOPPED.to_owned()),
            Self::Failed(why) | Self::Missing(why) => Some(why.clone()),
        }
    }

    fn readable(&self) -> Result<(), StoreError> {
        match self {
            Self::Missing(report) => Err(StoreError::Missing { report: report.clone() }),
            Self::Taken | Self::Stopped | Self::Failed(_) => Ok(()),
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        self.why().map_or(Ok(()), |why| Err(StoreError::Closed { why }))
    }
}

fn read(database: &Db, key: &[u8]) -> Result<Option<IVec>, StoreError> {
    guarded("reading", || database.get(key))
}

fn entry(key: &[u8], sealed: &[u8]) -> Result<Entry, StoreError> {
    envelope::open(key, sealed).map(|opened| shown(key, &opened))
}

fn shown(key: &[u8], opened: &envelope::Opened<'_>) -> Entry {
    Entry { key: key.to_vec(), value: opened.body.to_vec(), version: opened.version }
}

/// Runs one call into sled; a panic there is damage that sled did not expect.
fn guarded<T>(what: &'static str, call: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    let damaged = || StoreError::Corrupt { place: DATABASE.to_owned() };
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(sled::Error::Io(source))) => Err(StoreError::Io { what, source }),
        Ok(Err(error)) => {
            tracing::warn!(%error, what, "sled failed");
            Err(damaged())
        }
        Err(_) => {
            tracing::warn!(what, "sled panicked");
            Err(damaged())
        }
    }
}

/// Names the cause of a failed file operation.
fn io(what: &'static str) -> impl Fn(std::io::Error) -> StoreError {
    move |source| StoreError::Io { what, source }
}

/// sled's directory inside the data directory.
const DATABASE: &str = "db";
/// Copy of the database as a crash left it.
const ASIDE: &str = "aside";
/// Copy that is not complete, or not needed any more.
const PARTIAL: &str = "aside.partial";
/// Why a store takes no writes after a panic in one of its commits.
const PANICKED: &str = "a commit panicked";
