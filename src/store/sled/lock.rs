//! Lock of a data directory: one process at a time has it open.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::store::StoreError;

use super::io;

/// File that is locked while the directory is open.
pub(super) const LOCK: &str = "lock";

/// Locks the directory `dir` for this process.
///
/// # Errors
/// [`StoreError::Locked`] when another process has the directory open, [`StoreError::Io`].
pub(super) fn lock(dir: &Path) -> Result<File, StoreError> {
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(dir.join(LOCK));
    let file = file.map_err(io("opening the lock file"))?;
    let locked = retry_while_busy(|| file.try_lock(), |error| matches!(error, TryLockError::WouldBlock));
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreError::Io { what: "locking", source }),
    }
}

/// Retries `attempt` for half a second while `busy` holds of its error.
///
/// A lock outlives its holder shortly, in a thread that is still ending or in a child process that was just forked.
pub(super) fn retry_while_busy<T, E>(
    mut attempt: impl FnMut() -> Result<T, E>,
    busy: impl Fn(&E) -> bool,
) -> Result<T, E> {
    for _ in 0..50 {
        match attempt() {
            Err(error) if busy(&error) => std::thread::sleep(Duration::from_millis(10)),
            other => return other,
        }
    }
    attempt()
}
