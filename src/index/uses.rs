//! Count of uses that are not written yet, in 32 bits of a slot.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::clock::Timestamp;

/// Number of uses since they were last taken (lower 16 bits), and the time of the latest use (upper 16 bits, in units of
/// 128 ms, wrapping after 2 hours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uses(u32);

const COUNT_MAX: u32 = u16::MAX as u32;
const UNIT_MS: u64 = 128;

/// Where a use was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UseCounted {
    /// In the slot.
    Here,
    /// Not in the slot: the caller has to count so many uses elsewhere, this one included. The counter was full, or the slot
    /// is another key's by now.
    Overflow(u32),
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

    /// Time of the latest use, at most 2 hours before `now`.
    pub(super) const fn time(self, now: Timestamp) -> Timestamp {
        let ago = unit(now).wrapping_sub((self.0 >> 16) as u16) as u64 * UNIT_MS;
        Timestamp::from_unix_ms(now.unix_ms().saturating_sub(ago))
    }

    /// Returns the count with another use at `now`; count 0 when the counter was full.
    const fn plus_one(self, now: Timestamp) -> Self {
        let count = if self.count() == COUNT_MAX { 0 } else { self.count() + 1 };
        Self((unit(now) as u32) << 16 | count)
    }

    /// Increments the counter unless the slot was reused; `is_its` runs between load and compare-exchange, so no use is
    /// counted for another key.
    #[inline(always)]
    pub(super) fn note(word: &AtomicU32, now: Timestamp, is_its: impl Fn() -> bool) -> UseCounted {
        let mut seen = Self(word.load(Ordering::Acquire));
        loop {
            if !is_its() {
                return UseCounted::Overflow(1);
            }
            let next = seen.plus_one(now);
            match word.compare_exchange_weak(seen.0, next.0, Ordering::SeqCst, Ordering::Acquire) {
                Ok(_) if next.count() == 0 => return UseCounted::Overflow(COUNT_MAX + 1),
                Ok(_) => return UseCounted::Here,
                Err(found) => seen = Self(found),
            }
        }
    }

    /// Takes count and time.
    pub(super) fn take_all(word: &AtomicU32) -> Self {
        Self(word.swap(0, Ordering::SeqCst))
    }

    /// Takes the count and leaves the time.
    pub(super) fn take(word: &AtomicU32) -> Self {
        Self(word.fetch_and(!COUNT_MAX, Ordering::SeqCst))
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
    fn uses_are_counted_taken_and_begin_anew() {
        let word = AtomicU32::new(0);
        for n in [1, 2, 10_000] {
            assert_eq!(Uses::note(&word, NOW.plus_ms(n), || true), UseCounted::Here);
        }
        assert_eq!(Uses::note(&word, NOW, || false), UseCounted::Overflow(1));
        let taken = Uses::take(&word);
        let at = taken.time(NOW.plus_ms(15_000)).unix_ms();
        let exact = NOW.plus_ms(10_000).unix_ms();
        assert!(taken.count() == 3 && at.abs_diff(exact) < UNIT_MS, "{at} for {exact}");
        assert_eq!(Uses::take(&word).count(), 0);
    }

    #[test]
    fn threads_at_one_key_lose_nothing_and_a_full_counter_hands_over_what_it_had() {
        let (word, elsewhere) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50_000 {
                        if let UseCounted::Overflow(count) = Uses::note(&word, NOW, || true) {
                            elsewhere.fetch_add(count, Ordering::Relaxed);
                        }
                    }
                });
            }
            for _ in 0..1_000 {
                elsewhere.fetch_add(Uses::take(&word).count(), Ordering::Relaxed);
            }
        });
        assert_eq!(elsewhere.into_inner() + Uses::load(&word).count(), 200_000);
    }
}
