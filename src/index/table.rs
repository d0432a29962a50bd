//! One hash table with cuckoo hashing: each key is in one of two buckets of two slots; other keys are moved to make room.
//!
//! A look-up compares four slots whose indexes follow from the prefix of the key. A hit, a miss and a guess cost the same,
//! and the processor fetches the slots while the key is hashed. The table's version is odd while the writer moves slots
//! (a sequence lock): a reader that met a change reads again.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};

use super::prefetch::prefetch;
use super::slot::{BUCKET, BUCKETS, Fingerprint, GROUP, Group, Id, PackedPolicy, Row, Slot, SlotContent};
use super::table_memory::{MARKED_GROUPS, TableMemory};
use super::uses::{UseCounted, Uses};
use crate::clock::Timestamp;
use crate::key::{KeyId, Locator};
use crate::limits;

/// Odd multiplier with irregular bits (Fibonacci hashing).
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads a locator over 64 bits; the highest bits are the most even.
pub(super) const fn mix(locator: Locator) -> u64 {
    (locator.number() as u64).wrapping_mul(MIX)
}

/// A table of fixed size. One thread at a time changes it, any number read it.
pub(super) struct Table {
    memory: TableMemory,
    buckets: usize,
    /// Number of highest bits that all mixed locators of this table have in common.
    bits: u32,
    /// Odd while slots are filled or moved.
    version: AtomicU64,
    /// Number of slots in use; only the writer changes it.
    live: AtomicUsize,
}

/// Content of a slot as a reader saw it.
#[derive(Clone, Copy)]
pub(super) struct SlotView<'a> {
    pub(super) id: KeyId,
    pub(super) policy: PackedPolicy,
    pub(super) owner: u32,
    pub(super) place: SeenSlot<'a>,
}

/// Slot that was read, with the table's version at that time.
#[derive(Clone, Copy)]
pub(super) struct SeenSlot<'a> {
    table: &'a Table,
    slot: &'a Slot,
    index: usize,
    version: u64,
}

/// Error of a read: the writer was changing slots at each attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriterActive;

impl Table {
    /// An empty table of at least `slots` slots for locators that have their highest `bits` bits in common once mix.
    ///
    /// # Errors
    /// The system's, when it gives no memory.
    pub(super) fn new(slots: usize, bits: u32) -> io::Result<Self> {
        let memory = TableMemory::map(slots.div_ceil(GROUP).max(1))?;
        let buckets = memory.parts().groups.len() * BUCKETS;
        let (version, live) = (AtomicU64::new(0), AtomicUsize::new(0));
        Ok(Self { memory, buckets, bits, version, live })
    }

    pub(super) const fn bits(&self) -> u32 {
        self.bits
    }

    /// Number of slots.
    pub(super) const fn capacity(&self) -> usize {
        self.buckets * BUCKET
    }

    /// Number of slots in use.
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Whether it should grow before another slot is filled.
    pub(super) fn is_full(&self) -> bool {
        self.live() >= self.room()
    }

    /// Number of keys at which the table should grow.
    pub(super) const fn room(&self) -> usize {
        self.capacity() * limits::INDEX_LOAD_PERCENT_MAX / 100
    }

    /// Whether a larger table would hardly help a key that finds no room here.
    pub(super) fn is_sparse(&self) -> bool {
        self.live() < self.room() * 15 / 16
    }

    /// Returns the two buckets of a locator.
    #[inline]
    pub(super) fn buckets(&self, locator: Locator) -> [usize; 2] {
        let spread = |bits: u64| ((u128::from(bits) * self.buckets as u128) >> 64) as usize;
        let bits = mix(locator);
        // The bits below the common ones spread evenly over the buckets.
        let (a, b) = (spread(bits << self.bits), spread(bits.rotate_right(32).wrapping_mul(MIX)));
        // Always two different buckets: secrets that share a locator need four slots. The number of buckets is even.
        [a, b ^ usize::from(a == b)]
    }

