//! Whether the time can be right: a clock far ahead of what the store knows may be wrong, and what is removed because of
//! it would never come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::{Clock, Timestamp};
use crate::limits;
use crate::store::Store;

/// Compares the clock with the newest time of the store, which follows as long as the clock is no more than a day ahead.
pub(in crate::engine) struct ClockDoubt {
    store: Arc<dyn Store>,
    told: AtomicBool,
}

impl ClockDoubt {
    /// Has `clock` go on from the newest time that the store knows.
    pub(in crate::engine) fn begin(store: Arc<dyn Store>, clock: &dyn Clock) -> Self {
        if let Some(newest) = store.newest_time() {
            clock.not_before(newest);
        }
        Self { store, told: AtomicBool::new(false) }
    }

    /// Takes note of the time; `false` when it is in doubt, and then nothing may be removed for good.
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
                "the clock is more than a day ahead of the newest time in the store: all goes on, but what is due to be \
                 removed for good stays; if the clock is right, say so with `keyward clock accept`"
            );
        }
        doubtful.is_none()
    }
}

/// Stores the clock's time as the newest time, whatever the difference. Returns the former newest time if it was in doubt.
pub(in crate::engine) fn accept(store: &dyn Store, now: Timestamp) -> Option<Timestamp> {
    let newest = store.newest_time();
    store.note_time(now);
    newest.filter(|newest| now > newest.plus_ms(limits::CLOCK_AHEAD_MS_MAX))
}
