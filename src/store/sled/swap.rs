//! Swap of one store for another, at one moment: the new store is built beside the old one and takes effect by one rename.
//!
//! `replacement.partial` is being built and has no effect. Renamed to `replacement` it is the store of the directory, and
//! the next open finishes the swap, so a power cut on the way leaves nothing half. The old store is kept in `replaced`, or
//! removed if the new one has the same content: a file `same` in `replacement` says so.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::StoreError;

use super::lock::{LOCK, lock};
use super::{ASIDE, PARTIAL, durable_fs, io as failed};

/// Replacement of a directory's store, in preparation. Dropped before it is finished, it leaves the directory as it was.
#[derive(Debug)]
pub struct Replacement {
    directory: PathBuf,
    /// Directories that were created for the replacement, the innermost first.
    made: Vec<PathBuf>,
    /// Lock against other processes; `None` when an open store of this process holds it.
    lock: Option<File>,
}

impl Replacement {
    /// Holds `directory`, with or without a store in it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when it is open; [`StoreError::Io`].
    pub fn directory(directory: &Path) -> Result<Self, StoreError> {
        let directory = std::path::absolute(directory).map_err(failed("finding the data directory"))?;
        let made = directory.ancestors().take_while(|dir| !dir.exists()).map(Path::to_owned).collect();
        durable_fs::create(&directory).map_err(failed("creating the data directory"))?;
        let file = lock(&directory)?;
        let mut replacement = Self::begin(directory, Some(file))?;
        replacement.made = made;
        Ok(replacement)
    }

    /// Replaces the store of `directory` that this process has open, and closed for writes. It has to stay so until
    /// [`Replacement::finish`].
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn beside(directory: &Path) -> Result<Self, StoreError> {
        let directory = std::path::absolute(directory).map_err(failed("finding the data directory"))?;
        Self::begin(directory, None)
    }

    fn begin(directory: PathBuf, lock: Option<File>) -> Result<Self, StoreError> {
        durable_fs::remove_tree(&partial(&directory)).map_err(failed("removing an unfinished store"))?;
        Ok(Self { directory, made: Vec::new(), lock })
    }

    /// Directory in which the new store is built.
    pub fn place(&self) -> PathBuf {
        partial(&self.directory)
    }

    /// Makes what was built, and closed in good order, the store of the directory. Its next open finishes that, also
    /// after a power cut.
    ///
    /// # Errors
    /// [`StoreError::Io`]: the directory has its old store, or already the new one.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.swap()
    }

    /// As [`Replacement::finish`], with a store of the same content, so that the old one is not kept.
    ///
    /// # Errors
    /// As [`Replacement::finish`].
    pub fn finish_with_same_content(mut self) -> Result<(), StoreError> {
        File::create(self.place().join(SAME)).map_err(failed("putting the new store in its place"))?;
        self.swap()
    }

    fn swap(&mut self) -> Result<(), StoreError> {
        let what = "putting the new store in its place";
        durable_fs::sync_tree(&self.place()).map_err(failed(what))?;
        self.made.clear();
        durable_fs::rename(&self.place(), &complete(&self.directory)).map_err(failed(what))
    }
}

/// Removes an unfinished store, and the data directory if it was created for the replacement.
impl Drop for Replacement {
    fn drop(&mut self) {
        if let Err(error) = durable_fs::remove_tree(&self.place()) {
            tracing::warn!(%error, "an unfinished store was left behind; the next replacement removes it");
        }
        if !self.made.is_empty() && self.lock.take().is_some() {
            // A directory that another program put a file into stays.
            let _ = fs::remove_file(self.directory.join(LOCK));
            self.made.iter().take_while(|made| fs::remove_dir(made).is_ok()).for_each(drop);
        }
    }
}

fn partial(directory: &Path) -> PathBuf {
    directory.join("replacement.partial")
}

fn complete(directory: &Path) -> PathBuf {
    directory.join("replacement")
}

/// Directory of the store that was replaced last.
pub fn replaced(directory: &Path) -> PathBuf {
    directory.join("replaced")
}

/// File that marks a complete new store as having the content of the old one.
const SAME: &str = "same";

