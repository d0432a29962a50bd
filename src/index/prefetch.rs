//! Prefetch of memory that a look-up will read: with `store/sled/sync_file_range.rs` the only unsafe code.

/// Asks the processor to fetch the cache line of `target`; changes nothing that a program can see.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the instruction has no safe name in the standard library")]
pub(super) fn prefetch<T>(target: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: every x86-64 processor has the instruction; it is a hint that neither faults nor writes, and the
    // address is one of a live value.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(target).cast()) };
}

/// Does nothing on other processors: the look-up waits for memory.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn prefetch<T>(_: &T) {}
