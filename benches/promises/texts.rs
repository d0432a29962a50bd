//! Key texts to present, side by side in memory so that reading them costs next to nothing.

use super::catalogue::text;

/// Texts of one length, in one piece of memory.
pub(crate) struct Texts {
    all: String,
    length: usize,
}

impl Texts {
    /// `count` texts, the n-th by `make`.
    pub(crate) fn new(count: u64, make: impl Fn(u64) -> String + Sync) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let share = count.div_ceil(threads);
        let all: String = std::thread::scope(|scope| {
            let make = &make;
            let part =
                |part| move || (part * share..count.min((part + 1) * share)).map(make).collect::<String>();
            let parts: Vec<_> = (0..threads).map(|number| scope.spawn(part(number))).collect();
            parts.into_iter().map(|part| part.join().unwrap()).collect()
        });
        let length = all.len() / usize::try_from(count).unwrap();
        Self { all, length }
    }

    /// Keys that are there, in an order that is none of the store's.
    pub(crate) fn hits(count: u64, keys: u64) -> Self {
        Self::new(count, |n| {
            let key = scattered(n, keys);
            text(key, key)
        })
    }

    /// Keys of the right form with ids of no key.
    pub(crate) fn unknown(count: u64) -> Self {
        Self::new(count, |n| text(NOBODY + n, NOBODY + n))
    }

    /// Ids that are there, with the secrets of others.
    pub(crate) fn wrong_secrets(count: u64, keys: u64) -> Self {
        Self::new(count, |n| text(scattered(n, keys), NOBODY + n))
    }

    /// Hits with one letter changed, so that the checksum is wrong.
    pub(crate) fn malformed(count: u64, keys: u64) -> Self {
        Self::new(count, |n| {
            let key = scattered(n, keys);
            let mut text = text(key, key);
            let last = text.pop().unwrap();
            text.push(if last == '0' { '1' } else { '0' });
            text
        })
    }

    /// The n-th text and those after it, without end.
    pub(crate) fn from(&self, n: usize) -> impl Iterator<Item = &str> {
        let count = self.all.len() / self.length;
        (n..).map(move |n| {
            let at = n % count * self.length;
            &self.all[at..at + self.length]
        })
    }
}

/// Beyond the numbers of all keys.
const NOBODY: u64 = 1 << 40;

/// A number below `keys` that looks drawn by chance.
fn scattered(n: u64, keys: u64) -> u64 {
    let hash = blake3::hash(&n.to_be_bytes());
    u64::from_le_bytes(*hash.as_bytes().first_chunk().unwrap()) % keys
}
