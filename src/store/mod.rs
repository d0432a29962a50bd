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
/// The engine's write lane is the only caller of [`commit`](Store::commit); any thread may read at any time.
///
/// **Visible means durable.** `get`, `scan`, `revision` and `changes` never show a write that a power cut could
/// still take away: what a commit writes appears only after it was synced, all of it at one moment. A reader that
/// started before may still see the state before; that is the only stale answer allowed.
///
/// **Atomic.** After a crash at any point a batch is there whole or not at all.
///
/// **Closed, not wrong.** After a write or a sync failed the store answers [`StoreError::Closed`] to every later
/// commit until it is opened again; reads go on and show the state before the failed batch.
pub trait Store: Send + Sync + 'static {
    /// Reads one entry.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its checksum or shape is wrong, [`StoreError::NewerFormat`] when a newer
    /// keyward wrote it, [`StoreError::Io`] when the disk failed. None of them means "absent".
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError>;

    /// Reads up to `limit` entries whose keys start with `prefix`, in ascending order, from just after the key
    /// `after` (from the first when `None`). Fewer than `limit` entries means the end was reached.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Checks every expectation of `batch` and, if all hold, applies its writes as one.
    ///
    /// A batch without writes makes no commit: its expectations are checked and the newest revision comes back.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when a write is one the store never takes: nothing was changed.
    /// [`StoreError::Conflict`] when an expectation does not hold: nothing was changed, read again and retry.
    /// [`StoreError::Io`] when writing or syncing failed: the batch may or may not be there after the next open,
    /// and the store is closed for writes. [`StoreError::Closed`] after that.
    ///
    /// # Durability
    /// When this returns `Ok`, the batch survives a power cut.
    fn commit(&self, batch: Batch) -> Result<Revision, StoreError>;

    /// The revision of the newest commit that readers see; 0 in an empty store.
    fn revision(&self) -> Revision;

    /// The changes of all commits after `after`, oldest first, at most `limit` commits.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] when commits that old are no longer remembered: read everything again with
    /// [`Store::scan`] and follow from the [`Store::revision`] read before it.
    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError>;

    /// A directory of its own, where what can be made again from it may be kept; `None` when it has none.
    fn directory(&self) -> Option<&Path> {
        None
    }

    /// The newest time that was noted, over restarts; `None` when none ever was, or it is not kept.
    fn newest_time(&self) -> Option<Timestamp> {
        None
    }

    /// Takes note of the time, without waiting for the disk: what a crash leaves may be the time of a second before. An
    /// earlier time than was noted before changes nothing.
    fn note_time(&self, time: Timestamp) {
        let _ = time;
    }

    /// Goes on counting what is stored, a page at a time, and says whether there is more; commits go on in between. For
    /// what an open put off: see [`OpenOptions::counted_max`](sled::OpenOptions::counted_max).
    ///
    /// # Errors
    /// [`StoreError::Missing`] when not everything is there that was acknowledged: from then on that answers every
    /// read, and no commits are taken. [`StoreError::Io`]: try again later. [`StoreError::Closed`]: the next open counts.
    fn scrub(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Why commits are refused, once they are; `None` while the store takes writes.
    fn closed(&self) -> Option<String>;

    /// Ends writing in good order: everything is synced and the stop is marked clean. Later commits are refused.
    ///
    /// # Errors
    /// [`StoreError::Io`] when that failed, [`StoreError::Closed`] when a failure closed the store before: the next
    /// open checks it as after a crash.
    fn close(&self) -> Result<(), StoreError>;
}
