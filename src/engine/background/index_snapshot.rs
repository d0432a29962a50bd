//! Index snapshot: a copy of the hot index in a file, so that a start need not read every hot record from the store.
//!
//! A stop writes it. It is valid for the exact commit after which it was written, so it cannot bring back a key that
//! was revoked later. After a further commit, or when any part is damaged, a start reads the store. Losing the file
//! loses time only.
//!
//! ```text
//! head   magic 8 | revision 8 | audit sequence 8 | audit hash 32 | keys 8 | checksum 16
//! block  length 4 | rows | checksum 16; any number of blocks
//! row    fingerprint 16 | length 2 | hot record
//! ```
//!
//! Numbers are big-endian. A checksum is the first 16 bytes of BLAKE3: of the head, or of the head's checksum, the
//! number of the block and its rows.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::index::{Fingerprint, HotIndex, IndexUpdate};
use crate::key::{AuditHead, HotRecord};
use crate::limits;
use crate::store::codec::Record as _;
use crate::store::{Revision, Store, StoreError, schema};

/// State of a store that a snapshot belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct SnapshotId {
    revision: Revision,
    audit: AuditHead,
}

impl SnapshotId {
    /// Returns the newest state.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub(in crate::engine) fn of(store: &dyn Store) -> Result<Self, StoreError> {
        let revision = store.revision();
        let head = store.get(schema::AUDIT_HEAD)?;
        let audit = head.as_ref().map(AuditHead::from_entry).transpose()?.unwrap_or_default();
        Ok(Self { revision, audit })
    }
}

/// Path of the snapshot; `None` for a store without a directory.
pub(in crate::engine) fn path(store: &dyn Store) -> Option<PathBuf> {
    store.directory().map(|directory| directory.join("index"))
}

type Checksum = [u8; 16];
type Head = [u8; HEAD_BYTES];

const MAGIC: [u8; 8] = *b"keywardi";
const HEAD_BYTES: usize = MAGIC.len() + 8 + 8 + 32 + 8;

fn head(id: SnapshotId, keys: u64) -> Head {
    let SnapshotId { revision, audit } = id;
    let parts = MAGIC
        .into_iter()
        .chain(revision.0.to_be_bytes())
        .chain(audit.sequence.to_be_bytes())
        .chain(audit.hash.0)
        .chain(keys.to_be_bytes());
    let mut head = [0; HEAD_BYTES];
    head.iter_mut().zip(parts).for_each(|(to, byte)| *to = byte);
    head
}

fn checksum(parts: &[&[u8]]) -> Checksum {
    let mut hasher = blake3::Hasher::new();
    parts.iter().for_each(|part| {
        hasher.update(part);
    });
    let mut checksum = Checksum::default();
    hasher.finalize_xof().fill(&mut checksum);
    checksum
}

/// Writes the snapshot of `index`. The index equals the store and does not change meanwhile. An existing snapshot of
/// the same state stays.
///
/// # Errors
/// [`io::Error`] of the file system. The previous snapshot stays then.
pub(in crate::engine) fn write(path: &Path, id: SnapshotId, index: &HotIndex) -> io::Result<()> {
    if IndexSnapshot::open(path, id).is_ok() {
        return Ok(());
    }
    let partial = path.with_extension("partial");
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    let keys = u64::try_from(index.len()).map_err(io::Error::other)?;
    let whole = write_to(file, id, keys, index);
    // Not synced: a power cut can only damage the file, and a damaged file is not used.
    match whole {
        Ok(true) => fs::rename(&partial, path),
        Ok(false) => fs::remove_file(&partial),
        Err(error) => fs::remove_file(&partial).and(Err(error)),
    }
}

/// Writes the snapshot; `false` when the index does not have all keys.
fn write_to(mut to: impl Write, id: SnapshotId, keys: u64, index: &HotIndex) -> io::Result<bool> {
    let head = head(id, keys);
    let of_head = checksum(&[&head]);
    to.write_all(&head)?;
    to.write_all(&of_head)?;
    let mut blocks = Blocks { file: to, of_head, number: 0 };
    let mut rows = Vec::with_capacity(limits::SNAPSHOT_BLOCK_BYTES);
    let whole = index.records(|fingerprint, record| -> io::Result<()> {
        let record = record.encode().map_err(io::Error::other)?;
        let length = u16::try_from(record.len()).map_err(io::Error::other)?;
        if rows.len() + FINGERPRINT_BYTES + 2 + record.len() > limits::SNAPSHOT_BLOCK_BYTES {
            blocks.write(&rows)?;
            rows.clear();
        }
        rows.extend(fingerprint.to_bytes());
        rows.extend(length.to_be_bytes());
        rows.extend(record);
        Ok(())
    })?;
    blocks.write(&rows)?;
    Ok(whole)
}