    /// Asks the processor to fetch the memory that [`Table::read`] reads.
    #[inline(always)]
    pub(super) fn prefetch(&self, buckets: [usize; 2]) {
        for bucket in buckets {
            if let Some((slots, ids)) = self.bucket(bucket) {
                prefetch(slots);
                prefetch(ids);
            }
        }
    }

    #[inline]
    fn bucket(&self, number: usize) -> Option<(&[Slot; BUCKET], &[Id; BUCKET])> {
        Some(self.group(number / BUCKETS)?.bucket(number))
    }

    #[inline]
    fn group(&self, number: usize) -> Option<&Group> {
        self.memory.parts().groups.get(number)
    }

    /// Returns the index of the slot with this fingerprint.
    #[inline(always)]
    fn slot_index(&self, [a, b]: [usize; 2], fingerprint: Fingerprint) -> Option<usize> {
        let (([s0, s1], _), ([s2, s3], _)) = (self.bucket(a)?, self.bucket(b)?);
        let both = |x: &Slot, y: &Slot| x.is(fingerprint) as usize | (y.is(fingerprint) as usize) << 1;
        // Most keys are in their first bucket: the processor continues with it while it waits for the second one.
        let first = both(s0, s1);
        if first != 0 {
            return Some(a * BUCKET + first / 2);
        }
        let second = both(s2, s3);
        (second != 0).then(|| b * BUCKET + second / 2)
    }

