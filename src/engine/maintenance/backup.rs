//! Copying a whole store while it changes.

use std::fmt;
use std::str::FromStr;

use crate::engine::{EngineError, Reader};
use crate::key::ParseError;
use crate::limits;
use crate::store::Revision;
use crate::store::backup::Frame;

/// Where a backup goes on: what was copied, and up to which commit changes were followed.
///
/// As text `12:6b2f…`, the number of a commit and the last key in hexadecimal digits.
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

/// A part of a backup.
#[derive(Clone, Debug)]
pub struct BackupPiece {
    /// Frames, one after the other, as [`crate::store::backup`] has them.
    pub frames: Vec<u8>,
    /// Where to go on; `None` at the end, when all pieces together are the store at `revision`.
    pub next: Option<BackupPlace>,
    /// Up to which commit changes are in what was copied.
    pub revision: Revision,
}

impl Reader {
    /// The next piece of a backup, from its beginning when `from` is `None`: entries, and what changed meanwhile.
    ///
    /// # Errors
    /// [`EngineError::Store`]; with [`StoreError::Forgotten`](crate::store::StoreError::Forgotten) too much changed since the piece before, and the backup
    /// has to begin again.
    ///
    /// # Security
    /// A backup has everything but key texts, passwords and peppers: names, owners, comments, addresses, keyed hashes and
    /// sealed copies.
    pub fn backup_piece(&self, from: Option<&BackupPlace>) -> Result<BackupPiece, EngineError> {
        let followed = from.map_or_else(|| self.store.revision(), |from| from.followed);
        let after = from.map(|from| from.after.as_slice());
        let entries = self.store.scan(b"", after, limits::PAGE_MAX)?;
        let last = entries.last().filter(|_| entries.len() == limits::PAGE_MAX).map(|last| last.key.clone());
        // Asked for after the entries, so that every commit that shows in them is among these.
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
