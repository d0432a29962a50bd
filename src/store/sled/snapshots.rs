//! Files of sled's directory that sled can make again from its log.

use std::path::Path;
use std::{fs, io};

/// Whether sled makes the file of this name again when it is not there: a snapshot, or the configuration, which
/// says nothing but what keyward always asks for.
pub(super) fn is_derived(name: &str) -> bool {
    name.starts_with("snap.") || name == "conf"
}

/// Whether `database` holds such a file.
pub(super) fn are_in(database: &Path) -> io::Result<bool> {
    Ok(names(database)?.iter().any(|name| is_derived(name)))
}

/// Bytes of such files in `database`, as far as they can be told.
pub(super) fn size(database: &Path) -> u64 {
    let derived = names(database).unwrap_or_default().into_iter().filter(|name| is_derived(name));
    derived.filter_map(|name| fs::metadata(database.join(name)).ok()).map(|file| file.len()).sum()
}

/// Removes snapshots that sled had not finished: it would read them as finished ones and refuse to open.
pub(super) fn remove_unfinished(database: &Path) -> io::Result<()> {
    for name in names(database)? {
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(database.join(name))?;
        }
    }
    Ok(())
}

/// Copies such files of `database` into the new directory `to`.
pub(super) fn copy(database: &Path, to: &Path) -> io::Result<()> {
    super::durable_fs::create(to)?;
    for name in names(database)?.iter().filter(|name| is_derived(name)) {
        fs::copy(database.join(name), to.join(name))?;
    }
    super::durable_fs::sync_tree(to)
}

fn names(database: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(database)?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
