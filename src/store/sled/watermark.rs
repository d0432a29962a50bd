//! Watermark: the store digest and time that were acknowledged, in a file of two slots outside sled, and the thread that
//! writes it.
//!
//! ```text
//! slot at 0 and at 4096: magic 8 | sequence 8 | state 1 | revision 8 | count 8 | sum 8 | time 8 | checksum 8
//! ```
//!
//! The magic ends in the number of the format, 2; a slot of format 1 has no time and is read as well. Numbers are big-endian; the checksum is the start of BLAKE3 over the rest of the slot. The slot with the higher
//! sequence counts. A write goes to the other slot and is synced, so that a torn write leaves the older one.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::limits;

use super::store_digest::StoreDigest;

/// State of the store when a slot was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The store was being created: no commit was acknowledged.
    Creating,
    /// The store was open: later commits than the slot's may exist.
    Running,
    /// The store was closed in good order: the slot's commit is the last.
    Stopped,
}

/// The content of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) sequence: u64,
    pub(super) state: State,
    pub(super) digest: StoreDigest,
    /// The newest time that was noted.
    pub(super) time: Option<Timestamp>,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Watermark {
    file: File,
    /// Sequence of the newest slot written or read.
    sequence: u64,
    /// Time in the newest slot; it never goes back.
    time: Option<Timestamp>,
}

impl Watermark {
    /// Opens or creates the file at `path`; with it its newest sound slot.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Option<Mark>)> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let mut newest: Option<Mark> = None;
        for slot in 0..SLOTS {
            let mut bytes = [0; SLOT_BYTES];
            let mut length = 0;
            // The last slot of format 1 ends with the file.
            while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
                match file.read_at(rest, slot * SLOT_DISTANCE + length as u64)? {
                    0 => break,
                    read => length += read,
                }
            }
            newest = newest.into_iter().chain(decode(&bytes)).max_by_key(|mark| mark.sequence);
        }
        let (sequence, time) = newest.map_or((0, None), |mark| (mark.sequence, mark.time));
        Ok((Self { file, sequence, time }, newest))
    }

    /// Sequence of the newest slot.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Time in the newest slot.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// Raises the time that the next write stores.
    pub(super) fn raise(&mut self, time: Option<Timestamp>) {
        self.time = self.time.max(time);
    }

    /// Writes and syncs the slot that is not the newest.
    pub(super) fn write(&mut self, state: State, digest: StoreDigest) -> io::Result<()> {
        let sequence = self.sequence.wrapping_add(1);
        let bytes = encode(&Mark { sequence, state, digest, time: self.time });
        self.file.write_all_at(&bytes, sequence % SLOTS * SLOT_DISTANCE)?;
        self.file.sync_all()?;
        self.sequence = sequence;
        Ok(())
    }
}

const MAGIC: [u8; 8] = *b"keyward\x02";
/// Of a slot without a time.
const MAGIC_1: [u8; 8] = *b"keyward\x01";
const SLOTS: u64 = 2;
/// Slots lie in different blocks, so that tearing one spares the other.
const SLOT_DISTANCE: u64 = 4096;
const SLOT_BYTES: usize = CONTENT_BYTES + 8;
const CONTENT_BYTES: usize = CONTENT_1_BYTES + 8;
const CONTENT_1_BYTES: usize = MAGIC.len() + 8 + 1 + StoreDigest::BYTES;

fn encode(mark: &Mark) -> Vec<u8> {
    let state = match mark.state {
        State::Creating => 0,
        State::Running => 1,
        State::Stopped => 2,
    };
    // Nothing happens in 1970.
    let time = mark.time.map_or(0, Timestamp::unix_ms);
    let content =
        [&MAGIC[..], &mark.sequence.to_be_bytes(), &[state], &mark.digest.encode(), &time.to_be_bytes()]
            .concat();
    [&content[..], &checksum(&content)].concat()
}

fn decode(bytes: &[u8; SLOT_BYTES]) -> Option<Mark> {
    let length = if bytes.starts_with(&MAGIC_1) { CONTENT_1_BYTES } else { CONTENT_BYTES };
    let (content, rest) = bytes.split_at_checked(length)?;
    let sound = *rest.first_chunk::<8>()? == checksum(content);
    let numbers = content.strip_prefix(&MAGIC).or_else(|| content.strip_prefix(&MAGIC_1))?;
    let (sequence, rest) = numbers.split_first_chunk::<8>()?;
    let (state, rest) = rest.split_first()?;
    let (digest, time) = rest.split_at_checked(StoreDigest::BYTES)?;
    let state = match state {
        0 => State::Creating,
        1 => State::Running,
        2 => State::Stopped,
        _ => return None,
    };
    let time = time.first_chunk::<8>().map(|time| u64::from_be_bytes(*time)).filter(|time| *time > 0);
    let (sequence, digest) = (u64::from_be_bytes(*sequence), StoreDigest::decode(digest)?);
    sound.then_some(Mark { sequence, state, digest, time: time.map(Timestamp::from_unix_ms) })
}

fn checksum(content: &[u8]) -> [u8; 8] {
    let mut checksum = [0; 8];
    blake3::Hasher::new().update(content).finalize_xof().fill(&mut checksum);
    checksum
}

