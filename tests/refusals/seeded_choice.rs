//! Choices that follow from a seed.

/// A generator of numbers, splitmix64.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// Whether something happens that does once in `so_many` times.
    pub(crate) fn once_in(&mut self, so_many: usize) -> bool {
        self.below(so_many) == 0
    }

    pub(crate) fn of_these<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// One of them, the last ones more often.
    pub(crate) fn recent<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = all.len();
        if count == 0 {
            return None;
        }
        let first = if self.once_in(3) { 0 } else { count.saturating_sub(12) };
        all.get(first + self.below(count - first))
    }
}
