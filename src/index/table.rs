//! One hash table: every key lies in one of two buckets of two slots, wherever others had to move for it (cuckoo
//! hashing).
//!
//! A look-up compares four slots whose places follow from the prefix of the key: found, not there and one of many guesses
//! cost the same, and the processor fetches them while the key is hashed. The writer changes slots under a version that is odd meanwhile;
//! a reader who met a change looks again.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};

use super::memory::{MARKED_SLOTS, Memory};
use super::prefetch::prefetch;
use super::slot::{Content, Fingerprint, Rights, Slot};
use super::uses::{Noted, Uses};
use crate::clock::Timestamp;
use crate::key::Locator;
use crate::limits;

/// Slots of a bucket.
pub(super) const BUCKET: usize = 2;

/// Odd, with its bits in no order.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// A locator spread over 64 bits; the highest are the most even.
pub(super) const fn mixed(locator: Locator) -> u64 {
    (locator.number() as u64).wrapping_mul(MIX)
}

/// A table of fixed size. One thread at a time changes it, any number read it.
pub(super) struct Table {
    memory: Memory,
    buckets: usize,
    /// Highest bits that all its mixed locators have in common.
    bits: u32,
    /// Odd while slots are filled or moved.
    version: AtomicU64,
    /// Slots that are not free; the writer's.
    live: AtomicUsize,
}

/// A slot as a reader found it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) content: Content,
    pub(super) place: Place<'a>,
}

/// Where that was, and when.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    slot: &'a Slot,
    number: usize,
    version: u64,
}

/// The writer was in the way each time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Busy;

impl Table {
    /// An empty table of at least `slots` slots for locators that have their highest `bits` bits in common once mixed.
    ///
    /// # Errors
    /// The system's, when it gives no memory.
    pub(super) fn new(slots: usize, bits: u32) -> io::Result<Self> {
        let memory = Memory::map(slots.div_ceil(BUCKET).max(1) * BUCKET)?;
        let buckets = memory.parts().slots.len() / BUCKET;
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

    /// The two buckets of a locator; they may be one.
    #[inline]
    fn buckets(&self, locator: Locator) -> [usize; 2] {
        let spread = |bits: u64| ((u128::from(bits) * self.buckets as u128) >> 64) as usize;
        let bits = mixed(locator);
        // The bits below those that all in this table have in common spread evenly over the buckets.
        [spread(bits << self.bits), spread(bits.rotate_right(32).wrapping_mul(MIX))]
    }

    /// Has the processor fetch what [`Table::find`] will look at.
    #[inline]
    pub(super) fn prefetch(&self, locator: Locator) {
        for [first, last] in self.buckets(locator).into_iter().filter_map(|bucket| self.bucket(bucket)) {
            // A bucket lies in two lines of memory: its first and last words are in different ones.
            prefetch(first);
            prefetch(last.uses());
        }
    }

    fn bucket(&self, bucket: usize) -> Option<&[Slot; BUCKET]> {
        self.memory.parts().slots.get(bucket * BUCKET..)?.first_chunk()
    }

    /// The slot of this fingerprint, and its number.
    #[inline]
    pub(super) fn find(&self, fingerprint: Fingerprint) -> Option<(usize, &Slot)> {
        let [a, b] = self.buckets(fingerprint.locator());
        let ([s0, s1], [s2, s3]) = (self.bucket(a)?, self.bucket(b)?);
        // All four at once and one branch: which of them it is cannot be foreseen.
        let found = [s0, s1, s2, s3].map(|slot| slot.is(fingerprint) as u32);
        let [f0, f1, f2, f3] = found;
        let found = f0 | f1 << 1 | f2 << 2 | f3 << 3;
        if found == 0 {
            return None;
        }
        let at = found.trailing_zeros() as usize;
        // All ones when it is in the second bucket: not even here a branch.
        let second = 0_usize.wrapping_sub(at / BUCKET);
        let number = (a ^ ((a ^ b) & second)) * BUCKET + at % BUCKET;
        self.slot(number)
    }

    /// The slot of this fingerprint, as it was at one moment.
    ///
    /// # Errors
    /// [`Busy`] when the writer was in the way for longer than a change takes.
    #[inline]
    pub(super) fn read(&self, fingerprint: Fingerprint) -> Result<Option<Seen<'_>>, Busy> {
        for _ in 0..limits::INDEX_READ_ATTEMPTS_MAX {
            let before = self.version.load(Ordering::Acquire);
            let found = self.find(fingerprint);
            let seen = found.map(|(number, slot)| Seen {
                content: slot.content(),
                place: Place { slot, number, version: before },
            });
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == before {
                // Removed between two looks at its rights.
                return Ok(seen.filter(|seen| seen.content.rights != Rights::NONE));
            }
            std::hint::spin_loop();
        }
        Err(Busy)
    }

