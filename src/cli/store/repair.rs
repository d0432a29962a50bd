//! Stores that are built anew: `keyward compact` and `keyward check --repair`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cli::args::Place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::store::open;
use crate::cli::terminal::output::{line, note};
use crate::clock::Timestamp;
use crate::engine::Repair;
use crate::limits;
use crate::store::backup::Frame;
use crate::store::sled::barrier;
use crate::store::sled::replace::{self, Replacing};
use crate::store::sled::{OpenOptions, Opened};
use crate::store::{Batch, SledStore, Store as _, StoreError, paged};

/// `keyward compact`.
pub(in crate::cli) fn compact(place: &Place) -> Result<Exit, Failure> {
    let (store, _) = open_store(place, OpenOptions::default())?;
    let before = barrier::size(&place.data.join("db"));
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
    let after = barrier::size(&place.data.join("db"));
    line(&format!("{} kB before, {} kB after", before / 1024, after / 1024))?;
    Ok(Exit::Done)
}

/// `keyward check --repair`.
pub(in crate::cli) fn repair(place: &Place) -> Result<Exit, Failure> {
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
    open::for_us_alone(&place.data)?;
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
    fill(&replacing, barrier::size(&place.data.join("db")), store.newest_time(), with)?;
    Ok(replacing)
}

/// Refuses while the store is kept that was replaced before, for this one would take its place.
pub(in crate::cli) fn keep_nothing_before(place: &Place, force: bool) -> Result<(), Failure> {
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
pub(in crate::cli) fn exchange(place: &Place) -> Result<(), Failure> {
    Ok(SledStore::open(&place.data, OpenOptions::default())?.0.close()?)
}

/// A new store that is being filled.
pub(in crate::cli) struct Filling {
    store: SledStore,
    batch: Batch,
    waiting: usize,
    room: Room,
}

/// What there was room for, and about how much is needed.
struct Room {
    place: PathBuf,
    needed: u64,
    free: Option<u64>,
}

impl Room {
    fn of(replacing: &Replacing, needed: u64) -> Self {
        let place = replacing.place();
        // It is beside what it replaces.
        let free = place.parent().and_then(barrier::free);
        Self { place, needed, free }
    }

    /// Says how much room it takes, where that was what failed.
    fn client_message(&self, error: StoreError) -> StoreError {
        let Self { place, needed, free } = self;
        match error {
            StoreError::Io { what, source } => {
                StoreError::Io { what, source: barrier::room(place, *needed, *free, source) }
            }
            other => other,
        }
    }
}

impl Filling {
    /// Adds a frame; a later one counts more.
    pub(in crate::cli) fn add(&mut self, frame: Frame) -> Result<(), StoreError> {
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
        let committed = self.store.commit(std::mem::take(&mut self.batch));
        committed.map(drop).map_err(|error| self.room.client_message(error))
    }
}

/// Builds the new store, which knows the same newest time as the old one, and closes it in good order. About so many bytes
/// are needed for it.
pub(in crate::cli) fn fill(
    replacing: &Replacing,
    needed: u64,
    time: Option<Timestamp>,
    with: impl FnOnce(&mut Filling) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let room = Room::of(replacing, needed);
    let opened = SledStore::open(&replacing.place(), OpenOptions::default());
    let (store, _) = opened.map_err(|error| room.client_message(error))?;
    if let Some(time) = time {
        store.note_time(time);
    }
    let mut filling = Filling { store, batch: Batch::default(), waiting: 0, room };
    with(&mut filling)?;
    filling.commit()?;
    Ok(filling.store.close().map_err(|error| filling.room.client_message(error))?)
}
