//! File operations that are synced, for names and files that sled creates without syncing them. Every error names its file.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Adds the path to an error.
pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Creates `dir` for its owner alone, with the directories above it, all of them durable.
pub(super) fn create(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let dir = std::path::absolute(dir)?;
    let present = dir.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&dir).to_owned();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(at(&dir))?;
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
    File::open(path).and_then(|file| file.sync_all()).map_err(at(path))
}

/// Syncs every file below `dir`, every directory below it and `dir` itself.
pub(super) fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            sync(&entry.path())?;
        }
    }
    sync(dir)
}

/// Copies the tree `from` to `to`, which must not exist, leaving out names that `skip` picks; not synced. Where the file
/// system can, the copies share their space with the originals until either is written to.
pub(super) fn copy_tree(from: &Path, to: &Path, skip: fn(&str) -> bool) -> io::Result<()> {
    create(to)?;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(skip) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(name));
        if entry.file_type()?.is_dir() {
            copy_tree(&from, &to, skip)?;
        } else {
            fs::copy(&from, &to).map_err(at(&to))?;
        }
    }
    Ok(())
}

/// Renames within one directory, durably.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to).map_err(at(to))?;
    to.parent().map_or(Ok(()), sync)
}

/// Removes the tree `dir` if it exists.
pub(super) fn remove_tree(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(dir)(error)),
        _ => Ok(()),
    }
}

/// Bytes of the files below a directory, as far as they can be told.
pub(crate) fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}

/// Bytes that are free where `dir` is, if the system tells.
pub(crate) fn free(dir: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(dir).ok()?;
    system.f_bavail.checked_mul(system.f_frsize)
}

/// Says of an error for want of room how much of it is needed in `dir`, and how much there is.
pub(crate) fn room(dir: &Path, needed: u64, free: Option<u64>, error: io::Error) -> io::Error {
    if !matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return error;
    }
    let free = free.map(|free| format!(", {free} are free")).unwrap_or_default();
    let dir = dir.display();
    io::Error::new(error.kind(), format!("{error}; up to {needed} bytes are needed in {dir}{free}"))
}