    /// Fills a slot for a fingerprint that has none; `false` when there is no room.
    pub(super) fn insert(&self, content: Content, uses: Uses) -> bool {
        let Some(path) = self.path(content.fingerprint) else { return false };
        let Some(path) = path.iter().map(|number| self.slot(*number)).collect::<Option<Vec<_>>>() else {
            return false;
        };
        self.change(|| {
            // From the free end backwards: each slot is copied before it is overwritten.
            for step in path.windows(2).rev() {
                if let [(_, from), (number, to)] = step {
                    // Whoever counts a use now finds another count than before, and then that the slot has moved.
                    let uses = Uses::take_all(from.uses());
                    to.fill(from.content(), uses);
                    self.mark_used(*number, uses);
                }
            }
            if let Some((number, slot)) = path.first() {
                slot.fill(content, uses);
                self.mark_used(*number, uses);
            }
        });
        self.live.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Empties a slot and answers the uses that it had counted.
    pub(super) fn remove(&self, slot: &Slot) -> Uses {
        self.change(|| slot.set_rights(Rights::NONE));
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

    fn slot(&self, number: usize) -> Option<(usize, &Slot)> {
        self.memory.parts().slots.get(number).map(|slot| (number, slot))
    }

    fn mark_used(&self, number: usize, uses: Uses) {
        if uses.count() > 0 {
            self.mark(number);
        }
    }

    /// The numbers of slots, the first one of the fingerprint's, the last one free, each of whose content may move to
    /// the next. The shortest such path.
    fn path(&self, fingerprint: Fingerprint) -> Option<Vec<usize>> {
        let slots = self.memory.parts().slots;
        let start = self.buckets(fingerprint.locator()).into_iter().flat_map(numbers);
        // Every slot seen, and where in this list the one is from which it was reached.
        let mut seen: Vec<(usize, Option<usize>)> = start.map(|number| (number, None)).collect();
        let mut next = 0;
        while let Some((number, _)) = seen.get(next).copied() {
            let slot = slots.get(number)?;
            if slot.is_free() {
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
                    .buckets(slot.content().fingerprint.locator())
                    .into_iter()
                    .find(|bucket| *bucket != own);
                let reached = other.into_iter().flat_map(numbers);
                let new: Vec<_> =
                    reached.filter(|number| seen.iter().all(|(seen, _)| seen != number)).collect();
                seen.extend(new.into_iter().map(|number| (number, Some(next))));
            }
            next += 1;
        }
        None
    }

    /// Every slot that is not free.
    pub(super) fn filled(&self) -> impl Iterator<Item = &Slot> {
        self.memory.parts().slots.iter().filter(|slot| !slot.is_free())
    }

    /// Counts a use of what was seen, unless something moved since.
    #[inline]
    pub(super) fn note_use(&self, seen: Place<'_>, now: Timestamp) -> Noted {
        let unmoved = || self.version.load(Ordering::Acquire) == seen.version;
        let noted = Uses::note(seen.slot.uses(), now, unmoved);
        self.mark(seen.number);
        noted
    }

    /// Says that the slot of this number was used.
    fn mark(&self, slot: usize) {
        if let Some(mark) = self.memory.parts().marks.get(slot / MARKED_SLOTS)
            && mark.load(Ordering::SeqCst) == 0
        {
            mark.store(1, Ordering::SeqCst);
        }
    }

    /// The next slots from the mark `from` on that may have been used, and the number of their mark, which is taken
    /// away: a use that comes from now on marks again.
    pub(super) fn take_marked(&self, from: usize) -> Option<(usize, &[Slot])> {
        let parts = self.memory.parts();
        let mut marks = parts.marks.iter().enumerate().skip(from);
        let (at, mark) = marks.find(|(_, mark)| mark.load(Ordering::Relaxed) != 0)?;
        mark.swap(0, Ordering::SeqCst);
        let start = at * MARKED_SLOTS;
        Some((at, parts.slots.get(start..(start + MARKED_SLOTS).min(parts.slots.len()))?))
    }
}

fn numbers(bucket: usize) -> [usize; BUCKET] {
    std::array::from_fn(|at| bucket * BUCKET + at)
}