    /// Returns the row with this fingerprint, for the writer.
    pub(super) fn find(&self, fingerprint: Fingerprint) -> Option<Row<'_>> {
        self.row(self.slot_index(self.buckets(fingerprint.locator()), fingerprint)?)
    }

    /// Returns the slot with this fingerprint as it was at one moment; `None` when none of the buckets has it.
    ///
    /// # Errors
    /// [`WriterActive`] when the writer changed slots at each of [`limits::INDEX_READ_ATTEMPTS_MAX`] attempts.
    #[inline(always)]
    pub(super) fn read(
        &self,
        buckets: [usize; 2],
        fingerprint: Fingerprint,
    ) -> Result<Option<SlotView<'_>>, WriterActive> {
        for _ in 0..limits::INDEX_READ_ATTEMPTS_MAX {
            let before = self.version.load(Ordering::Acquire);
            let found = self.slot_index(buckets, fingerprint).and_then(|at| Some((at, self.row(at)?)));
            let seen = found.map(|(index, Row { slot, id })| SlotView {
                id: id.get(),
                policy: slot.policy(),
                owner: slot.owner(),
                place: SeenSlot { table: self, slot, index, version: before },
            });
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == before {
                // The slot was freed between the comparison and the read of its policy.
                return Ok(seen.filter(|seen| seen.policy != PackedPolicy::NONE));
            }
            std::hint::spin_loop();
        }
        Err(WriterActive)
    }

    /// Fills a slot for a fingerprint that has none; `false` when there is no room.
    pub(super) fn insert(&self, content: SlotContent, uses: Uses) -> bool {
        let Some(path) = self.path(content.fingerprint) else { return false };
        let row = |number: &usize| Some((*number, self.row(*number)?));
        let Some(path) = path.iter().map(row).collect::<Option<Vec<_>>>() else { return false };
        self.change(|| {
            // From the free end backwards: each slot is copied before it is overwritten.
            for step in path.windows(2).rev() {
                if let [(_, from), (number, to)] = step {
                    // A reader that counts a use now finds the counter changed, and then the version.
                    let uses = Uses::take_all(from.slot.uses());
                    to.fill(from.content(), uses);
                    self.mark_used(*number, uses);
                }
            }
            if let Some((number, row)) = path.first() {
                row.fill(content, uses);
                self.mark_used(*number, uses);
            }
        });
        self.live.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Frees a slot and returns the uses that it had counted.
    pub(super) fn remove(&self, slot: &Slot) -> Uses {
        self.change(|| slot.free());
        self.live.fetch_sub(1, Ordering::Relaxed);
        Uses::take_all(slot.uses())
    }

    /// Retires the table: its version stays odd, so every later read is [`WriterActive`].
    pub(super) fn retire(&self) {
        self.version.fetch_or(1, Ordering::SeqCst);
    }

    /// Runs `change` under an odd version, so that no reader takes a half changed slot for a whole one.
    fn change(&self, change: impl FnOnce()) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        change();
        self.version.store(version + 2, Ordering::Release);
    }

    #[inline]
    fn row(&self, number: usize) -> Option<Row<'_>> {
        self.group(number / GROUP)?.row(number)
    }

    fn mark_used(&self, number: usize, uses: Uses) {
        if uses.count() > 0 {
            self.mark(number);
        }
    }

    /// Returns the shortest path from a slot of the fingerprint to a free slot, as indexes: the content of each slot may
    /// move to the next one.
    fn path(&self, fingerprint: Fingerprint) -> Option<Vec<usize>> {
        let start = self.buckets(fingerprint.locator()).into_iter().flat_map(slots_of);
        // Every slot reached, with the position in this list of the slot before it.
        let mut seen: Vec<(usize, Option<usize>)> = start.map(|number| (number, None)).collect();
        let mut next = 0;
        while let Some((number, _)) = seen.get(next).copied() {
            let row = self.row(number)?;
            if row.slot.is_free() {
                let mut path = vec![number];
                let mut at = seen.get(next).and_then(|(_, from)| *from);
                while let Some((number, from)) = at.and_then(|at| seen.get(at)).copied() {
                    path.push(number);
                    at = from;
                }
                path.reverse();
                return Some(path);
            }
            if seen.len() < limits::INDEX_MOVES_LOOKED_AT_MAX {
                let own = number / BUCKET;
                let other = self
                    .buckets(row.content().fingerprint.locator())
                    .into_iter()
                    .find(|bucket| *bucket != own);
                let reached = other.into_iter().flat_map(slots_of);
                let new: Vec<_> =
                    reached.filter(|number| seen.iter().all(|(seen, _)| seen != number)).collect();
                seen.extend(new.into_iter().map(|number| (number, Some(next))));
            }
            next += 1;
        }
        None
    }

    /// Iterates over the rows in use.
    pub(super) fn filled(&self) -> impl Iterator<Item = Row<'_>> {
        self.memory.parts().rows(0).filter(|row| !row.slot.is_free())
    }

    /// Marks the group of this slot as used.
    fn mark(&self, slot: usize) {
        if let Some(mark) = self.memory.parts().marks.get(slot / GROUP / MARKED_GROUPS)
            && mark.load(Ordering::SeqCst) == 0
        {
            mark.store(1, Ordering::SeqCst);
        }
    }

    /// Clears the first mark from `from` on and returns its index and the rows it covers. A later use sets it again.
    pub(super) fn take_marked(&self, from: usize) -> Option<(usize, impl Iterator<Item = Row<'_>>)> {
        let parts = self.memory.parts();
        let mut marks = parts.marks.iter().enumerate().skip(from);
        let (at, mark) = marks.find(|(_, mark)| mark.load(Ordering::Relaxed) != 0)?;
        mark.swap(0, Ordering::SeqCst);
        Some((at, parts.rows(at * MARKED_GROUPS).take(MARKED_GROUPS * GROUP)))
    }
}

impl SeenSlot<'_> {
    /// Counts a use in the slot, unless the writer changed the table since the slot was read.
    #[inline(always)]
    pub(super) fn note_use(&self, now: Timestamp) -> UseCounted {
        let unmoved = || self.table.version.load(Ordering::Acquire) == self.version;
        let noted = Uses::note(self.slot.uses(), now, unmoved);
        self.table.mark(self.index);
        noted
    }
}

fn slots_of(bucket: usize) -> [usize; BUCKET] {
    std::array::from_fn(|at| bucket * BUCKET + at)
}
