//! One secret of a key in 48 bytes.
//!
//! What a slot allows is one word, so that changing it is one atomic store and no reader sees half a change.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use super::uses::Uses;
use crate::clock::Timestamp;
use crate::key::{Expiry, HotRecord, KeyId, KeyTrace, Level, Locator, Standing};

/// What a slot is found by: the locator, and the first 96 bits of the keyed hash.
///
/// Nobody without the pepper can aim at a hash, and a guess is compared with four of them: it is taken for another
/// key once in 2^94 times.
#[derive(Clone, Copy)]
pub(super) struct Fingerprint(u64, u64);

impl Fingerprint {
    pub(super) fn of(trace: &KeyTrace) -> Self {
        let (words, _) = trace.hash.as_bytes().as_chunks::<8>();
        let word = |at| words.get(at).copied().map_or(0, u64::from_le_bytes);
        Self(u64::from(trace.locator.number()) << 32 | word(1) >> 32, word(0))
    }

    pub(super) const fn locator(self) -> Locator {
        Locator::from_number((self.0 >> 32) as u32)
    }

    pub(super) const fn words(self) -> (u64, u64) {
        (self.0, self.1)
    }
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
/// 60       1; the word of a free slot is 0
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rights(u64);

const NEVER: u64 = (1 << 48) - 1;
const LIVE: u64 = 1 << 60;
const OUT_OF_LINE: u64 = 3;

impl Rights {
    /// Of a slot that is free.
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

/// One secret of a key.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub(super) struct Slot {
    fingerprint: [AtomicU64; 2],
    id: [AtomicU64; 2],
    rights: AtomicU64,
    owner: AtomicU32,
    uses: AtomicU32,
}

/// What a slot holds, but for its uses.
#[derive(Clone, Copy)]
pub(super) struct Content {
    pub(super) fingerprint: Fingerprint,
    pub(super) id: KeyId,
    pub(super) rights: Rights,
    pub(super) owner: u32,
}

impl Slot {
    /// Whether it holds this fingerprint. Takes the same time wherever they differ.
    pub(super) fn is(&self, fingerprint: Fingerprint) -> bool {
        let [a, b] = &self.fingerprint;
        let differs =
            (a.load(Ordering::Relaxed) ^ fingerprint.0) | (b.load(Ordering::Relaxed) ^ fingerprint.1);
        // Both are looked at, so that there is no branch between them.
        (differs == 0) & (self.rights.load(Ordering::Acquire) != 0)
    }

    pub(super) fn rights(&self) -> Rights {
        Rights(self.rights.load(Ordering::Acquire))
    }

    pub(super) fn set_rights(&self, rights: Rights) {
        self.rights.store(rights.0, Ordering::Release);
    }

    pub(super) fn is_free(&self) -> bool {
        self.rights() == Rights::NONE
    }

    pub(super) fn content(&self) -> Content {
        let [a, b] = &self.fingerprint;
        let [high, low] = &self.id;
        let id = u128::from(high.load(Ordering::Relaxed)) << 64 | u128::from(low.load(Ordering::Relaxed));
        Content {
            fingerprint: Fingerprint(a.load(Ordering::Relaxed), b.load(Ordering::Relaxed)),
            id: KeyId::from_number(id),
            rights: self.rights(),
            owner: self.owner.load(Ordering::Relaxed),
        }
    }

    /// Fills the slot. Only while its table is being changed.
    pub(super) fn fill(&self, content: Content, uses: Uses) {
        let [a, b] = &self.fingerprint;
        a.store(content.fingerprint.0, Ordering::Relaxed);
        b.store(content.fingerprint.1, Ordering::Relaxed);
        let id = content.id.number();
        let [high, low] = &self.id;
        high.store((id >> 64) as u64, Ordering::Relaxed);
        low.store(id as u64, Ordering::Relaxed);
        self.owner.store(content.owner, Ordering::Relaxed);
        self.uses.store(uses.bits(), Ordering::Relaxed);
        self.rights.store(content.rights.0, Ordering::Release);
    }

    pub(super) const fn uses(&self) -> &AtomicU32 {
        &self.uses
    }
}
