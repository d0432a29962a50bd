//! One secret of a key in 48 bytes: 32 that a look-up compares and judges by, and 16 of the key's id.
//!
//! Two slots are a bucket and fill a line of the processor's cache. Two buckets are a group, and the ids of its four
//! slots are in the line behind them: what a look-up needs of one bucket is two lines of one page.
//!
//! The policy of a slot is one word, so that changing it is one atomic store and no reader sees half a change.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use super::policies::PolicyId;
use super::uses::Uses;
use crate::clock::Timestamp;
use crate::key::{Expiry, HotRecord, KeyId, KeyedHash, Level, Locator, LookupKey, SecretState};

/// Fingerprint that a slot is found by: the locator, and the first 96 bits of the keyed hash.
///
/// # Security
/// Without the pepper a client cannot aim at a hash. A guess is compared with four fingerprints, so it is taken for
/// another key once in 2^94 times.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64, u64);

impl Fingerprint {
    #[inline]
    pub(super) fn of(locator: Locator, hash: &KeyedHash) -> Self {
        let (words, _) = hash.as_bytes().as_chunks::<8>();
        let word = |at| words.get(at).copied().map_or(0, u64::from_le_bytes);
        Self(u64::from(locator.number()) << 32 | word(1) >> 32, word(0))
    }

    pub(super) const fn locator(self) -> Locator {
        Locator::from_number((self.0 >> 32) as u32)
    }

    pub(super) const fn words(self) -> (u64, u64) {
        (self.0, self.1)
    }

    /// Reads a fingerprint from its bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        Self((number >> 64) as u64, number as u64)
    }

    /// Returns its bytes, big-endian.
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.0) << 64 | u128::from(self.1)).to_be_bytes()
    }
}

impl From<&LookupKey> for Fingerprint {
    fn from(key: &LookupKey) -> Self {
        Self::of(key.locator, &key.hash)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// Number of a keyspace within one index.
pub(super) type KeyspaceNumber = u8;
/// Number of keyspaces that a slot can name.
pub(super) const KEYSPACES: usize = 64;

/// Policy of one secret in one word, or the id of a shared policy.
///
/// ```text
/// 0 … 47   expiry in milliseconds, all ones for never; or the id of a shared policy
/// 48 … 51  level
/// 52 … 57  keyspace number
/// 58 … 59  0 active, 1 suspended, 2 revoked, 3 shared policy
/// 60       1; the word of a free slot is 0
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackedPolicy(u64);

const LOW: u64 = (1 << 48) - 1;
const NEVER: u64 = LOW;
const LIVE: u64 = 1 << 60;
const SHARED: u64 = 3;

impl PackedPolicy {
    /// Word of a free slot.
    pub(super) const NONE: Self = Self(0);

    /// Packs the policy of a record; `None` when it has an allowlist, a rate limit or a grace period, and so does not fit.
    pub(super) fn of(record: &HotRecord, keyspace: Option<KeyspaceNumber>) -> Option<Self> {
        let secret_state = match record.secret_state {
            SecretState::Active => 0,
            SecretState::Suspended => 1,
            SecretState::Revoked => 2,
            SecretState::Retiring { .. } => return None,
        };
        if !record.allowlist.networks().is_empty() || !record.rate_limits.all().is_empty() {
            return None;
        }
        let expiry = match record.expiry {
            Expiry::Never => NEVER,
            Expiry::At(end) => end.unix_ms(),
        };
        let (level, keyspace) = (u64::from(record.level.number()), u64::from(keyspace?));
        Some(Self(expiry | level << 48 | keyspace << 52 | secret_state << 58 | LIVE))
    }

    /// Refers to a shared policy.
    pub(super) const fn shared(number: PolicyId) -> Self {
        Self(number & LOW | SHARED << 58 | LIVE)
    }

    /// Returns the id of the shared policy; `None` when the policy is in this word.
    #[inline]
    pub(super) const fn policy_id(self) -> Option<PolicyId> {
        if self.0 >> 58 & 3 == SHARED { Some(self.0 & LOW) } else { None }
    }

    pub(super) const fn keyspace(self) -> KeyspaceNumber {
        (self.0 >> 52 & 0x3f) as u8
    }

    pub(super) fn level(self) -> Level {
        // Only levels are packed.
        Level::new((self.0 >> 48 & 0xf) as u8).unwrap_or(Level::AUTHENTICATE)
    }

    pub(super) const fn expiry(self) -> Expiry {
        match self.0 & LOW {
            NEVER => Expiry::Never,
            ms => Expiry::At(Timestamp::from_unix_ms(ms)),
        }
    }

    /// State of the secret; meaningless for a shared policy.
    #[inline]
    pub(super) const fn secret_state(self) -> SecretState {
        match self.0 >> 58 & 3 {
            0 => SecretState::Active,
            1 => SecretState::Suspended,
            _ => SecretState::Revoked,
        }
    }
}

/// One secret of a key.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub(super) struct Slot {
    /// Zeros in a free slot.
    fingerprint: [AtomicU64; 2],
    policy: AtomicU64,
    owner: AtomicU32,
    uses: AtomicU32,
}

/// Id of the key in the slot with the same index.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub(super) struct Id([AtomicU64; 2]);

/// Slots of a bucket.
pub(super) const BUCKET: usize = 2;
/// Buckets of a group.
pub(super) const BUCKETS: usize = 2;
/// Slots of a group.
pub(super) const GROUP: usize = BUCKET * BUCKETS;

/// Two buckets and the ids of their keys.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub(super) struct Group {
    slots: [[Slot; BUCKET]; BUCKETS],
    ids: [[Id; BUCKET]; BUCKETS],
}

