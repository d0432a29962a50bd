//! One hash table: every key lies in one of two buckets of two slots, wherever others had to move for it (cuckoo
//! hashing).
//!
//! A look-up compares four slots whose places follow from the prefix of the key: found, not there and one of many guesses
//! cost the same, and the processor fetches them while the key is hashed. The writer changes slots under a version that is odd meanwhile;
//! a reader who met a change looks again.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};

use super::prefetch::prefetch;
use super::slot::{BUCKET, BUCKETS, Fingerprint, GROUP, Group, Id, PackedPolicy, Row, Slot, SlotContent};
use super::table_memory::{MARKED_GROUPS, TableMemory};
use super::uses::{UseCounted, Uses};
use crate::clock::Timestamp;
use crate::key::{KeyId, Locator};
use crate::limits;

/// Odd, with its bits in no order.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// A locator spread over 64 bits; the highest are the most even.
pub(super) const fn mix(locator: Locator) -> u64 {
    (locator.number() as u64).wrapping_mul(MIX)
}

/// A table of fixed size. One thread at a time changes it, any number read it.
pub(super) struct Table {
    memory: TableMemory,
    buckets: usize,
    /// Highest bits that all its mix locators have in common.
    bits: u32,
    /// Odd while slots are filled or moved.
    version: AtomicU64,
    /// Slots that are not free; the writer's.
    live: AtomicUsize,
}

/// A key as a reader found it.
#[derive(Clone, Copy)]
pub(super) struct SlotView<'a> {
    pub(super) id: KeyId,
    pub(super) policy: PackedPolicy,
    pub(super) owner: u32,
    pub(super) place: SeenSlot<'a>,
}

/// Where that was, and when.
#[derive(Clone, Copy)]
pub(super) struct SeenSlot<'a> {
    table: &'a Table,
    slot: &'a Slot,
    index: usize,
    version: u64,
}

/// The writer was in the way each time.
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

    /// How many slots there are.
    pub(super) const fn capacity(&self) -> usize {
        self.buckets * BUCKET
    }

    /// How many of them are not free.
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Whether it should grow before another slot is filled.
    pub(super) fn is_full(&self) -> bool {
        self.live() >= self.room()
    }

    /// How many keys it takes before it should grow.
    pub(super) const fn room(&self) -> usize {
        self.capacity() * limits::INDEX_LOAD_PERCENT_MAX / 100
    }

    /// Whether a key that finds no room here would hardly find it in a larger one.
    pub(super) fn is_sparse(&self) -> bool {
        self.live() < self.room() * 15 / 16
    }

    /// The two buckets of a locator.
    #[inline]
    pub(super) fn buckets(&self, locator: Locator) -> [usize; 2] {
        let spread = |bits: u64| ((u128::from(bits) * self.buckets as u128) >> 64) as usize;
        let bits = mix(locator);
        // The bits below those that all in this table have in common spread evenly over the buckets.
        let (a, b) = (spread(bits << self.bits), spread(bits.rotate_right(32).wrapping_mul(MIX)));
        // Never one and the same: the secrets that share a locator need four slots. Groups have an even number.
        [a, b ^ usize::from(a == b)]
    }

    /// Has the processor fetch what [`Table::read`] will look at.
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

    /// The number of the slot of this fingerprint.
    #[inline(always)]
    fn slot_index(&self, [a, b]: [usize; 2], fingerprint: Fingerprint) -> Option<usize> {
        let (([s0, s1], _), ([s2, s3], _)) = (self.bucket(a)?, self.bucket(b)?);
        let both = |x: &Slot, y: &Slot| x.is(fingerprint) as usize | (y.is(fingerprint) as usize) << 1;
        // Most lie in their first bucket: the processor goes on with it while it still waits for the second one.
        let first = both(s0, s1);
        if first != 0 {
            return Some(a * BUCKET + first / 2);
        }
        let second = both(s2, s3);
        (second != 0).then(|| b * BUCKET + second / 2)
    }

    /// The row of this fingerprint, for the writer.
    pub(super) fn find(&self, fingerprint: Fingerprint) -> Option<Row<'_>> {
        self.row(self.slot_index(self.buckets(fingerprint.locator()), fingerprint)?)
    }

    /// The key of this fingerprint, in the buckets of its locator, as it was at one moment.
    ///
    /// # Errors
    /// [`WriterActive`] when the writer was in the way for longer than a change takes.
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
                // Removed between two looks at its policy.
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
                    // Whoever counts a use now finds another count than before, and then that the slot has moved.
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

    /// Empties a slot and answers the uses that it had counted.
    pub(super) fn remove(&self, slot: &Slot) -> Uses {
        self.change(|| slot.free());
        self.live.fetch_sub(1, Ordering::Relaxed);
        Uses::take_all(slot.uses())
    }

    /// Ends the table: whoever still reads it is told that the writer is in the way.
    pub(super) fn retire(&self) {
        self.version.fetch_or(1, Ordering::SeqCst);
    }

    /// Has the writer change slots so that no reader takes a half changed one for whole.
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

    /// The numbers of slots, the first one of the fingerprint's, the last one free, each of whose content may move to
    /// the next. The shortest such path.
    fn path(&self, fingerprint: Fingerprint) -> Option<Vec<usize>> {
        let start = self.buckets(fingerprint.locator()).into_iter().flat_map(slots_of);
        // Every slot seen, and where in this list the one is from which it was reached.
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

    /// Every row that is not free.
    pub(super) fn filled(&self) -> impl Iterator<Item = Row<'_>> {
        self.memory.parts().rows(0).filter(|row| !row.slot.is_free())
    }

    /// Says that the slot of this number was used.
    fn mark(&self, slot: usize) {
        if let Some(mark) = self.memory.parts().marks.get(slot / GROUP / MARKED_GROUPS)
            && mark.load(Ordering::SeqCst) == 0
        {
            mark.store(1, Ordering::SeqCst);
        }
    }

    /// The next rows from the mark `from` on that may have been used, and the number of their mark, which is taken
    /// away: a use that comes from now on marks again.
    pub(super) fn take_marked(&self, from: usize) -> Option<(usize, impl Iterator<Item = Row<'_>>)> {
        let parts = self.memory.parts();
        let mut marks = parts.marks.iter().enumerate().skip(from);
        let (at, mark) = marks.find(|(_, mark)| mark.load(Ordering::Relaxed) != 0)?;
        mark.swap(0, Ordering::SeqCst);
        Some((at, parts.rows(at * MARKED_GROUPS).take(MARKED_GROUPS * GROUP)))
    }
}

impl SeenSlot<'_> {
    /// Counts a use of what was seen, unless something moved since.
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
