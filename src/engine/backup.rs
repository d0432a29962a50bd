//! Copying a whole store while it changes, and what a copy would bring back.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::key::{Condition, Key, KeyId, KeyedHash, ParseError, Prefix, Status, User, Username};
use crate::limits;
use crate::store::backup::Frame;
use crate::store::codec::Record as _;
use crate::store::{Revision, Store, StoreError, paged, schema};

use super::{EngineError, Reader};

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
    /// [`EngineError::Store`]; with [`StoreError::Forgotten`] too much changed since the piece before, and the backup
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

/// A key that is no good now and would be with a backup in the store's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComingBack {
    /// The key.
    pub key: KeyId,
    /// What it shows.
    pub prefix: Prefix,
    /// Whose it was in the backup.
    pub owner: Username,
    /// Why it is no good now.
    pub because: &'static str,
}

/// Keys that are good in the store `then` and would let somebody in who is kept out by the store `now`: their key was
/// revoked, suspended, rotated, limited to an earlier end or removed since, or its owner blocked.
///
/// # Errors
/// The stores'.
pub fn coming_back(
    then: &dyn Store,
    now: &dyn Store,
    time: Timestamp,
) -> Result<Vec<ComingBack>, StoreError> {
    let mut found = Vec::new();
    for entry in paged(None, |after, limit| then.scan(schema::KEYS, after, limit)) {
        let key = Key::from_entry(&entry?)?;
        let Some(owner) = good(then, &key, time)? else { continue };
        let because = match now.get(&schema::key(&key.id.to_bytes()))? {
            None => "deleted",
            Some(entry) => {
                let today = Key::from_entry(&entry)?;
                match today.condition(time) {
                    Condition::Revoked => "revoked",
                    Condition::Suspended => "suspended",
                    Condition::Expired => "expired",
                    Condition::Active if good(now, &today, time)?.is_none() => "owner blocked",
                    Condition::Active if !has_secrets_of(&today, &key, time) => "rotated",
                    Condition::Active => continue,
                }
            }
        };
        let prefix = key.secrets.current.prefix.clone();
        found.push(ComingBack { key: key.id, prefix, owner: owner.username, because });
    }
    Ok(found)
}

/// The owner of a key that verifies, as far as records tell.
fn good(store: &dyn Store, key: &Key, time: Timestamp) -> Result<Option<User>, StoreError> {
    if key.condition(time) != Condition::Active {
        return Ok(None);
    }
    let owner = store.get(&schema::user(key.owner.0))?;
    let owner = owner.as_ref().map(User::from_entry).transpose()?;
    Ok(owner.filter(|owner| owner.status == Status::Active))
}

/// Whether every text that is good for `then` is good for `now`, too.
fn has_secrets_of(now: &Key, then: &Key, time: Timestamp) -> bool {
    let hashes = |key: &Key| -> Vec<KeyedHash> {
        let previous = key.secrets.previous.iter().filter(|(_, end)| *end > time).map(|(secret, _)| secret);
        previous.chain([&key.secrets.current]).map(|secret| secret.hash).collect()
    };
    let good = hashes(now);
    hashes(then).iter().all(|hash| good.contains(hash))
}
