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
use crate::store::sled::replace::{self, Replacing};
use crate::store::sled::{OpenOptions, Opened};
use crate::store::{Batch, SledStore, Store as _, StoreError, paged};

/// `keyward compact`.
pub(super) fn compact(place: &Place) -> Result<Exit, Failure> {
    let (store, _) = open_store(place, OpenOptions::default())?;
    let before = size(&place.data.join("db"));
    let replacing = rebuild(place, &store, |filling| {
        for entry in paged(None, |after, limit| store.scan(b"", after, limit)) {
            let entry = entry?;
            filling.add(Frame { key: entry.key, value: Some(entry.value) })?;
        }
        Ok(())
    })?;
    replacing.finish_with_the_same()?;
    drop(store);
    exchange(place)?;
    let after = size(&place.data.join("db"));
    line(&format!("{} kB before, {} kB after", before / 1024, after / 1024))?;
    Ok(Exit::Done)
}

/// `keyward check --repair`.
pub(super) fn repair(place: &Place) -> Result<Exit, Failure> {
    keep_nothing_before(place, false)?;
    let (store, found) = open_store(place, OpenOptions { recover: true, ..OpenOptions::default() })?;
    if let Some(report) = found.recovered {
        note(&format!("keyward: {report}"));
    }
    let mut repair = Repair::default();
    let replacing = rebuild(place, &store, |filling| {
        store.salvage(|found| filling.add_all(repair.entries(found)?))?;
        Ok(filling.add_all(repair.rest()?)?)
    })?;
    replacing.finish()?;
    drop(store);
    exchange(place)?;
    for place in &repair.lost {
        line(&format!("{place} could not be read"))?;
    }
    let Repair { made, dropped, lost, .. } = &repair;
    line(&format!("{made} entries written, {dropped} of indexes made again, {} lost", lost.len()))?;
    note(&format!("keyward: the store before is in {}", replace::replaced(&place.data).display()));
    Ok(if repair.lost.is_empty() { Exit::Done } else { Exit::Failed })
}

/// The store of a directory that has one.
fn open_store(place: &Place, options: OpenOptions) -> Result<(SledStore, Opened), Failure> {
    if open::is_store(&place.data) {
        Ok(SledStore::open(&place.data, options)?)
    } else {
        Err(open::no_store(place))
    }
}

/// Builds what takes the place of `store`, which takes no writes any more.
fn rebuild(
    place: &Place,
    store: &SledStore,
    with: impl FnOnce(&mut Filling) -> Result<(), Failure>,
) -> Result<Replacing, Failure> {
    store.close()?;
    let replacing = Replacing::beside(&place.data)?;
    fill(&replacing, with)?;
    Ok(replacing)
}

/// Refuses while the store is kept that was replaced before, for this one would take its place.
pub(super) fn keep_nothing_before(place: &Place, force: bool) -> Result<(), Failure> {
    let kept = replace::replaced(&place.data);
    if force || !kept.exists() {
        return Ok(());
    }
    let advice = "move it away, or remove it, first";
    Err(Failure::new(
        Exit::Failed,
        format!("{} holds the store that was replaced before: {advice}", kept.display()),
    ))
}

/// Has the directory take its new store, and its old one out of the way.
pub(super) fn exchange(place: &Place) -> Result<(), Failure> {
    Ok(SledStore::open(&place.data, OpenOptions::default())?.0.close()?)
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

    fn add_all(&mut self, entries: BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), StoreError> {
        entries.into_iter().try_for_each(|(key, value)| self.add(Frame { key, value: Some(value) }))
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