/// Finishes a swap whose new store is complete. The caller holds the directory. Every step may be the last before
/// a power cut: the next open goes on with the one after it.
pub(super) fn finish(directory: &Path) -> io::Result<()> {
    let new = complete(directory);
    if !new.exists() {
        return Ok(());
    }
    let (database, watermark) = (directory.join(super::DATABASE), directory.join("watermark"));
    let new_database = new.join(super::DATABASE);
    if new_database.exists() {
        if database.exists() && new.join(SAME).exists() {
            // Every open removes what has this name.
            let old = directory.join(PARTIAL);
            durable_fs::remove_tree(&old)?;
            durable_fs::remove_tree(&directory.join(ASIDE))?;
            durable_fs::rename(&database, &old)?;
        } else if database.exists() {
            let old = replaced(directory);
            durable_fs::remove_tree(&old)?;
            durable_fs::create(&old)?;
            if watermark.exists() {
                fs::copy(&watermark, old.join("watermark"))?;
            }
            durable_fs::sync_tree(&old)?;
            // Copies of the old database would be taken for the state of the new one.
            durable_fs::remove_tree(&directory.join(ASIDE))?;
            fs::rename(&database, old.join(super::DATABASE))?;
            durable_fs::sync(&old)?;
            durable_fs::sync(directory)?;
        }
        fs::rename(&new_database, &database)?;
        durable_fs::sync(&new)?;
        durable_fs::sync(directory)?;
    }
    let new_watermark = new.join("watermark");
    if new_watermark.exists() {
        fs::rename(&new_watermark, &watermark)?;
        durable_fs::sync(&new)?;
        durable_fs::sync(directory)?;
    }
    durable_fs::remove_tree(&new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sled::OpenOptions;
    use crate::store::{Batch, SledStore, Store as _};

    fn filled(directory: &Path, value: &[u8]) -> SledStore {
        let (store, _) = SledStore::open(directory, OpenOptions::default()).unwrap();
        let mut batch = Batch::default();
        batch.put(b"n/test", value);
        store.commit(batch).unwrap();
        store
    }

    fn value(directory: &Path) -> Vec<u8> {
        let (store, _) = SledStore::open(directory, OpenOptions::default()).unwrap();
        let value = store.get(b"n/test").unwrap().unwrap().value;
        store.close().unwrap();
        value
    }

    /// A directory with an old store, and one built to replace it.
    fn prepared() -> (tempfile::TempDir, Replacement) {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), b"old").close().unwrap();
        let replacement = Replacement::directory(dir.path()).unwrap();
        filled(&replacement.place(), b"new").close().unwrap();
        (dir, replacement)
    }

    #[test]
    fn the_new_store_counts_from_one_moment_on_and_the_old_one_is_kept() {
        let (dir, replacement) = prepared();
        assert!(matches!(Replacement::directory(dir.path()), Err(StoreError::Locked { .. })));
        replacement.finish().unwrap();
        assert_eq!(value(dir.path()), b"new");
        assert_eq!(value(&replaced(dir.path())), b"old");
    }

    #[test]
    fn one_of_the_same_content_leaves_none_behind_and_what_was_kept_before_stays() {
        let (dir, replacement) = prepared();
        fs::create_dir(replaced(dir.path())).unwrap();
        replacement.finish_with_same_content().unwrap();
        assert_eq!(value(dir.path()), b"new");
        let mut names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["db", "lock", "replaced", "watermark"]);
        assert_eq!(fs::read_dir(replaced(dir.path())).unwrap().count(), 0);
    }

    #[test]
    fn what_is_not_finished_changes_nothing() {
        let (dir, replacement) = prepared();
        drop(replacement);
        assert!(!partial(dir.path()).exists());
        assert_eq!(value(dir.path()), b"old");
        // As a kill leaves it.
        fs::create_dir(partial(dir.path())).unwrap();
        drop(Replacement::directory(dir.path()).unwrap());
        assert!(!partial(dir.path()).exists());
        assert_eq!(value(dir.path()), b"old");
    }

    /// Carries out the first `steps` renames only, by undoing the later ones.
    #[test]
    fn an_exchange_that_was_interrupted_goes_on() {
        for step in 0..3 {
            let (dir, replacement) = prepared();
            replacement.finish().unwrap();
            let (at, new) = (|name: &str| dir.path().join(name), complete(dir.path()));
            if step >= 1 {
                fs::create_dir(at("replaced")).unwrap();
                fs::copy(at("watermark"), at("replaced/watermark")).unwrap();
                fs::rename(at("db"), at("replaced/db")).unwrap();
            }
            if step >= 2 {
                fs::rename(new.join("db"), at("db")).unwrap();
            }
            assert_eq!(value(dir.path()), b"new", "after {step} steps");
            assert_eq!(value(&replaced(dir.path())), b"old", "after {step} steps");
            assert!(!new.exists());
        }
    }
}
