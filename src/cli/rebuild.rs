//! Stores that are built anew: `keyward compact` and `keyward check --repair`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::args::Place;
use super::failure::{Exit, Failure};
use super::open;
use super::screen::{line, note};
use crate::engine::Repair;
use crate::limits;
use crate::store::backup::Frame;
use crate::store::sled::OpenOptions;
use crate::store::sled::replace::{self, Replacing};
use crate::store::{Batch, SledStore, Store as _, StoreError, paged};

/// `keyward compact`.
pub(super) fn compact(place: &Place) -> Result<Exit, Failure> {
    if !open::is_store(&place.data) {
        return Err(open::no_store(place));
    }
    let (store, _) = SledStore::open(&place.data, OpenOptions::default())?;
    store.close()?;
    let replacing = Replacing::beside(&place.data)?;
    let before = size(&place.data.join("db"));
    let copied = fill(&replacing, |filling| {
        for entry in paged(None, |after, limit| store.scan(b"", after, limit)) {
            let entry = entry?;
            filling.add(Frame { key: entry.key, value: Some(entry.value) })?;
        }
        Ok(())
    });
    if let Err(failure) = copied {
        replacing.give_up()?;
        return Err(failure);
    }
    replacing.finish()?;
    drop(store);
    SledStore::open(&place.data, OpenOptions::default())?.0.close()?;
    replace::forget_replaced(&place.data)?;
    let after = size(&place.data.join("db"));
    line(&format!("{} kB before, {} kB after", before / 1024, after / 1024))?;
    Ok(Exit::Done)
}

/// `keyward check --repair`.
pub(super) fn repair(place: &Place) -> Result<Exit, Failure> {
    if !open::is_store(&place.data) {
        return Err(open::no_store(place));
    }
    let (store, found) = SledStore::open(&place.data, OpenOptions { recover: true })?;
    if let Some(report) = found.recovered {
        note(&format!("keyward: {report}"));
    }
    store.close()?;
    let replacing = Replacing::beside(&place.data)?;
    let mut repair = Repair::default();
    let repaired = fill(&replacing, |filling| {
        let put = |filling: &mut Filling, entries: BTreeMap<Vec<u8>, Vec<u8>>| {
            entries.into_iter().try_for_each(|(key, value)| filling.add(Frame { key, value: Some(value) }))
        };
        store.salvage(|found| {
            let entries = repair.entries(found)?;
            put(filling, entries)
        })?;
        let rest = repair.rest()?;
        Ok(put(filling, rest)?)
    });
    if let Err(failure) = repaired {
        replacing.give_up()?;
        return Err(failure);
    }
    replacing.finish()?;
    drop(store);
    SledStore::open(&place.data, OpenOptions::default())?.0.close()?;
    for place in &repair.lost {
        line(&format!("{place} could not be read"))?;
    }
    let Repair { made, dropped, lost, .. } = &repair;
    line(&format!("{made} entries written, {dropped} of indexes made again, {} lost", lost.len()))?;
    note(&format!("keyward: the store before is in {}", replace::replaced(&place.data).display()));
    Ok(if repair.lost.is_empty() { Exit::Done } else { Exit::Failed })
}

/// A new store that is being filled.
pub(super) struct Filling {
    store: SledStore,
    batch: Batch,
    waiting: usize,
}

impl Filling {
    /// Adds a frame; a later one counts more.
    pub(super) fn add(&mut self, frame: Frame) -> Result<(), StoreError> {
        match frame.value {
            Some(value) => self.batch.put(frame.key, value),
            None => self.batch.delete(frame.key),
        }
        self.waiting += 1;
        if self.waiting >= limits::FILL_BATCH { self.commit() } else { Ok(()) }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.waiting = 0;
        self.store.commit(std::mem::take(&mut self.batch)).map(drop)
    }
}

/// Builds the new store, and closes it in good order.
pub(super) fn fill(
    replacing: &Replacing,
    with: impl FnOnce(&mut Filling) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (store, _) = SledStore::open(&replacing.place(), OpenOptions::default())?;
    let mut filling = Filling { store, batch: Batch::default(), waiting: 0 };
    with(&mut filling)?;
    filling.commit()?;
    Ok(filling.store.close()?)
}

/// Bytes of the files below a directory.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}
