//! Memory of one table: one anonymous mapping, in huge pages where the system has them.
//!
//! A look-up reads a random address. With pages of 4 KiB each look-up costs a walk through the page tables, about as much
//! time as hashing the key.

use std::io;
use std::sync::atomic::AtomicU8;

use memmap2::{Advice, MmapMut, MmapOptions};
use self_cell::{MutBorrow, self_cell};
use zerocopy::FromBytes;

use super::slot::{Group, Row};
use crate::limits;

/// Number of groups that share one mark, a byte that is set when one of their slots was used.
pub(super) const MARKED_GROUPS: usize = 16;

/// Parts of a table, all zeros at first. Groups begin at a cache line.
pub(super) struct Parts<'a> {
    pub(super) groups: &'a [Group],
    /// Marks of groups that have uses which are not written yet.
    pub(super) marks: &'a [AtomicU8],
}

self_cell!(
    /// Mapping and its parts.
    struct Mapping {
        owner: MutBorrow<MmapMut>,
        #[covariant]
        dependent: Parts,
    }
);

/// Memory for a number of groups, returned to the system on drop.
pub(super) struct TableMemory(Mapping);

impl TableMemory {
    /// Maps memory for so many groups, and for as many more as fill the last page.
    ///
    /// # Errors
    /// The system's, when it gives none.
    pub(super) fn map(groups: usize) -> io::Result<Self> {
        let too_large = || io::Error::from(io::ErrorKind::OutOfMemory);
        let bytes = groups.checked_mul(size_of::<Group>()).ok_or_else(too_large)?;
        let bytes = bytes.checked_add(groups.div_ceil(MARKED_GROUPS)).ok_or_else(too_large)?;
        if bytes < limits::HUGE_TABLE_BYTES_MIN {
            return Self::of(MmapOptions::new().len(bytes).map_anon()?, groups);
        }
        // The system places a whole number of huge pages where huge pages begin.
        let bytes = bytes.checked_next_multiple_of(limits::HUGE_PAGE_BYTES).ok_or_else(too_large)?;
        let map = MmapOptions::new().len(bytes).map_anon()?;
        // A kernel without huge pages refuses; that costs speed only.
        let _ = map.advise(Advice::HugePage);
        Self::of(map, bytes / (MARKED_GROUPS * size_of::<Group>() + 1) * MARKED_GROUPS)
    }

    fn of(map: MmapMut, groups: usize) -> io::Result<Self> {
        Mapping::try_new(MutBorrow::new(map), |map| divide(map.borrow_mut(), groups)).map(Self)
    }

    #[inline]
    pub(super) fn parts(&self) -> &Parts<'_> {
        self.0.borrow_dependent()
    }
}

impl<'a> Parts<'a> {
    /// Iterates over the rows of group `from` and of all groups after it.
    pub(super) fn rows(&self, from: usize) -> impl Iterator<Item = Row<'a>> + use<'a> {
        self.groups.get(from..).unwrap_or_default().iter().flat_map(Group::rows)
    }
}

fn divide(map: &mut MmapMut, groups: usize) -> io::Result<Parts<'_>> {
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let marks = groups.div_ceil(MARKED_GROUPS);
    let (groups, rest) = map.split_at_mut_checked(groups * size_of::<Group>()).ok_or_else(wrong)?;
    let marks = rest.get_mut(..marks).ok_or_else(wrong)?;
    Ok(Parts {
        groups: <[Group]>::mut_from_bytes(groups).map_err(|_| wrong())?,
        marks: <[AtomicU8]>::mut_from_bytes(marks).map_err(|_| wrong())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_free_and_of_the_size_asked_for() {
        for groups in [1, 15, 16, 17, 25_000, 250_000] {
            let memory = TableMemory::map(groups).unwrap();
            let parts = memory.parts();
            // What a huge page more holds is taken, not left.
            let more = limits::HUGE_PAGE_BYTES / size_of::<Group>();
            assert!((groups..=groups + more).contains(&parts.groups.len()), "{groups}");
            assert_eq!(parts.groups.as_ptr().addr() % 64, 0, "where a line of the cache begins");
            assert_eq!(parts.marks.len(), parts.groups.len().div_ceil(MARKED_GROUPS));
            assert!(parts.rows(0).all(|row| row.slot.is_free()));
        }
    }

    #[test]
    fn more_memory_than_there_can_be_is_refused() {
        assert!(TableMemory::map(usize::MAX / 8).is_err());
        assert!(TableMemory::map(1 << 54).is_err());
    }
}
