//! Doubt about the clock: a clock far ahead of the store's newest time may be wrong, and removed entries never come
//! back.
//!
//! Time never goes back, also over a restart: a clock that was set back keeps its lead and runs on at the pace of
//! elapsed time, so expired keys stay expired (`clock.rs`). The store keeps the newest time. While the clock is more
//! than a day ahead of that, everything runs by the clock, but entries that are due to be removed for good stay, and
//! the store's time does not follow, until the operator accepts the clock. So a wrong clock that is corrected leaves no
//! trace.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::{Clock, Timestamp};
use crate::limits;
use crate::store::Store;

/// Compares the clock with the newest time of the store, which follows while the clock is at most a day ahead.
pub(in crate::engine) struct ClockDoubt {
    store: Arc<dyn Store>,
    told: AtomicBool,
}

impl ClockDoubt {
    /// Starts `clock` from the newest time that the store knows.
    pub(in crate::engine) fn begin(store: Arc<dyn Store>, clock: &dyn Clock) -> Self {
        if let Some(newest) = store.newest_time() {
            clock.not_before(newest);
        }
        Self { store, told: AtomicBool::new(false) }
    }

    /// Stores the time; `false` when it is in doubt, and then no entry may be removed for good.
    pub(in crate::engine) fn clears(&self, now: Timestamp) -> bool {
        let newest = self.store.newest_time();
        let doubtful = newest.filter(|newest| now > newest.plus_ms(limits::CLOCK_AHEAD_MS_MAX));
        if doubtful.is_none() {
            self.store.note_time(now);
        }
        if self.told.swap(doubtful.is_some(), Ordering::Relaxed) != doubtful.is_some()
            && let Some(newest) = doubtful
        {
            tracing::warn!(
                clock = %now,
                %newest,
                "the clock is more than a day ahead of the newest time in the store: all goes on, but entries that \
                 are due to be removed for good stay; if the clock is right, say so with `keyward clock accept`"
            );
        }
        doubtful.is_none()
    }
}

/// Stores the clock's time as the newest time, whatever the difference. Returns the former newest time if it was in
/// doubt.
pub(in crate::engine) fn accept(store: &dyn Store, now: Timestamp) -> Option<Timestamp> {
    let newest = store.newest_time();
    store.note_time(now);
    newest.filter(|newest| now > newest.plus_ms(limits::CLOCK_AHEAD_MS_MAX))
}
