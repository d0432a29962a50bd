//! Uses of a key that are not written yet, in 32 bits of its slot.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::clock::Timestamp;

/// How many uses, and when the latest was.
///
/// ```text
/// 0 … 14   how many since they were last taken
/// 15       they are about to be taken: count with care
/// 16 … 31  when the latest was, in units of 128 ms, begun anew after 2 hours
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uses(u32);

const COUNT_MAX: u32 = (1 << 15) - 1;
const CAREFUL: u32 = 1 << 15;
const UNIT_MS: u64 = 128;

/// What became of a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// It is counted here.
    Here,
    /// The counter was full: so many, this one included, are to be counted elsewhere.
    Full(u32),
}

impl Uses {
    pub(super) const NONE: Self = Self(0);

    pub(super) fn load(word: &AtomicU32) -> Self {
        Self(word.load(Ordering::Relaxed))
    }

    pub(super) const fn bits(self) -> u32 {
        self.0
    }

    pub(super) const fn count(self) -> u32 {
        self.0 & COUNT_MAX
    }

    /// When the latest was, at most 2 hours before `now`.
    pub(super) const fn time(self, now: Timestamp) -> Timestamp {
        let ago = unit(now).wrapping_sub((self.0 >> 16) as u16) as u64 * UNIT_MS;
        Timestamp::from_unix_ms(now.unix_ms().saturating_sub(ago))
    }

    const fn is_careful(self) -> bool {
        self.0 & CAREFUL != 0
    }

    /// With another use at `now`; starting at one when the counter is full.
    const fn plus_one(self, now: Timestamp) -> Self {
        let count = if self.count() == COUNT_MAX { 0 } else { self.count() + 1 };
        Self((unit(now) as u32) << 16 | self.0 & CAREFUL | count)
    }

    /// Counts a use in `word`.
    ///
    /// A key that was not used for a moment is counted without a locked instruction, which would make the processor
    /// wait for everything before it. Of two first uses after such a pause at the very same instant one may be lost;
    /// none is ever counted twice.
    pub(super) fn note(word: &AtomicU32, now: Timestamp) -> Noted {
        let mut seen = Self::load(word);
        let fresh = unit(now).wrapping_sub((seen.0 >> 16) as u16) > 1;
        if fresh && !seen.is_careful() && seen.count() < COUNT_MAX {
            word.store(seen.plus_one(now).0, Ordering::Relaxed);
            return Noted::Here;
        }
        loop {
            let next = seen.plus_one(now);
            match word.compare_exchange_weak(seen.0, next.0, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) if next.count() == 0 => return Noted::Full(COUNT_MAX + 1),
                Ok(_) => return Noted::Here,
                Err(found) => seen = Self(found),
            }
        }
    }

    /// Takes the uses in `word` away, if they were announced before; announces it otherwise, and answers none.
    ///
    /// Between the two lies at least one round, after which every use that was counted without care has landed.
    pub(super) fn take(word: &AtomicU32) -> Option<Self> {
        let seen = Self::load(word);
        if seen.count() == 0 {
            return None;
        }
        if !seen.is_careful() {
            word.fetch_or(CAREFUL, Ordering::Relaxed);
            return None;
        }
        // The time stays: it tells whether the next use needs care.
        let taken = Self(word.fetch_and(!(COUNT_MAX | CAREFUL), Ordering::Relaxed));
        Some(taken)
    }
}

const fn unit(now: Timestamp) -> u16 {
    (now.unix_ms() / UNIT_MS) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_764_100_000_000);

    #[test]
    fn uses_are_announced_taken_and_begin_anew() {
        let word = AtomicU32::new(0);
        for n in 1..=3 {
            assert_eq!(Uses::note(&word, NOW.plus_ms(n)), Noted::Here);
        }
        assert_eq!(Uses::take(&word), None, "announced");
        Uses::note(&word, NOW.plus_ms(10_000));
        let taken = Uses::take(&word).unwrap();
        let exact = NOW.plus_ms(10_000).unix_ms();
        let at = taken.time(NOW.plus_ms(15_000)).unix_ms();
        assert!(taken.count() == 4 && at.abs_diff(exact) < UNIT_MS, "{at} for {exact}");
        assert_eq!((Uses::load(&word).count(), Uses::take(&word)), (0, None));
    }

    #[test]
    fn a_full_counter_hands_over_everything_it_had() {
        let word = AtomicU32::new(0);
        let mut elsewhere = 0;
        for _ in 0..100_000 {
            if let Noted::Full(count) = Uses::note(&word, NOW) {
                elsewhere += count;
            }
        }
        assert_eq!(elsewhere + Uses::load(&word).count(), 100_000);
    }

    #[test]
    fn threads_at_one_key_lose_nothing_once_it_is_in_use() {
        let word = AtomicU32::new(0);
        Uses::note(&word, NOW);
        let elsewhere = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50_000 {
                        if let Noted::Full(count) = Uses::note(&word, NOW) {
                            elsewhere.fetch_add(count, Ordering::Relaxed);
                        }
                    }
                });
            }
            for _ in 0..1_000 {
                if let Some(taken) = Uses::take(&word) {
                    elsewhere.fetch_add(taken.count(), Ordering::Relaxed);
                }
            }
        });
        assert_eq!(elsewhere.into_inner() + Uses::load(&word).count(), 200_001);
    }
}
