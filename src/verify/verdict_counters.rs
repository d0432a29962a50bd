//! Counters of verdicts. Each of the first threads has counters of its own, so that counting is one addition.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::{DenyReason, Verdict};
use crate::limits;

/// Verdicts since the start: allowed ones, and those denied for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    counts: [u64; KINDS],
}

const KINDS: usize = DenyReason::CODES.len() + 1;
const SHARDS: usize = limits::VERDICT_COUNTER_SHARDS;

impl Verdicts {
    /// Allowed ones.
    pub fn allowed(&self) -> u64 {
        self.counts.first().copied().unwrap_or_default()
    }

    /// Denied ones, whatever the reason.
    pub fn denied(&self) -> u64 {
        self.by_reason().map(|(_, count)| count).sum()
    }

    /// Denied ones by [`DenyReason::code`].
    pub fn by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        DenyReason::CODES.into_iter().zip(self.counts.into_iter().skip(1))
    }
}

/// Counts verdicts. Each of the first threads has counters of its own, so that counting is an addition and no more.
pub(super) struct VerdictCounters {
    shards: Box<[Shard; SHARDS]>,
}

/// Aligned so that two shards never share what the processor fetches at once.
#[repr(align(128))]
struct Shard([AtomicU64; KINDS]);

impl VerdictCounters {
    pub(super) fn new() -> Self {
        Self { shards: Box::new(std::array::from_fn(|_| Shard(std::array::from_fn(|_| AtomicU64::new(0))))) }
    }

    #[inline(always)]
    pub(super) fn count(&self, verdict: &Verdict) {
        let kind = match verdict {
            Verdict::Allow(_) => 0,
            Verdict::Deny(reason) => reason.number() + 1,
        };
        let shard = own_shard();
        let Some(count) = self.shards.get(shard).and_then(|shard| shard.0.get(kind)) else { return };
        if shard < SHARDS - 1 {
            // Only this thread writes it.
            count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        } else {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Verdicts {
        let mut verdicts = Verdicts::default();
        for shard in self.shards.iter() {
            for (sum, count) in verdicts.counts.iter_mut().zip(&shard.0) {
                *sum = sum.wrapping_add(count.load(Ordering::Relaxed));
            }
        }
        verdicts
    }
}

/// Number of this thread's shard; all later threads share the last one.
#[inline(always)]
fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed).min(SHARDS - 1));
        }
        own.get()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn verdicts_of_more_threads_than_counters_are_all_counted() {
        const LATE: usize = 4;
        const EACH: u64 = 300_000;
        let (counters, together) = (VerdictCounters::new(), Barrier::new(LATE));
        let unknown = Verdict::Deny(DenyReason::Unknown);
        std::thread::scope(|scope| {
            for _ in 0..SHARDS {
                scope.spawn(|| counters.count(&unknown)).join().unwrap();
            }
            // At the same time, so that one would write over the other.
            for _ in 0..LATE {
                scope.spawn(|| {
                    together.wait();
                    (0..EACH).for_each(|_| counters.count(&unknown));
                });
            }
        });
        let read = counters.read();
        assert_eq!((read.allowed(), read.denied()), (0, SHARDS as u64 + LATE as u64 * EACH));
        assert_eq!(read.by_reason().find(|(_, count)| *count > 0), Some(("unknown", read.denied())));
    }
}
