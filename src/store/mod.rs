//! Durable truth: one flat ordered keyspace of bytes, changed by atomic batches.
//!
//! Two implementations keep the same contract: [`SledStore`] on disk and [`MemoryStore`], the reference model.
//! `README.md` beside this file has every key and value, byte by byte.

pub mod backup;
mod batch;
mod changes;
pub mod codec;
mod envelope;
mod error;
mod memory;
mod overlay;
mod paged;
pub mod schema;
pub mod sled;

use std::path::Path;

use crate::clock::Timestamp;

pub use self::sled::SledStore;
pub use batch::{Batch, Change, Entry, Expectation, Revision};
pub use error::StoreError;
pub use memory::MemoryStore;
pub(crate) use paged::{paged, paged_by};

/// A durable, ordered map from byte keys to byte values.
///
/// **Who calls, when.** The engine's write lane is the only caller of [`commit`](Store::commit), and has one commit at a
/// time in flight. Any thread may read at any time; the hot index is loaded from [`scan`](Store::scan). A background
/// thread calls [`scrub`](Store::scrub) until it returns `false`. The engine calls [`close`](Store::close) once, last.
///
/// **Visible means durable.** `get`, `scan`, `revision` and `changes` never show a write that a power cut could still
/// take away: the writes of a commit become visible after they were synced, all at one moment.
///
/// **Allowed wrong answers.** A read that began before a commit returned may show the state before the commit. `changes`
/// may answer [`StoreError::Forgotten`] at any time. An error says nothing about whether an entry exists.
///
/// **Never.** "Absent" for an entry that is damaged or could not be read; part of a batch; a state older than a commit
/// that returned `Ok` before the read began; `Ok` for a batch whose expectations did not hold.
///
/// # Durability
/// After a crash at any point a batch is stored whole or not at all, and every batch whose commit returned `Ok` is stored.
/// After a write or a sync failed the store answers [`StoreError::Closed`] to every later commit until it is opened
/// again; reads continue and show the state before the failed batch.
///
/// # Security
/// Values are not encrypted by the store: the records that the engine writes hold keyed hashes, salted hashes and sealed
/// copies, never a key text or a password. Checksums detect accidents, not an attacker who can write to the disk.
pub trait Store: Send + Sync + 'static {
    /// Reads one entry.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the checksum or shape of the entry is wrong, [`StoreError::NewerFormat`] when a newer
    /// keyward wrote it, [`StoreError::Io`] when the disk failed, [`StoreError::Missing`] after a scrub found that
    /// acknowledged data is gone. None of them means "absent".
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError>;

    /// Reads up to `limit` entries whose keys start with `prefix`, in ascending order, from just after the key
    /// `after` (from the first when `None`). Fewer than `limit` entries means that the end was reached. Each page shows
    /// one state; a commit may come between two pages.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Checks every expectation of `batch` and, if all hold, applies its writes as one.
    ///
    /// A batch without writes makes no commit: its expectations are checked and the newest revision is returned.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when a write is one the store never takes: nothing was changed, do not retry.
    /// [`StoreError::Conflict`] when an expectation does not hold: nothing was changed, read again and retry.
    /// [`StoreError::Io`] when writing or syncing failed: the batch may or may not be stored after the next open,
    /// and the store is closed for writes. [`StoreError::Closed`] after that.
    ///
    /// # Durability
    /// When this returns `Ok`, the batch survives a power cut.
    fn commit(&self, batch: Batch) -> Result<Revision, StoreError>;

    /// Revision of the newest commit that readers see; 0 in an empty store.
    fn revision(&self) -> Revision;

    /// Returns the changes of all commits after `after`, oldest first, at most `limit` commits.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] when the store no longer remembers commits that old: read everything again with
    /// [`Store::scan`] and follow from the [`Store::revision`] read before it.
    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError>;

    /// Directory of the store, for files that can be made again from its entries; `None` when it has none.
    fn directory(&self) -> Option<&Path> {
        None
    }

    /// Newest time that was given to [`Store::note_time`], also before a restart; `None` when there is none, or the store
    /// does not keep it.
    fn newest_time(&self) -> Option<Timestamp> {
        None
    }

    /// Remembers the time. An earlier time than the newest changes nothing.
    ///
    /// # Durability
    /// Does not wait for the disk: after a crash the time of about a second before may be stored.
    fn note_time(&self, time: Timestamp) {
        let _ = time;
    }

    /// Scrubs one page: counts some of the entries that the open did not count, and returns whether more are left. Commits
    /// wait for one page only. See [`OpenOptions::counted_max`](sled::OpenOptions::counted_max).
    ///
    /// # Errors
    /// [`StoreError::Missing`] when an acknowledged entry is not stored: from then on every read answers that, and the store
    /// takes no commits. [`StoreError::Io`]: call again later. [`StoreError::Closed`]: the next open counts.
    fn scrub(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Reason why commits are refused; `None` while the store takes writes.
    fn closed(&self) -> Option<String>;

    /// Ends writing in good order: syncs everything and marks the stop as clean. Later commits are refused; reads continue.
    ///
    /// # Errors
    /// [`StoreError::Io`] when that failed, [`StoreError::Closed`] when a failure closed the store before: the next
    /// open checks it as after a crash.
    fn close(&self) -> Result<(), StoreError>;
}
