//! Override of `sync_file_range` for the process, so that sled really syncs; with `index/prefetch.rs` the only unsafe code.
//!
//! On Linux sled asks `sync_file_range` to make its log durable. That call neither flushes the drive's cache nor
//! the file's size, so a power cut takes acknowledged writes. When the call answers that it does not exist, sled
//! falls back to a real sync of the file before it counts a buffer as stable. This module therefore defines the
//! function for the whole process, and [`check`] refuses to go on where something else answers.

use crate::store::StoreError;

/// Replaces the C library's function and always answers "not implemented".
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the symbol must replace the C library's")]
#[unsafe(no_mangle)]
pub(super) extern "C" fn sync_file_range(
    _file: libc::c_int,
    _offset: libc::off64_t,
    _length: libc::off64_t,
    _flags: libc::c_uint,
) -> libc::c_int {
    errno::set_errno(errno::Errno(libc::ENOSYS));
    -1
}

/// Demands that the call sled makes reaches our definition.
///
/// Calling it here also keeps the definition in every program that can open a store.
///
/// # Errors
/// [`StoreError::NotDurable`] when something else answers.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "declared by libc as sled sees it")]
pub(super) fn check() -> Result<(), StoreError> {
    // Both ways to the function, so that the linker takes ours into the program before it looks at the C library.
    let ours = sync_file_range(-1, 0, 0, 0);
    errno::set_errno(errno::Errno(0));
    // SAFETY: an invalid file number makes the system's own function fail without any effect.
    let theirs = unsafe { libc::sync_file_range(-1, 0, 0, 0) };
    if ours == -1 && theirs == -1 && errno::errno().0 == libc::ENOSYS {
        return Ok(());
    }
    Err(StoreError::NotDurable { why: "sync_file_range of this process is not keyward's" })
}

/// Elsewhere sled syncs its files by itself.
#[cfg(not(target_os = "linux"))]
pub(super) fn check() -> Result<(), StoreError> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_process_answers_with_our_definition() {
        assert!(super::check().is_ok());
    }
}
