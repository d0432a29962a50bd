//! Backup of a whole store while it changes.
//!
//! A backup is a scan of the store, page by page, followed by the changes that were committed meanwhile. The store
//! remembers its newest commits, so no reader holds a snapshot or a lock for the time of a backup.

use std::fmt;
use std::str::FromStr;

use crate::engine::{EngineError, Reader};
use crate::key::ParseError;
use crate::limits;
use crate::store::Revision;
use crate::store::backup::Frame;

/// Position of a backup: the last copied key, and the commit up to which changes are included.
///
/// As text `12:6b2f…`, the number of the commit and the key in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupPlace {
    followed: Revision,
    after: Vec<u8>,
}

impl fmt::Display for BackupPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.followed.0, hex::encode(&self.after))
    }
}

impl FromStr for BackupPlace {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = ParseError::new("place", "is not one that a backup goes on from");
        let (followed, after) = text.split_once(':').ok_or(wrong)?;
        let followed = Revision(followed.parse().map_err(|_| wrong)?);
        Ok(Self { followed, after: hex::decode(after).map_err(|_| wrong)? })
    }
}

/// One piece of a backup.
#[derive(Clone, Debug)]
pub struct BackupPiece {
    /// Frames in the form of [`crate::store::backup`].
    pub frames: Vec<u8>,
    /// Position of the next piece; `None` at the end. All pieces together are then the store at `revision`.
    pub next: Option<BackupPlace>,
    /// Commit up to which changes are included.
    pub revision: Revision,
}

impl Reader {
    /// Returns the next piece of a backup, from the beginning when `from` is `None`: entries, and changes since the
    /// piece before.
    ///
    /// # Errors
    /// [`EngineError::Store`]. With [`StoreError::Forgotten`](crate::store::StoreError::Forgotten) too much changed
    /// since the piece before: the caller starts the backup again.
    ///
    /// # Security
    /// A backup has everything but key texts, passwords and peppers: names, owners, comments, addresses, keyed hashes
    /// and sealed copies.
    pub fn backup_piece(&self, from: Option<&BackupPlace>) -> Result<BackupPiece, EngineError> {
        let followed = from.map_or_else(|| self.store.revision(), |from| from.followed);
        let after = from.map(|from| from.after.as_slice());
        let entries = self.store.scan(b"", after, limits::PAGE_MAX)?;
        let last = entries.last().filter(|_| entries.len() == limits::PAGE_MAX).map(|last| last.key.clone());
        // Read after the entries, so that it has every commit that shows in them.
        let changes = self.store.changes(followed, usize::MAX)?;
        let revision = changes.last().map_or(followed, |change| change.revision);
        let mut frames = Vec::new();
        for entry in entries {
            Frame { key: entry.key, value: Some(entry.value) }.write(&mut frames);
        }
        for (key, value) in changes.into_iter().flat_map(|change| change.writes) {
            Frame { key, value }.write(&mut frames);
        }
        Ok(BackupPiece {
            frames,
            next: last.map(|after| BackupPlace { followed: revision, after }),
            revision,
        })
    }
}