/// The thread that writes the watermark about once a second while commits happen.
#[derive(Debug)]
pub(super) struct WatermarkWriter {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Watermark>>,
}

#[derive(Debug, Default)]
struct Shared {
    news: Mutex<News>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct News {
    /// Digest to write.
    digest: Option<StoreDigest>,
    time: Option<Timestamp>,
    stop: bool,
}

impl News {
    fn is_none(&self) -> bool {
        self.digest.is_none() && self.time.is_none()
    }
}

impl Shared {
    // The fields are set by plain moves, so a poisoned lock guards a whole state.
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatermarkWriter {
    /// Starts the thread, which goes on from what `digest` says.
    pub(super) fn start(watermark: Watermark, digest: StoreDigest) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("watermark".to_owned());
        let thread = thread.spawn(move || write_behind(watermark, digest, &of_thread))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Hands over the newest digest; never waits for the disk.
    pub(super) fn note(&self, digest: StoreDigest) {
        self.tell(|news| news.digest = Some(digest));
    }

    /// Hands over the newest time, in the same way.
    pub(super) fn note_time(&self, time: Timestamp) {
        self.tell(|news| news.time = news.time.max(Some(time)));
    }

    fn tell(&self, what: impl FnOnce(&mut News)) {
        let mut news = self.shared.news();
        let idle = news.is_none();
        what(&mut news);
        drop(news);
        if idle {
            self.shared.wake.notify_one();
        }
    }

    /// Ends the thread and hands back the file; `None` when the thread had died or was stopped before.
    pub(super) fn stop(&mut self) -> Option<Watermark> {
        self.shared.news().stop = true;
        self.shared.wake.notify_one();
        self.thread.take()?.join().ok()
    }
}

impl Drop for WatermarkWriter {
    fn drop(&mut self) {
        self.stop();
    }
}

fn write_behind(mut watermark: Watermark, mut digest: StoreDigest, shared: &Shared) -> Watermark {
    let interval = Duration::from_millis(limits::WATERMARK_INTERVAL_MS);
    loop {
        let idle = shared.wake.wait_while(shared.news(), |news| news.is_none() && !news.stop);
        let news = idle.unwrap_or_else(PoisonError::into_inner);
        let waited = shared.wake.wait_timeout_while(news, interval, |news| !news.stop);
        let (mut news, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if news.stop {
            return watermark;
        }
        digest = news.digest.take().unwrap_or(digest);
        watermark.raise(news.time.take());
        drop(news);
        if let Err(error) = watermark.write(State::Running, digest) {
            tracing::warn!(%error, "the watermark could not be written; the next commit tries again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Revision;

    fn digest(revision: u64) -> StoreDigest {
        StoreDigest { revision: Revision(revision), count: revision * 2, sum: revision * 3 }
    }

    #[test]
    fn the_newest_slot_counts_and_a_torn_one_falls_back_to_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("watermark");
        let (mut watermark, found) = Watermark::open(&path).unwrap();
        assert_eq!(found, None);
        for revision in 1..=3 {
            watermark.write(State::Running, digest(revision)).unwrap();
        }
        assert_eq!(Watermark::open(&path).unwrap().1.unwrap().digest, digest(3));
        for byte in 0..SLOT_BYTES as u64 {
            let torn = byte + 3 % SLOTS * SLOT_DISTANCE;
            let mut was = [0];
            watermark.file.read_exact_at(&mut was, torn).unwrap();
            watermark.file.write_all_at(&[was[0] ^ 1], torn).unwrap();
            let found = Watermark::open(&path).unwrap().1.unwrap();
            assert_eq!((found.sequence, found.digest), (2, digest(2)), "byte {byte}");
            watermark.file.write_all_at(&was, torn).unwrap();
        }
    }

    #[test]
    fn every_state_comes_back() {
        for state in [State::Creating, State::Running, State::Stopped] {
            for time in [None, Some(Timestamp::from_unix_ms(1_764_100_000_000))] {
                let mark = Mark { sequence: 7, state, digest: digest(5), time };
                assert_eq!(decode(encode(&mark).as_slice().try_into().unwrap()), Some(mark));
            }
        }
    }

    #[test]
    fn a_file_without_a_time_is_read_and_gets_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("watermark");
        let content = [&MAGIC_1[..], &4_u64.to_be_bytes(), &[2], &digest(5).encode()].concat();
        std::fs::write(&path, [&content[..], &checksum(&content)].concat()).unwrap();
        let (mut watermark, found) = Watermark::open(&path).unwrap();
        let mark = Mark { sequence: 4, state: State::Stopped, digest: digest(5), time: None };
        assert_eq!(found, Some(mark));
        let at = |ms| Some(Timestamp::from_unix_ms(ms));
        watermark.raise(at(7));
        watermark.raise(at(6));
        watermark.raise(None);
        watermark.write(State::Running, digest(6)).unwrap();
        let found = Watermark::open(&path).unwrap().1.unwrap();
        assert_eq!((found.sequence, found.digest, found.time), (5, digest(6), at(7)));
    }
}