const FINGERPRINT_BYTES: usize = 16;

/// File after its head, with the number of its next block.
struct Blocks<F> {
    file: F,
    of_head: Checksum,
    number: u64,
}

impl<F: Write> Blocks<F> {
    fn write(&mut self, rows: &[u8]) -> io::Result<()> {
        let length = u32::try_from(rows.len()).map_err(io::Error::other)?;
        self.file.write_all(&length.to_be_bytes())?;
        self.file.write_all(rows)?;
        self.file.write_all(&checksum(&[&self.of_head, &self.number.to_be_bytes(), rows]))?;
        self.number += 1;
        Ok(())
    }
}

impl<F: Read> Blocks<F> {
    /// Returns rows, number and stored checksum of the next block; `None` at the end.
    fn read(&mut self) -> io::Result<Option<(Vec<u8>, u64, Checksum)>> {
        let mut length = [0; 4];
        match self.file.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| damaged())?;
        if length > limits::SNAPSHOT_BLOCK_BYTES {
            return Err(damaged());
        }
        let (mut rows, mut checksum) = (vec![0; length], Checksum::default());
        self.file.read_exact(&mut rows)?;
        self.file.read_exact(&mut checksum)?;
        let number = self.number;
        self.number += 1;
        Ok(Some((rows, number, checksum)))
    }
}

/// Open snapshot of the expected state. Threads read it together.
pub(in crate::engine) struct IndexSnapshot {
    keys: u64,
    of_head: Checksum,
    blocks: Mutex<Blocks<File>>,
}

impl IndexSnapshot {
    /// Opens the snapshot at `path`.
    ///
    /// # Errors
    /// [`io::Error`] of the file system; [`io::ErrorKind::InvalidData`] when the snapshot is of another state, or
    /// damaged.
    pub(in crate::engine) fn open(path: &Path, id: SnapshotId) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (mut found, mut of_head) = ([0; HEAD_BYTES], Checksum::default());
        file.read_exact(&mut found)?;
        file.read_exact(&mut of_head)?;
        let keys = found.last_chunk().map_or(0, |keys| u64::from_be_bytes(*keys));
        if found != head(id, keys) || of_head != checksum(&[&found]) {
            return Err(damaged());
        }
        Ok(Self { keys, of_head, blocks: Mutex::new(Blocks { file, of_head, number: 0 }) })
    }

    /// Number of rows.
    pub(in crate::engine) const fn keys(&self) -> u64 {
        self.keys
    }

    /// Returns the next rows; `None` at the end of the file. The snapshot is complete if all of its keys came before.
    ///
    /// # Errors
    /// As [`IndexSnapshot::open`].
    pub(in crate::engine) fn next(&self) -> io::Result<Option<Vec<IndexUpdate>>> {
        let block = self.blocks.lock().unwrap_or_else(PoisonError::into_inner).read()?;
        let Some((rows, number, found)) = block else { return Ok(None) };
        if found != checksum(&[&self.of_head, &number.to_be_bytes(), &rows]) {
            return Err(damaged());
        }
        let mut rest = rows.as_slice();
        let mut published = Vec::with_capacity(rows.len() / FINGERPRINT_BYTES / 3);
        while !rest.is_empty() {
            let row;
            (row, rest) = first_row(rest).ok_or_else(damaged)?;
            published.push(row);
        }
        Ok(Some(published))
    }
}

fn first_row(rows: &[u8]) -> Option<(IndexUpdate, &[u8])> {
    let (fingerprint, rest) = rows.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (record, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let record = HotRecord::decode(record).ok()?;
    Some((IndexUpdate::Key(Fingerprint::from_bytes(*fingerprint), record), rest))
}

fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
