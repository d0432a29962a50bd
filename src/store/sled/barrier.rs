//! Makes names and files durable that sled created without syncing them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Creates `dir` for its owner alone, with the directories above it, all of them durable.
pub(super) fn create(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let dir = std::path::absolute(dir)?;
    let present = dir.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&dir).to_owned();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    for created in dir.ancestors() {
        sync(created)?;
        if *created == present {
            break;
        }
    }
    Ok(())
}

/// Syncs one file, or the names in one directory.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Syncs every file below `dir`, every directory below it and `dir` itself.
pub(super) fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            sync(&entry.path())?;
        }
    }
    sync(dir)
}

/// Copies the tree `from` to `to`, which must not exist, leaving out names that `skip` picks; not synced.
pub(super) fn copy_tree(from: &Path, to: &Path, skip: fn(&str) -> bool) -> io::Result<()> {
    create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(skip) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to.join(name), skip)?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// Renames within one directory, durably.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), sync)
}

/// Removes the tree `dir` if it is there.
pub(super) fn remove_tree(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