/// A slot with the id of its key.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) slot: &'a Slot,
    pub(super) id: &'a Id,
}

/// Content of a row without its uses.
#[derive(Clone, Copy)]
pub(super) struct SlotContent {
    pub(super) fingerprint: Fingerprint,
    pub(super) id: KeyId,
    pub(super) policy: PackedPolicy,
    pub(super) owner: u32,
}

impl Group {
    /// Returns the slots and ids of the first (even `at`) or second bucket.
    #[inline]
    pub(super) const fn bucket(&self, at: usize) -> (&[Slot; BUCKET], &[Id; BUCKET]) {
        let Self { slots: [a, b], ids: [c, d] } = self;
        if at.is_multiple_of(BUCKETS) { (a, c) } else { (b, d) }
    }

    /// Returns the row with this index, modulo [`GROUP`].
    #[inline]
    pub(super) fn row(&self, number: usize) -> Option<Row<'_>> {
        let at = number % GROUP;
        Some(Row { slot: self.slots.as_flattened().get(at)?, id: self.ids.as_flattened().get(at)? })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.slots.as_flattened().iter().zip(self.ids.as_flattened()).map(|(slot, id)| Row { slot, id })
    }
}

impl Slot {
    /// Whether the slot holds this fingerprint, in constant time.
    #[inline]
    pub(super) fn is(&self, fingerprint: Fingerprint) -> bool {
        let [a, b] = &self.fingerprint;
        (a.load(Ordering::Relaxed) ^ fingerprint.0) | (b.load(Ordering::Relaxed) ^ fingerprint.1) == 0
    }

    #[inline]
    pub(super) fn policy(&self) -> PackedPolicy {
        PackedPolicy(self.policy.load(Ordering::Acquire))
    }

    pub(super) fn set_policy(&self, policy: PackedPolicy) {
        self.policy.store(policy.0, Ordering::Release);
    }

    pub(super) fn is_free(&self) -> bool {
        self.policy() == PackedPolicy::NONE
    }

    #[inline]
    pub(super) fn owner(&self) -> u32 {
        self.owner.load(Ordering::Relaxed)
    }

    /// Frees the slot. Only while its table is being changed.
    pub(super) fn free(&self) {
        self.set_policy(PackedPolicy::NONE);
        self.fingerprint.iter().for_each(|word| word.store(0, Ordering::Relaxed));
    }

    pub(super) const fn uses(&self) -> &AtomicU32 {
        &self.uses
    }
}

impl Id {
    #[inline]
    pub(super) fn get(&self) -> KeyId {
        let Self([high, low]) = self;
        KeyId::from_number(
            u128::from(high.load(Ordering::Relaxed)) << 64 | u128::from(low.load(Ordering::Relaxed)),
        )
    }
}

impl Row<'_> {
    pub(super) fn content(self) -> SlotContent {
        let Slot { fingerprint: [a, b], .. } = self.slot;
        SlotContent {
            fingerprint: Fingerprint(a.load(Ordering::Relaxed), b.load(Ordering::Relaxed)),
            id: self.id.get(),
            policy: self.slot.policy(),
            owner: self.slot.owner(),
        }
    }

    /// Fills the row. Only while its table is being changed.
    pub(super) fn fill(self, content: SlotContent, uses: Uses) {
        let Slot { fingerprint: [a, b], policy, owner, uses: word } = self.slot;
        a.store(content.fingerprint.0, Ordering::Relaxed);
        b.store(content.fingerprint.1, Ordering::Relaxed);
        let (Id([high, low]), id) = (self.id, content.id.number());
        high.store((id >> 64) as u64, Ordering::Relaxed);
        low.store(id as u64, Ordering::Relaxed);
        owner.store(content.owner, Ordering::Relaxed);
        word.store(uses.bits(), Ordering::Relaxed);
        policy.store(content.policy.0, Ordering::Release);
    }
}
