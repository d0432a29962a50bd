//! The memory of one table: one mapping, in huge pages where the system has them.
//!
//! A look-up goes to a random place. In pages of 4 KiB that costs a walk through the page tables each time, about as
//! much as hashing the key.

use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64};

use memmap2::{Advice, MmapMut, MmapOptions};
use self_cell::{MutBorrow, self_cell};
use zerocopy::FromBytes;

use super::slot::Slot;
use crate::limits;

/// Slots whose tags lie in one word.
pub(super) const GROUP: usize = 8;
/// Groups whose slots share one byte that says whether any of them was used.
pub(super) const GROUPS_A_MARK: usize = 8;

/// The parts of a table, all zeros at first.
pub(super) struct Parts<'a> {
    pub(super) slots: &'a [Slot],
    /// One byte a slot, a group a word; the first slot's in the lowest bits.
    pub(super) tags: &'a [AtomicU64],
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

/// Memory for a number of groups. Given back to the system when dropped.
pub(super) struct Memory(Mapping);

impl Memory {
    /// Maps memory for `groups` groups; it takes up room only where it is written to.
    ///
    /// # Errors
    /// The system's, when it gives none.
    pub(super) fn map(groups: usize) -> io::Result<Self> {
        let too_large = || io::Error::from(io::ErrorKind::OutOfMemory);
        let slots = groups.checked_mul(GROUP * size_of::<Slot>()).ok_or_else(too_large)?;
        let tags = groups.checked_mul(GROUP).ok_or_else(too_large)?;
        let marks = groups.div_ceil(GROUPS_A_MARK);
        let bytes =
            slots.checked_add(tags).and_then(|bytes| bytes.checked_add(marks)).ok_or_else(too_large)?;
        // The system places a whole number of huge pages where huge pages begin.
        let huge = limits::HUGE_PAGE_BYTES;
        let length =
            if slots < huge { bytes } else { bytes.checked_next_multiple_of(huge).ok_or_else(too_large)? };
        let map = MmapOptions::new().len(length).map_anon()?;
        // Not the end: a huge page that is touched anywhere is there as a whole.
        let whole = slots - slots % huge;
        if whole > 0 {
            // A kernel without huge pages says no; that costs speed only.
            let _ = map.advise_range(Advice::HugePage, 0, whole);
        }
        let divided =
            Mapping::try_new(MutBorrow::new(map), |map| divide(map.borrow_mut(), slots, tags, marks));
        divided.map(Self)
    }

    pub(super) fn parts(&self) -> &Parts<'_> {
        self.0.borrow_dependent()
    }
}

fn divide(map: &mut MmapMut, slots: usize, tags: usize, marks: usize) -> io::Result<Parts<'_>> {
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let (slots, rest) = map.split_at_mut_checked(slots).ok_or_else(wrong)?;
    let (tags, rest) = rest.split_at_mut_checked(tags).ok_or_else(wrong)?;
    let marks = rest.get_mut(..marks).ok_or_else(wrong)?;
    Ok(Parts {
        slots: <[Slot]>::mut_from_bytes(slots).map_err(|_| wrong())?,
        tags: <[AtomicU64]>::mut_from_bytes(tags).map_err(|_| wrong())?,
        marks: <[AtomicU8]>::mut_from_bytes(marks).map_err(|_| wrong())?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn memory_is_zero_and_of_the_size_asked_for() {
        for groups in [1, 7, 4_096, 50_000] {
            let memory = Memory::map(groups).unwrap();
            let parts = memory.parts();
            assert_eq!((parts.slots.len(), parts.tags.len()), (groups * GROUP, groups));
            assert_eq!(parts.marks.len(), groups.div_ceil(GROUPS_A_MARK));
            assert!(parts.tags.iter().all(|tags| tags.load(Ordering::Relaxed) == 0));
        }
    }

    #[test]
    fn more_memory_than_there_can_be_is_refused() {
        assert!(Memory::map(usize::MAX / 8).is_err());
        assert!(Memory::map(1 << 55).is_err());
    }
}
