//! What was acknowledged, kept outside sled: a small file of two slots, and the thread that writes it.
//!
//! ```text
//! slot at 0 and at 4096: magic 8 | sequence 8 | state 1 | revision 8 | count 8 | sum 8 | checksum 8
//! ```
//!
//! Numbers are big-endian; the checksum is the start of BLAKE3 over the rest of the slot. The slot with the higher
//! sequence counts. A write goes to the other slot and is synced, so that a torn write leaves the older one.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::limits;

use super::tally::Tally;

/// What the store was doing when a slot was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It was being created: nothing was ever acknowledged.
    Creating,
    /// It was open; later commits than the slot's may be there.
    Running,
    /// It was closed in good order; the slot's commit is the last.
    Stopped,
}

/// The content of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) sequence: u64,
    pub(super) state: State,
    pub(super) tally: Tally,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Watermark {
    file: File,
    /// Sequence of the newest slot written or read.
    sequence: u64,
}

impl Watermark {
    /// Opens or creates the file at `path`; with it its newest sound slot.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Option<Mark>)> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let mut newest: Option<Mark> = None;
        for slot in 0..SLOTS {
            let mut bytes = [0; SLOT_BYTES];
            match file.read_exact_at(&mut bytes, slot * SLOT_DISTANCE) {
                Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
                Err(_) => continue,
                Ok(()) => {}
            }
            newest = newest.into_iter().chain(decode(&bytes)).max_by_key(|mark| mark.sequence);
        }
        Ok((Self { file, sequence: newest.map_or(0, |mark| mark.sequence) }, newest))
    }

    /// Sequence of the newest slot.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Writes and syncs the slot that is not the newest.
    pub(super) fn write(&mut self, state: State, tally: Tally) -> io::Result<()> {
        let sequence = self.sequence.wrapping_add(1);
        let bytes = encode(&Mark { sequence, state, tally });
        self.file.write_all_at(&bytes, sequence % SLOTS * SLOT_DISTANCE)?;
        self.file.sync_all()?;
        self.sequence = sequence;
        Ok(())
    }
}

const MAGIC: [u8; 8] = *b"keyward\x01";
const SLOTS: u64 = 2;
/// Slots lie in different blocks, so that tearing one spares the other.
const SLOT_DISTANCE: u64 = 4096;
const SLOT_BYTES: usize = CONTENT_BYTES + 8;
const CONTENT_BYTES: usize = MAGIC.len() + 8 + 1 + Tally::BYTES;

fn encode(mark: &Mark) -> Vec<u8> {
    let state = match mark.state {
        State::Creating => 0,
        State::Running => 1,
        State::Stopped => 2,
    };
    let content = [&MAGIC[..], &mark.sequence.to_be_bytes(), &[state], &mark.tally.encode()].concat();
    [&content[..], &checksum(&content)].concat()
}

fn decode(bytes: &[u8; SLOT_BYTES]) -> Option<Mark> {
    let (content, stored) = bytes.split_last_chunk::<8>()?;
    let (sequence, rest) = content.strip_prefix(&MAGIC)?.split_first_chunk::<8>()?;
    let (state, tally) = rest.split_first()?;
    let state = match state {
        0 => State::Creating,
        1 => State::Running,
        2 => State::Stopped,
        _ => return None,
    };
    let mark = Mark { sequence: u64::from_be_bytes(*sequence), state, tally: Tally::decode(tally)? };
    (*stored == checksum(content)).then_some(mark)
}

fn checksum(content: &[u8]) -> [u8; 8] {
    let mut checksum = [0; 8];
    blake3::Hasher::new().update(content).finalize_xof().fill(&mut checksum);
    checksum
}

/// The thread that writes the watermark about once a second while commits happen.
#[derive(Debug)]
pub(super) struct Keeper {
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
    /// What is to be written.
    tally: Option<Tally>,
    stop: bool,
}

impl Shared {
    // The two fields are set by plain moves, so a poisoned lock guards a whole state.
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper {
    /// Starts the thread.
    pub(super) fn start(watermark: Watermark) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("watermark".to_owned());
        let thread = thread.spawn(move || keep(watermark, &of_thread))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Hands over the newest tally; never waits for the disk.
    pub(super) fn note(&self, tally: Tally) {
        if self.shared.news().tally.replace(tally).is_none() {
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

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

fn keep(mut watermark: Watermark, shared: &Shared) -> Watermark {
    let interval = Duration::from_millis(limits::WATERMARK_INTERVAL_MS);
    loop {
        let idle = shared.wake.wait_while(shared.news(), |news| news.tally.is_none() && !news.stop);
        let news = idle.unwrap_or_else(PoisonError::into_inner);
        let waited = shared.wake.wait_timeout_while(news, interval, |news| !news.stop);
        let (mut news, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if news.stop {
            return watermark;
        }
        let tally = news.tally.take();
        drop(news);
        if let Some(Err(error)) = tally.map(|tally| watermark.write(State::Running, tally)) {
            tracing::warn!(%error, "the watermark could not be written; the next commit tries again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Revision;

    fn tally(revision: u64) -> Tally {
        Tally { revision: Revision(revision), count: revision * 2, sum: revision * 3 }
    }

    #[test]
    fn the_newest_slot_counts_and_a_torn_one_falls_back_to_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("watermark");
        let (mut watermark, found) = Watermark::open(&path).unwrap();
        assert_eq!(found, None);
        for revision in 1..=3 {
            watermark.write(State::Running, tally(revision)).unwrap();
        }
        assert_eq!(Watermark::open(&path).unwrap().1.unwrap().tally, tally(3));
        for byte in 0..SLOT_BYTES as u64 {
            let torn = byte + 3 % SLOTS * SLOT_DISTANCE;
            let mut was = [0];
            watermark.file.read_exact_at(&mut was, torn).unwrap();
            watermark.file.write_all_at(&[was[0] ^ 1], torn).unwrap();
            let found = Watermark::open(&path).unwrap().1.unwrap();
            assert_eq!((found.sequence, found.tally), (2, tally(2)), "byte {byte}");
            watermark.file.write_all_at(&was, torn).unwrap();
        }
    }

    #[test]
    fn every_state_comes_back() {
        for state in [State::Creating, State::Running, State::Stopped] {
            let mark = Mark { sequence: 7, state, tally: tally(5) };
            assert_eq!(decode(encode(&mark).as_slice().try_into().unwrap()), Some(mark));
        }
    }
}
