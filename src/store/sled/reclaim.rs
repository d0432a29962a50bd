//! Reclaims memory of pages that sled replaced.
//!
//! sled hands such pages to crossbeam-epoch, which frees some of them at every 128th operation. A batch is one operation,
//! however many pages it replaces, so without this module memory would grow without bound.

/// Number of writes per flush. One flush frees about 500 pages, enough for 8 pages a write.
const WRITES_A_FLUSH: usize = 64;

/// Frees the pages that so many writes replaced, and pages left by earlier writes.
pub(super) fn free(writes: usize) {
    for _ in 0..=writes / WRITES_A_FLUSH {
        crossbeam_epoch::pin().flush();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_one_operation_replaced_is_freed() {
        let page = Arc::new(());
        let writes = 10_000;
        let replacing = crossbeam_epoch::pin();
        for _ in 0..4 * writes {
            let replaced = Arc::clone(&page);
            replacing.defer(move || drop(replaced));
        }
        drop(replacing);
        // Other tests hold pages now and then, which nothing is freed before.
        let freed = (0..100).any(|_| {
            free(writes);
            Arc::strong_count(&page) < writes / 10
        });
        assert!(freed, "{} of {} are left", Arc::strong_count(&page), 4 * writes);
    }
}
