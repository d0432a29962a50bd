//! One open-addressing table: found by one byte of the fingerprint, eight slots at a time.
//!
//! Slots are filled once and never move within their table, so readers need no lock and no retry: a slot is complete
//! before its tag can be seen, and everything that changes later is one word.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::memory::{GROUP, GROUPS_A_MARK, Memory};
use super::slot::{Fingerprint, Rights, Slot};

/// A table of fixed size. One thread at a time changes it, any number read it.
pub(super) struct Table {
    memory: Memory,
    groups: usize,
}

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);

/// The bytes of `word` that are 0, each as its highest bit; also some that follow one that is 0.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & TOPS
}

/// The places of the bytes that [`zeros`] marked, lowest first.
fn places(mut marked: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (marked != 0).then(|| (marked.trailing_zeros() / 8) as usize);
        marked &= marked.wrapping_sub(1);
        place
    })
}

impl Table {
    /// An empty table of `groups` groups, at least one.
    ///
    /// # Errors
    /// The system's, when it gives no memory.
    pub(super) fn new(groups: usize) -> io::Result<Self> {
        let groups = groups.max(1);
        Ok(Self { memory: Memory::map(groups)?, groups })
    }

    /// How many slots there are, filled or not.
    pub(super) const fn capacity(&self) -> usize {
        self.groups * GROUP
    }

    /// The groups to look at for a fingerprint, in order.
    fn probe(&self, fingerprint: Fingerprint) -> impl Iterator<Item = (usize, &AtomicU64)> {
        // The high bits choose the segment, the ones below spread evenly over its groups.
        let spread = u128::from(fingerprint.place() << super::segments::SEGMENT_BITS);
        let home = (spread * self.groups as u128 >> 64) as usize;
        let tags = self.memory.parts().tags;
        let after = tags.iter().enumerate().skip(home);
        after.chain(tags.iter().enumerate().take(home))
    }

    fn slot(&self, group: usize, place: usize) -> Option<&Slot> {
        self.memory.parts().slots.get(group * GROUP + place)
    }

    /// The slot of this fingerprint that was not removed, and its number.
    pub(super) fn find(&self, fingerprint: Fingerprint) -> Option<(usize, &Slot)> {
        let tag = u64::from(fingerprint.tag()) * ONES;
        for (group, tags) in self.probe(fingerprint) {
            let tags = tags.load(Ordering::Acquire);
            for place in places(zeros(tags ^ tag)) {
                let slot = self.slot(group, place).filter(|slot| slot.is(fingerprint));
                if let Some(slot) = slot.filter(|slot| slot.rights() != Rights::NONE) {
                    return Some((group * GROUP + place, slot));
                }
            }
            if zeros(tags) != 0 {
                return None;
            }
        }
        None
    }

    /// Fills a free slot for this fingerprint and answers its number; `fill` completes it before it can be found.
    /// `None` when there is none.
    pub(super) fn insert(&self, fingerprint: Fingerprint, fill: impl FnOnce(&Slot)) -> Option<usize> {
        for (group, word) in self.probe(fingerprint) {
            let tags = word.load(Ordering::Relaxed);
            let free = zeros(tags);
            if free == 0 {
                continue;
            }
            // The lowest mark is always of a byte that is 0.
            let place = (free.trailing_zeros() / 8) as usize;
            fill(self.slot(group, place)?);
            word.store(tags | u64::from(fingerprint.tag()) << (8 * place), Ordering::Release);
            return Some(group * GROUP + place);
        }
        None
    }

    /// Every slot that was ever filled.
    pub(super) fn filled(&self) -> impl Iterator<Item = &Slot> {
        let parts = self.memory.parts();
        let groups = parts.tags.iter().zip(parts.slots.chunks(GROUP));
        groups.flat_map(|(tags, slots)| {
            let tags = tags.load(Ordering::Acquire).to_le_bytes();
            slots.iter().zip(tags).filter(|(_, tag)| *tag != 0).map(|(slot, _)| slot)
        })
    }

    /// Says that the slot of this number was used.
    pub(super) fn mark(&self, slot: usize) {
        if let Some(mark) = self.memory.parts().marks.get(slot / (GROUP * GROUPS_A_MARK))
            && mark.load(Ordering::SeqCst) == 0
        {
            mark.store(1, Ordering::SeqCst);
        }
    }

    /// The slots near the ones that were marked since they were last taken; those of one mark at a time.
    pub(super) fn take_marked(&self, from: usize) -> Option<(usize, &[Slot])> {
        let parts = self.memory.parts();
        let marked = parts.marks.iter().enumerate().skip(from);
        let (at, mark) = { marked }.find(|(_, mark)| mark.load(Ordering::Relaxed) != 0)?;
        // Unmarked before its slots are looked at: a use that comes in between marks again.
        mark.swap(0, Ordering::SeqCst);
        let start = at * GROUP * GROUPS_A_MARK;
        let end = (start + GROUP * GROUPS_A_MARK).min(parts.slots.len());
        Some((at, parts.slots.get(start..end)?))
    }
}
