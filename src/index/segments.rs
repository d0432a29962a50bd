//! Up to 64 tables, so that growing one, which copies it, stays short.
//!
//! Each reader thread keeps a snapshot of the list of tables. Checking for a newer snapshot is one load; a reader neither
//! locks nor counts references.

use std::cell::Cell;
use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;

use super::slot::{BUCKET, Fingerprint, PackedPolicy, SlotContent};
use super::table::{Table, mix};
use super::uses::Uses;
use crate::key::{KeyId, Locator};
use crate::limits;

/// Highest bits of a mixed locator that choose the table. A table is for all locators that begin with its bits, so a
/// table of fewer bits is in several places of the list.
const BITS: u32 = 6;
const PLACES: usize = 1 << BITS;

/// One state of all tables.
pub(super) struct Tables([Arc<Table>; PLACES]);

impl Tables {
    fn empty() -> io::Result<Self> {
        let one = Arc::new(Table::new(1, 0)?);
        Ok(Self(std::array::from_fn(|_| Arc::clone(&one))))
    }

    /// Returns the table for a locator.
    #[inline]
    pub(super) fn of(&self, locator: Locator) -> &Arc<Table> {
        // The remainder changes nothing: a word shifted so far has no more bits. It lets the compiler drop the check.
        let place = (mix(locator) >> (u64::BITS - BITS)) as usize % PLACES;
        let Self(tables) = self;
        #[expect(clippy::indexing_slicing, reason = "a remainder of the length")]
        &tables[place]
    }

    /// Returns the same list with new tables of `bits` bits and `slots` slots in the places of `old`.
    fn replacing(&self, old: &Arc<Table>, bits: u32, slots: usize) -> io::Result<Self> {
        let mut next = self.0.clone();
        let first = self.0.iter().position(|table| Arc::ptr_eq(table, old)).unwrap_or(PLACES);
        let stood = next.get_mut(first..first + places(old.bits())).unwrap_or_default();
        for group in stood.chunks_mut(places(bits)) {
            group.fill(Arc::new(Table::new(slots, bits)?));
        }
        Ok(Self(next))
    }

    /// Iterates over the tables, each once.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Table>> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let table = rest.first()?;
            rest = rest.get(places(table.bits())..)?;
            Some(table)
        })
    }
}

/// Number of places of a table of so many bits.
const fn places(bits: u32) -> usize {
    PLACES >> bits
}

/// Readers' side of the tables.
pub(super) struct Shared(Arc<ArcSwap<Tables>>);

/// Snapshot that knows when a newer one exists.
type Snapshot = Cache<Arc<ArcSwap<Tables>>, Arc<Tables>>;

thread_local! {
    /// Snapshot this thread used last, of any index; taken out while it is used. An idle thread keeps it.
    static SEEN: Cell<Option<Box<Snapshot>>> = const { Cell::new(None) };
}

impl Shared {
    /// Calls `read` with the newest snapshot.
    #[inline(always)]
    pub(super) fn with<R>(&self, read: impl FnOnce(&Tables) -> R) -> R {
        SEEN.with(|seen| {
            let known = seen.take().filter(|cache| std::ptr::eq(cache.arc_swap(), self.0.as_ref()));
            let mut cache = known.unwrap_or_else(|| Box::new(Cache::new(Arc::clone(&self.0))));
            let made = read(cache.load());
            seen.set(Some(cache));
            made
        })
    }
}

/// Writer's side of the tables.
pub(super) struct Segments {
    shared: Arc<ArcSwap<Tables>>,
    /// Most slots that all tables have together.
    slots_max: usize,
    /// Uses of secrets whose slots were removed, to be written with the others.
    pub(super) orphaned: Vec<OrphanedUses>,
}

/// Uses counted in a slot that was removed. The key may exist on with another secret.
pub(super) struct OrphanedUses {
    pub(super) id: KeyId,
    pub(super) fingerprint: Fingerprint,
    pub(super) uses: Uses,
}

impl Segments {
    /// Creates one small empty table.
    ///
    /// # Errors
    /// The system's, when it gives no memory.
    pub(super) fn new(slots_max: usize) -> io::Result<Self> {
        Ok(Self {
            shared: Arc::new(ArcSwap::from_pointee(Tables::empty()?)),
            slots_max,
            orphaned: Vec::new(),
        })
    }

    /// Returns the readers' side.
    pub(super) fn shared(&self) -> Shared {
        Shared(Arc::clone(&self.shared))
    }

    /// Returns the newest list of tables.
    pub(super) fn tables(&self) -> Arc<Tables> {
        self.shared.load_full()
    }

