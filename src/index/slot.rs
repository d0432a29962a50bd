//! One secret of a key in 56 bytes.
//!
//! Every word is changed by one atomic store, so a reader never sees half a change: what the slot allows is one word,
//! what it belongs to is written before the slot can be found and never again.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::clock::Timestamp;
use crate::key::{Expiry, HotRecord, KeyId, KeyedHash, Level, Standing};

/// The first 128 bits of a keyed hash: what a slot is found by.
#[derive(Clone, Copy)]
pub(super) struct Fingerprint(u64, u64);

impl Fingerprint {
    pub(super) fn of(hash: &KeyedHash) -> Self {
        let [a, b, ..] = words(hash.as_bytes());
        Self(a, b)
    }

    /// Decides the place of the slot.
    pub(super) const fn place(self) -> u64 {
        self.0
    }

    /// One byte of it, never 0: tells most other slots from this one.
    pub(super) const fn tag(self) -> u8 {
        let [tag, ..] = self.1.to_le_bytes();
        if tag == 0 { 1 } else { tag }
    }

    /// As a key of other maps.
    pub(super) const fn words(self) -> (u64, u64) {
        (self.0, self.1)
    }

    /// Takes the same time wherever they differ.
    const fn equals(self, a: u64, b: u64) -> bool {
        (self.0 ^ a) | (self.1 ^ b) == 0
    }
}

fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let (chunks, _) = bytes.as_chunks::<8>();
    let mut words = [0; 4];
    for (word, chunk) in words.iter_mut().zip(chunks) {
        *word = u64::from_le_bytes(*chunk);
    }
    words
}

/// Names a keyspace within one index.
pub(super) type KeyspaceNumber = u8;
/// Keyspaces that a slot can name; those of further ones lie out of line.
pub(super) const KEYSPACES: usize = 64;

/// What a slot allows, in one word.
///
/// ```text
/// 0 … 47   expiry in milliseconds, all ones for never
/// 48 … 51  level
/// 52 … 57  keyspace number
/// 58 … 59  0 active, 1 suspended, 2 revoked, 3 the record lies out of line
/// 60       1; the word of a removed slot is 0
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rights(u64);

const NEVER: u64 = (1 << 48) - 1;
const LIVE: u64 = 1 << 60;
const OUT_OF_LINE: u64 = 3;

impl Rights {
    /// Of a slot that was removed, or never filled.
    pub(super) const NONE: Self = Self(0);
    /// Of a slot whose record does not fit.
    pub(super) const OUT_OF_LINE: Self = Self(LIVE | OUT_OF_LINE << 58);

    /// The rights of a record, if they fit into a word: no allowlist, no rate limit, no grace period.
    pub(super) fn of(record: &HotRecord, keyspace: Option<KeyspaceNumber>) -> Self {
        let standing = match record.standing {
            Standing::Active => Some(0),
            Standing::Suspended => Some(1),
            Standing::Revoked => Some(2),
            Standing::Retiring { .. } => None,
        };
        let plain = record.allowlist.networks().is_empty() && record.rate_limits.all().is_empty();
        let expiry = match record.expiry {
            Expiry::Never => NEVER,
            Expiry::At(end) => end.unix_ms(),
        };
        match (standing, keyspace) {
            (Some(standing), Some(keyspace)) if plain && u32::try_from(record.owner.0).is_ok() => Self(
                expiry
                    | u64::from(record.level.number()) << 48
                    | u64::from(keyspace) << 52
                    | standing << 58
                    | LIVE,
            ),
            _ => Self::OUT_OF_LINE,
        }
    }

    pub(super) const fn keyspace(self) -> KeyspaceNumber {
        (self.0 >> 52 & 0x3f) as u8
    }

    pub(super) fn level(self) -> Level {
        // Only levels are packed.
        Level::new((self.0 >> 48 & 0xf) as u8).unwrap_or(Level::AUTHENTICATE)
    }

    pub(super) const fn expiry(self) -> Expiry {
        match self.0 & NEVER {
            NEVER => Expiry::Never,
            ms => Expiry::At(Timestamp::from_unix_ms(ms)),
        }
    }

    /// `None` when the record lies out of line.
    pub(super) const fn standing(self) -> Option<Standing> {
        match self.0 >> 58 & 3 {
            0 => Some(Standing::Active),
            1 => Some(Standing::Suspended),
            2 => Some(Standing::Revoked),
            _ => None,
        }
    }
}

/// Uses in one word: how many in the lower half, the time of the latest in the upper one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally(u64);

impl Tally {
    pub(super) const NONE: Self = Self(0);
    /// Of a slot that takes no more: it was removed, or moved to another table.
    const CLOSED: Self = Self(u64::MAX);

