//! Database of a closed store, for tests that change it as a bad disk does.

use std::path::Path;

use keyward::limits;

/// Reads or changes the database of a data directory, and has it synced.
pub(crate) fn with_sled<T>(dir: &Path, change: impl FnOnce(&sled::Db) -> T) -> T {
    let config = sled::Config::new().path(dir.join("db")).segment_size(limits::STORE_SEGMENT_BYTES);
    // The process that had it open before may not quite have ended.
    let database = std::iter::repeat_with(|| config.open()).take(10_000).find_map(Result::ok).unwrap();
    let changed = change(&database);
    database.flush().unwrap();
    changed
}
