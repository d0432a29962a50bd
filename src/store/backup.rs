//! Form of a backup: every entry of a store at one revision, in one stream.
//!
//! ```text
//! "keyward-backup 1\n" | frames | 2 | BLAKE3 of everything before 32
//! frame: 1 | length of key 4 | key | length of value 4 | value      an entry, as it is from here on
//!        0 | length of key 4 | key                                  no entry any more
//! ```
//!
//! Numbers are big-endian. A later frame of a key replaces an earlier one, so a store can be copied while it changes:
//! the changes follow its entries.

use std::io::{self, Read, Write};

use crate::limits;

const MAGIC: &[u8] = b"keyward-backup 1\n";
const REMOVED: u8 = 0;
const ENTRY: u8 = 1;
const END: u8 = 2;
/// No key of the store is longer.
const KEY_BYTES_MAX: usize = 4 * 1024;

/// Frame of a backup: an entry, or the removal of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Key of the entry.
    pub key: Vec<u8>,
    /// Value of the entry; `None` when it was removed.
    pub value: Option<Vec<u8>>,
}

impl Frame {
    /// Appends the frame to `bytes`.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(if self.value.is_some() { ENTRY } else { REMOVED });
        for part in [Some(&self.key), self.value.as_ref()].into_iter().flatten() {
            // Keys and values of a store are far shorter.
            bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend(part);
        }
    }
}

/// Writes a backup.
pub struct BackupWriter<W> {
    to: W,
    hash: blake3::Hasher,
}

impl<W: Write> BackupWriter<W> {
    /// Starts a backup that is written to `to`.
    ///
    /// # Errors
    /// [`io::Error`] of the writer.
    pub fn begin(to: W) -> io::Result<Self> {
        let mut writer = Self { to, hash: blake3::Hasher::new() };
        writer.write(MAGIC)?;
        Ok(writer)
    }

    /// Adds frames, written one after the other.
    ///
    /// # Errors
    /// [`io::Error`] of the writer.
    pub fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        self.hash.update(frames);
        self.to.write_all(frames)
    }

    /// Ends the backup. Without its end it is not valid.
    ///
    /// # Errors
    /// [`io::Error`] of the writer.
    pub fn end(mut self) -> io::Result<W> {
        self.write(&[END])?;
        self.to.write_all(self.hash.finalize().as_bytes())?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// Reads a backup to its end, calls `each` with every frame, and returns the number of frames.
///
/// A backup proves that it is complete at its end only: after an error the caller discards every frame.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when the bytes are not a backup, are damaged, end early or are followed by more.
/// [`io::Error`] of the reader, and every error of `each`.
pub fn read(from: impl Read, mut each: impl FnMut(Frame) -> io::Result<()>) -> io::Result<u64> {
    let mut from = Hashing { from, hash: blake3::Hasher::new() };
    if from.bytes(MAGIC.len())? != MAGIC {
        return Err(damaged("it does not begin as a backup does"));
    }
    for frames in 0.. {
        let [kind] = from.array()?;
        match kind {
            ENTRY => {
                let key = from.part(KEY_BYTES_MAX)?;
                let value = Some(from.part(limits::STORE_VALUE_BYTES_MAX)?);
                each(Frame { key, value })?;
            }
            REMOVED => each(Frame { key: from.part(KEY_BYTES_MAX)?, value: None })?,
            END => {
                let expected = from.hash.finalize();
                if from.array()? != *expected.as_bytes() {
                    return Err(damaged("its checksum is wrong"));
                }
                return if from.is_at_end()? { Ok(frames) } else { Err(damaged("more follows its end")) };
            }
            _ => return Err(damaged("it is damaged")),
        }
    }
    Err(damaged("it does not end"))
}

/// Hashes what it reads.
struct Hashing<R> {
    from: R,
    hash: blake3::Hasher,
}

impl<R: Read> Hashing<R> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn part(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).unwrap_or(usize::MAX);
        if length > most {
            return Err(damaged("it is damaged"));
        }
        self.bytes(length)
    }

    /// Whether the stream ends here: bytes after the checksum are not part of the backup.
    fn is_at_end(&mut self) -> io::Result<bool> {
        match self.from.read_exact(&mut [0]) {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.from.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("it ends early"),
            _ => error,
        })?;
        self.hash.update(bytes);
        Ok(())
    }
}

fn damaged(how: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, how)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<Frame> {
        let frame =
            |key: &[u8], value: Option<&[u8]>| Frame { key: key.to_vec(), value: value.map(<[u8]>::to_vec) };
        vec![frame(b"a", Some(b"1")), frame(b"b", Some(b"")), frame(b"a", None), frame(b"", Some(&[0; 300]))]
    }

    fn backup() -> Vec<u8> {
        let mut writer = BackupWriter::begin(Vec::new()).unwrap();
        for frame in frames() {
            let mut bytes = Vec::new();
            frame.write(&mut bytes);
            writer.write(&bytes).unwrap();
        }
        writer.end().unwrap()
    }

    #[test]
    fn frames_come_back_in_their_order() {
        let mut found = Vec::new();
        let count = read(&backup()[..], |frame| {
            found.push(frame);
            Ok(())
        });
        assert_eq!((count.unwrap(), found), (4, frames()));
    }

    #[test]
    fn a_backup_that_anything_follows_is_none() {
        let whole = backup();
        for more in [&b"\n"[..], &[0], &whole, MAGIC] {
            let refused = read(&[&whole[..], more].concat()[..], |_| Ok(())).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidData, "{refused}");
        }
    }

    #[test]
    fn a_backup_that_is_cut_off_or_has_one_other_bit_is_none() {
        let whole = backup();
        for length in 0..whole.len() {
            assert!(read(&whole[..length], |_| Ok(())).is_err(), "{length} bytes");
        }
        for bit in 0..whole.len() * 8 {
            let mut other = whole.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&other[..], |_| Ok(())).is_err(), "bit {bit}");
        }
    }
}
