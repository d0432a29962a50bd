//! A new store that replaces the present one: it is filled beside it, then swapped in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cli::args::data_dir::DataDir;
use crate::cli::failure::{CliError, Exit};
use crate::clock::Timestamp;
use crate::limits;
use crate::store::backup::Frame;
use crate::store::sled::OpenOptions;
use crate::store::sled::durable_fs;
use crate::store::sled::swap::{self, Replacement};
use crate::store::{Batch, SledStore, Store as _, StoreError};

/// Refuses if the directory still keeps a store that was replaced earlier: the present store would overwrite it.
pub(in crate::cli) fn refuse_kept_store(data_dir: &DataDir, force: bool) -> Result<(), CliError> {
    let kept = swap::replaced(&data_dir.data);
    if force || !kept.exists() {
        return Ok(());
    }
    let advice = "move it away, or remove it, first";
    Err(CliError::new(
        Exit::Failed,
        format!("{} holds the store that was replaced earlier: {advice}", kept.display()),
    ))
}

/// Puts the finished new store into the place of the old one: opening the directory does it.
pub(in crate::cli) fn swap(data_dir: &DataDir) -> Result<(), CliError> {
    Ok(SledStore::open(&data_dir.data, OpenOptions::default())?.0.close()?)
}

/// New store that is being filled.
pub(in crate::cli) struct NewStore {
    store: SledStore,
    batch: Batch,
    waiting: usize,
    room: DiskSpace,
}

/// Free disk space before filling, and the approximate need, in bytes.
struct DiskSpace {
    place: PathBuf,
    needed: u64,
    free: Option<u64>,
}

impl DiskSpace {
    fn of(replacing: &Replacement, needed: u64) -> Self {
        let place = replacing.place();
        // The new store is beside the old one, on the same file system.
        let free = place.parent().and_then(durable_fs::free);
        Self { place, needed, free }
    }

    /// Adds needed and free space to an error of the disk.
    fn client_message(&self, error: StoreError) -> StoreError {
        let Self { place, needed, free } = self;
        match error {
            StoreError::Io { what, source } => {
                StoreError::Io { what, source: durable_fs::room(place, *needed, *free, source) }
            }
            other => other,
        }
    }
}

impl NewStore {
    /// Adds a frame. A later frame of the same key replaces an earlier one.
    pub(in crate::cli) fn add(&mut self, frame: Frame) -> Result<(), StoreError> {
        match frame.value {
            Some(value) => self.batch.put(frame.key, value),
            None => self.batch.delete(frame.key),
        }
        self.waiting += 1;
        if self.waiting >= limits::FILL_BATCH { self.commit() } else { Ok(()) }
    }

    pub(in crate::cli) fn add_all(&mut self, entries: BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), StoreError> {
        entries.into_iter().try_for_each(|(key, value)| self.add(Frame { key, value: Some(value) }))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.waiting = 0;
        let committed = self.store.commit(std::mem::take(&mut self.batch));
        committed.map(drop).map_err(|error| self.room.client_message(error))
    }
}

/// Fills a new store and closes it. `needed` is its approximate size in bytes; `time` is the newest time of the old store.
pub(in crate::cli) fn fill(
    replacing: &Replacement,
    needed: u64,
    time: Option<Timestamp>,
    with: impl FnOnce(&mut NewStore) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let room = DiskSpace::of(replacing, needed);
    let opened = SledStore::open(&replacing.place(), OpenOptions::default());
    let (store, _) = opened.map_err(|error| room.client_message(error))?;
    if let Some(time) = time {
        store.note_time(time);
    }
    let mut new_store = NewStore { store, batch: Batch::default(), waiting: 0, room };
    with(&mut new_store)?;
    new_store.commit()?;
    Ok(new_store.store.close().map_err(|error| new_store.room.client_message(error))?)
}