    /// One more, at `now`, its time cut to 32 bits of milliseconds. `None` when the slot takes no more.
    fn plus_one(self, now: Timestamp) -> Option<Self> {
        let count = self.count().saturating_add(1).min(u32::MAX - 1);
        (self != Self::CLOSED).then(|| Self(now.unix_ms() << 32 | u64::from(count)))
    }

    /// How many; 0 for a slot that takes no more.
    pub(super) const fn count(self) -> u32 {
        if self.0 == u64::MAX { 0 } else { self.0 as u32 }
    }

    /// When the latest was, no later than `now` and at most 49 days before it.
    pub(super) const fn time(self, now: Timestamp) -> Timestamp {
        let ago = (now.unix_ms() as u32).wrapping_sub((self.0 >> 32) as u32);
        Timestamp::from_unix_ms(now.unix_ms().saturating_sub(ago as u64))
    }
}

/// One secret of a key.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub(super) struct Slot {
    fingerprint: [AtomicU64; 2],
    id: [AtomicU64; 2],
    rights: AtomicU64,
    uses: AtomicU64,
    owner: AtomicU32,
    /// IPv4 address of the latest use; 0 when it is none, or not known.
    from: AtomicU32,
}

impl Slot {
    /// Fills a slot that nobody can find yet.
    pub(super) fn fill(&self, fingerprint: Fingerprint, id: KeyId, owner: u32, rights: Rights) {
        let [a, b] = &self.fingerprint;
        a.store(fingerprint.0, Ordering::Relaxed);
        b.store(fingerprint.1, Ordering::Relaxed);
        let id = u128::from_be_bytes(*id.as_bytes());
        let [high, low] = &self.id;
        high.store((id >> 64) as u64, Ordering::Relaxed);
        low.store(id as u64, Ordering::Relaxed);
        self.owner.store(owner, Ordering::Relaxed);
        self.rights.store(rights.0, Ordering::Release);
    }

    pub(super) fn is(&self, fingerprint: Fingerprint) -> bool {
        let Fingerprint(a, b) = self.fingerprint();
        fingerprint.equals(a, b)
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let [a, b] = &self.fingerprint;
        Fingerprint(a.load(Ordering::Relaxed), b.load(Ordering::Relaxed))
    }

    pub(super) fn id(&self) -> KeyId {
        let [high, low] = &self.id;
        let id = u128::from(high.load(Ordering::Relaxed)) << 64 | u128::from(low.load(Ordering::Relaxed));
        KeyId::from_bytes(id.to_be_bytes())
    }

    pub(super) fn owner(&self) -> u32 {
        self.owner.load(Ordering::Relaxed)
    }

    pub(super) fn rights(&self) -> Rights {
        Rights(self.rights.load(Ordering::Acquire))
    }

    pub(super) fn set_rights(&self, rights: Rights) {
        self.rights.store(rights.0, Ordering::Release);
    }

    /// Counts a use; `false` when the slot takes no more.
    pub(super) fn note_use(&self, now: Timestamp, from: Option<Ipv4Addr>) -> bool {
        let mut tally = Tally(self.uses.load(Ordering::Relaxed));
        loop {
            let Some(more) = tally.plus_one(now) else { return false };
            match self.uses.compare_exchange_weak(tally.0, more.0, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => break,
                Err(found) => tally = Tally(found),
            }
        }
        self.from.store(from.map_or(0, u32::from), Ordering::Relaxed);
        true
    }

    /// The uses so far.
    pub(super) fn uses(&self) -> Tally {
        Tally(self.uses.load(Ordering::SeqCst))
    }

    /// Takes the uses so far away.
    pub(super) fn take_uses(&self) -> Tally {
        let taken = self.uses.load(Ordering::SeqCst);
        // A closed slot stays closed: only the writer closes, and the writer takes.
        if taken == Tally::CLOSED.0 { Tally::NONE } else { Tally(self.uses.swap(0, Ordering::SeqCst)) }
    }

    /// Takes the uses so far away and counts no more.
    pub(super) fn close(&self) -> Tally {
        Tally(self.uses.swap(Tally::CLOSED.0, Ordering::SeqCst))
    }

    /// Goes on counting from what another slot had.
    pub(super) fn continue_from(&self, uses: Tally, from: u32) {
        self.uses.store(if uses == Tally::CLOSED { 0 } else { uses.0 }, Ordering::Relaxed);
        self.from.store(from, Ordering::Relaxed);
    }

    pub(super) fn from_bits(&self) -> u32 {
        self.from.load(Ordering::Relaxed)
    }

    /// Where the latest use came from, if that was an IPv4 address.
    pub(super) fn from(&self) -> Option<IpAddr> {
        let bits = self.from_bits();
        (bits != 0).then(|| Ipv4Addr::from(bits).into())
    }
}