    /// Removes all slots.
    ///
    /// # Errors
    /// The system's, when it gives no memory.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        let old = self.tables();
        self.shared.store(Arc::new(Tables::empty()?));
        old.all().for_each(|table| self.retire_table(table));
        Ok(())
    }

    /// Frees the slot of this fingerprint and returns its policy; `None` when no slot has the fingerprint.
    pub(super) fn remove(&mut self, fingerprint: Fingerprint) -> Option<PackedPolicy> {
        let tables = self.tables();
        let table = tables.of(fingerprint.locator());
        let row = table.find(fingerprint)?;
        let content = row.content();
        self.keep_orphaned(content, table.remove(row.slot));
        Some(content.policy)
    }

    /// Retires a table that was replaced, and keeps the uses that its slots counted.
    fn retire_table(&mut self, table: &Table) {
        table.retire();
        for row in table.filled() {
            self.keep_orphaned(row.content(), Uses::take_all(row.slot.uses()));
        }
    }

    fn keep_orphaned(&mut self, SlotContent { id, fingerprint, .. }: SlotContent, uses: Uses) {
        if uses.count() > 0 {
            self.orphaned.push(OrphanedUses { id, fingerprint, uses });
        }
    }

    /// Makes room for `keys` keys in all, with evenly spread locators.
    ///
    /// # Errors
    /// The system's, when it gives no memory, or the bound is reached.
    pub(super) fn reserve(&mut self, keys: usize) -> io::Result<()> {
        for table in self.tables().all() {
            self.replace(table, keys >> table.bits())?;
        }
        Ok(())
    }

    /// Fills a slot for a fingerprint that has none; `false` when too many keys share its locator, so that a larger table
    /// would not help.
    ///
    /// # Errors
    /// The system's, when it gives no memory for a larger table, or the bound is reached.
    pub(super) fn insert(&mut self, content: SlotContent) -> io::Result<bool> {
        let locator = content.fingerprint.locator();
        loop {
            let tables = self.tables();
            let table = tables.of(locator);
            if !table.is_full() && table.insert(content, Uses::NONE) {
                return Ok(true);
            }
            if table.is_sparse() && table.capacity() > limits::INDEX_DOUBLING_SLOTS {
                return Ok(false);
            }
            // Small tables double; large ones grow by a sixteenth, so that the memory for each key grows little.
            let room = table.room();
            let more = if room < limits::INDEX_DOUBLING_SLOTS { room } else { room / 16 };
            self.replace(table, room + more.max(BUCKET))?;
        }
    }

    /// Replaces a table by one with room for at least `keys` keys, or by several if one would be too large.
    fn replace(&mut self, old: &Arc<Table>, keys: usize) -> io::Result<()> {
        let keys = keys.max(old.live());
        let bits = (old.bits()..BITS)
            .find(|bits| keys >> (bits - old.bits()) <= limits::INDEX_TABLE_KEYS_MAX)
            .unwrap_or(BITS);
        let mut each = (keys >> (bits - old.bits())) * 100 / limits::INDEX_LOAD_PERCENT_MAX + BUCKET;
        let tables = self.tables();
        let others = tables.all().map(|table| table.capacity()).sum::<usize>() - old.capacity();
        loop {
            if others.saturating_add(each << (bits - old.bits())) > self.slots_max {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            let next = tables.replacing(old, bits, each)?;
            if self.fill(&next, old) {
                self.shared.store(Arc::new(next));
                self.retire_table(old);
                return Ok(());
            }
            // In small tables a key may find no path to a free slot although there is room.
            each += each / 4 + BUCKET;
        }
    }

    /// Copies the slots of `old` into the tables that replace it; `false` when a key finds no slot there. No use is lost
    /// in either case.
    fn fill(&mut self, next: &Tables, old: &Table) -> bool {
        let filled = old.filled().all(|row| {
            let (content, uses) = (row.content(), Uses::take(row.slot.uses()));
            let placed = next.of(content.fingerprint.locator()).insert(content, uses);
            if !placed {
                self.keep_orphaned(content, uses);
            }
            placed
        });
        if !filled {
            old.filled().for_each(|row| {
                let content = row.content();
                if let Some(copy) = next.of(content.fingerprint.locator()).find(content.fingerprint) {
                    self.keep_orphaned(content, Uses::take_all(copy.slot.uses()));
                }
            });
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyedHash;

    fn content(number: u64, locator: u32) -> SlotContent {
        let hash = KeyedHash::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes());
        let fingerprint = Fingerprint::of(Locator::from_number(locator), &hash);
        SlotContent { fingerprint, id: KeyId::from_bytes([7; 16]), policy: PackedPolicy::shared(1), owner: 1 }
    }

    fn holds(tables: &Tables, content: SlotContent) -> bool {
        tables.of(content.fingerprint.locator()).find(content.fingerprint).is_some()
    }

    #[test]
    fn every_key_is_found_however_often_the_tables_grew() {
        let mut segments = Segments::new(usize::MAX).unwrap();
        let keys: Vec<_> = (0..50_000).map(|n| content(n, crc32fast::hash(&n.to_le_bytes()))).collect();
        for (n, key) in keys.iter().enumerate() {
            assert!(segments.insert(*key).unwrap());
            let tables = segments.tables();
            assert!(holds(&tables, *key) && holds(&tables, keys[n / 2]));
        }
        let tables = segments.tables();
        assert!(keys.iter().all(|key| holds(&tables, *key)));
        let slots: usize = tables.all().map(|table| table.capacity()).sum();
        assert!(slots < keys.len() * 100 / 70, "{slots} slots");
    }

    #[test]
    fn small_tables_grow_whatever_their_keys_are() {
        for first in (0_u64..100_000).step_by(50) {
            let mut segments = Segments::new(1_000).unwrap();
            for n in first..first + 50 {
                // Two secrets of each key, which share its locator.
                let locator = crc32fast::hash(&(n / 2).to_le_bytes());
                assert!(segments.insert(content(n, locator)).unwrap(), "{n}");
            }
        }
    }

    #[test]
    fn keys_that_share_a_prefix_end_growth_instead_of_driving_it() {
        let mut segments = Segments::new(1 << 20).unwrap();
        let inserted = (0..1_000).filter(|n| segments.insert(content(*n, 5)).unwrap()).count();
        assert!((2..=4).contains(&inserted), "{inserted}");
    }

    #[test]
    fn the_bound_is_an_error_and_leaves_what_is_there() {
        let mut segments = Segments::new(1_000).unwrap();
        let keys = (0..2_000).map(|n| content(n, n as u32));
        let fitting: Vec<_> = keys.take_while(|key| segments.insert(*key).is_ok()).collect();
        assert!((400..=1_000).contains(&fitting.len()));
        assert!(fitting.iter().all(|key| holds(&segments.tables(), *key)));
    }
}
