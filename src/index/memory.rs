//! The memory of one table: one mapping, in huge pages where the system has them.
//!
//! A look-up goes to a random place. In pages of 4 KiB that costs a walk through the page tables each time, about as
//! much as hashing the key.

use std::io;
use std::sync::atomic::AtomicU8;

use memmap2::{Advice, MmapMut, MmapOptions};
use self_cell::{MutBorrow, self_cell};
use zerocopy::FromBytes;

use super::slot::Slot;
use crate::limits;

/// Slots that share one byte, which says whether any of them was used.
pub(super) const MARKED_SLOTS: usize = 64;

/// The parts of a table, all zeros at first.
pub(super) struct Parts<'a> {
    pub(super) slots: &'a [Slot],
    /// What has to be looked at for uses that are not written yet.
    pub(super) marks: &'a [AtomicU8],
}

self_cell!(
    /// A mapping and what it is divided into.
    struct Mapping {
        owner: MutBorrow<MmapMut>,
        #[covariant]
        dependent: Parts,
    }
);

/// Memory for a number of slots. Given back to the system when dropped.
pub(super) struct Memory(Mapping);

impl Memory {
    /// Maps memory for an even number of slots, or as many more as fill the last page.
    ///
    /// # Errors
    /// The system's, when it gives none.
    pub(super) fn map(slots: usize) -> io::Result<Self> {
        let too_large = || io::Error::from(io::ErrorKind::OutOfMemory);
        let bytes = slots.checked_mul(size_of::<Slot>()).ok_or_else(too_large)?;
        let bytes = bytes.checked_add(slots.div_ceil(MARKED_SLOTS)).ok_or_else(too_large)?;
        if bytes < limits::HUGE_TABLE_BYTES_MIN {
            return Self::of(MmapOptions::new().len(bytes).map_anon()?, slots);
        }
        // The system places a whole number of huge pages where huge pages begin.
        let bytes = bytes.checked_next_multiple_of(limits::HUGE_PAGE_BYTES).ok_or_else(too_large)?;
        let map = MmapOptions::new().len(bytes).map_anon()?;
        // A kernel without huge pages says no; that costs speed only.
        let _ = map.advise(Advice::HugePage);
        Self::of(map, bytes / (MARKED_SLOTS * size_of::<Slot>() + 1) * MARKED_SLOTS)
    }

    fn of(map: MmapMut, slots: usize) -> io::Result<Self> {
        Mapping::try_new(MutBorrow::new(map), |map| divide(map.borrow_mut(), slots)).map(Self)
    }

    pub(super) fn parts(&self) -> &Parts<'_> {
        self.0.borrow_dependent()
    }
}

fn divide(map: &mut MmapMut, slots: usize) -> io::Result<Parts<'_>> {
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let marks = slots.div_ceil(MARKED_SLOTS);
    let (slots, rest) = map.split_at_mut_checked(slots * size_of::<Slot>()).ok_or_else(wrong)?;
    let marks = rest.get_mut(..marks).ok_or_else(wrong)?;
    Ok(Parts {
        slots: <[Slot]>::mut_from_bytes(slots).map_err(|_| wrong())?,
        marks: <[AtomicU8]>::mut_from_bytes(marks).map_err(|_| wrong())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_free_and_of_the_size_asked_for() {
        for slots in [2, 62, 64, 66, 100_000, 1_000_000] {
            let memory = Memory::map(slots).unwrap();
            let parts = memory.parts();
            // What a huge page more holds is taken, not left.
            let more = limits::HUGE_PAGE_BYTES / size_of::<Slot>();
            assert!((slots..=slots + more).contains(&parts.slots.len()), "{slots}");
            assert_eq!(parts.marks.len(), parts.slots.len().div_ceil(MARKED_SLOTS));
            assert!(parts.slots.iter().all(Slot::is_free));
        }
    }

    #[test]
    fn more_memory_than_there_can_be_is_refused() {
        assert!(Memory::map(usize::MAX / 8).is_err());
        assert!(Memory::map(1 << 55).is_err());
    }
}
