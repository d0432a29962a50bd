//! The tables of an index: sixteen, so that growing one moves a sixteenth of the keys.
//!
//! Readers work on a snapshot that every thread keeps. They look whether there is a newer one, which is one load, and
//! neither lock nor count references.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;

use super::memory::GROUP;
use super::slot::{Fingerprint, Rights, Slot};
use super::table::Table;
use crate::limits;

/// Highest bits of a fingerprint that choose the segment.
pub(super) const SEGMENT_BITS: u32 = 4;
const SEGMENTS: usize = 1 << SEGMENT_BITS;

/// One state of all segments.
pub(super) struct Tables([Arc<Table>; SEGMENTS]);

impl Tables {
    fn empty() -> io::Result<Self> {
        let mut all = Vec::with_capacity(SEGMENTS);
        for _ in 0..SEGMENTS {
            all.push(Arc::new(Table::new(1)?));
        }
        all.try_into().map(Self).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    pub(super) fn segment(&self, fingerprint: Fingerprint) -> Option<&Table> {
        self.0.get(segment(fingerprint)).map(Arc::as_ref)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Table> {
        self.0.iter().map(Arc::as_ref)
    }
}

const fn segment(fingerprint: Fingerprint) -> usize {
    (fingerprint.place() >> (u64::BITS - SEGMENT_BITS)) as usize
}

/// The segments as readers see them.
pub(super) struct Shared(Arc<ArcSwap<Tables>>);

thread_local! {
    /// The snapshot this thread looked at last, of whichever index that was. An idle thread keeps it.
    static SEEN: RefCell<Option<Cache<Arc<ArcSwap<Tables>>, Arc<Tables>>>> = const { RefCell::new(None) };
}

impl Shared {
    /// Has `read` look at the newest snapshot.
    pub(super) fn with<R>(&self, read: impl FnOnce(&Tables) -> R) -> R {
        SEEN.with(|seen| {
            // Only `read` itself could hold it, by asking again.
            let Ok(mut seen) = seen.try_borrow_mut() else { return read(&self.0.load()) };
            match seen.as_mut().filter(|cache| std::ptr::eq(cache.arc_swap(), self.0.as_ref())) {
                Some(cache) => read(cache.load()),
                None => read(seen.insert(Cache::new(Arc::clone(&self.0))).load()),
            }
        })
    }
}

/// The writer's side of the segments.
pub(super) struct Segments {
    shared: Arc<ArcSwap<Tables>>,
    /// Filled slots of each segment, removed ones too.
    filled: [usize; SEGMENTS],
    /// Slots that all segments may have together.
    slots_max: usize,
}

impl Segments {
    /// Empty segments.
    ///
    /// # Errors
    /// The system's, when it gives no memory.
    pub(super) fn new(slots_max: usize) -> io::Result<Self> {
        let shared = Arc::new(ArcSwap::from_pointee(Tables::empty()?));
        Ok(Self { shared, filled: [0; SEGMENTS], slots_max })
    }

    /// What readers use.
    pub(super) fn shared(&self) -> Shared {
        Shared(Arc::clone(&self.shared))
    }

    /// The newest state, for the writer.
    pub(super) fn tables(&self) -> Arc<Tables> {
        self.shared.load_full()
    }

    /// Empties every segment.
    ///
    /// # Errors
    /// The system's, when it gives no memory.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.shared.store(Arc::new(Tables::empty()?));
        self.filled = [0; SEGMENTS];
        Ok(())
    }

    /// Makes room for `keys` keys in all, evenly.
    ///
    /// # Errors
    /// The system's, when it gives no memory.
    pub(super) fn reserve(&mut self, keys: usize) -> io::Result<()> {
        let each = keys.div_ceil(SEGMENTS);
        (0..SEGMENTS).try_for_each(|at| self.resize(at, each))
    }

    /// Fills a slot for a fingerprint that has none; `fill` completes it before it can be found.
    ///
    /// # Errors
    /// The system's, when it gives no memory for a larger table, or the bound is reached.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint, fill: impl Fn(&Slot)) -> io::Result<()> {
        let at = segment(fingerprint);
        let filled = self.filled.get(at).copied().unwrap_or_default();
        let tables = self.tables();
        let table = tables.segment(fingerprint).ok_or(io::ErrorKind::InvalidData)?;
        let full = filled * 100 >= table.capacity() * limits::INDEX_LOAD_PERCENT_MAX;
        let inserted = !full && table.insert(fingerprint, &fill).is_some();
        if !inserted {
            let live = table.filled().filter(|slot| slot.rights() != Rights::NONE).count();
            // Small tables double; large ones grow by little at a time, so that no key's share grows much.
            let room = if live < limits::INDEX_DOUBLING_SLOTS { live } else { live / 16 };
            self.resize(at, live + room.max(GROUP))?;
            let tables = self.tables();
            let table = tables.segment(fingerprint).ok_or(io::ErrorKind::InvalidData)?;
            table.insert(fingerprint, fill).ok_or(io::ErrorKind::OutOfMemory)?;
        }
        if let Some(filled) = self.filled.get_mut(at) {
            *filled += 1;
        }
        Ok(())
    }

    /// Replaces a segment by one with room for `keys` keys, or for those it has, if they are more.
    fn resize(&mut self, at: usize, keys: usize) -> io::Result<()> {
        let tables = self.tables();
        let old = tables.0.get(at).ok_or(io::ErrorKind::InvalidInput)?;
        let live = old.filled().filter(|slot| slot.rights() != Rights::NONE).count();
        let slots = keys.max(live) * 100 / limits::INDEX_LOAD_PERCENT_MAX + 1;
        let others: usize = tables.all().map(Table::capacity).sum::<usize>() - old.capacity();
        if others.saturating_add(slots) > self.slots_max {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let new = Table::new(slots.div_ceil(GROUP))?;
        let mut moved = 0;
        for slot in old.filled() {
            let (rights, fingerprint) = (slot.rights(), slot.fingerprint());
            if rights == Rights::NONE {
                continue;
            }
            // From here on this slot counts no more: uses that come meanwhile are noted elsewhere.
            let uses = slot.close();
            let number = new.insert(fingerprint, |into| {
                into.continue_from(uses, slot.from_bits());
                into.fill(fingerprint, slot.id(), slot.owner(), rights);
            });
            let number = number.ok_or(io::ErrorKind::OutOfMemory)?;
            if uses.count() > 0 {
                new.mark(number);
            }
            moved += 1;
        }
        let mut segments = tables.0.clone();
        if let (Some(segment), Some(filled)) = (segments.get_mut(at), self.filled.get_mut(at)) {
            *segment = Arc::new(new);
            *filled = moved;
        }
        self.shared.store(Arc::new(Tables(segments)));
        Ok(())
    }
}
