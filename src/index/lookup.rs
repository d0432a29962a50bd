//! Look-up of a key in the hot index: what reader threads do for each verify.
//!
//! A reader takes no lock and writes nothing but the count of uses. The order of one look-up:
//!
//! 1. [`HotIndex::bucket`] computes the pair of buckets from the locator, which follows from the public prefix of the
//!    key text, so it is known before the text is parsed or hashed.
//! 2. [`Bucket::prefetch`] asks the processor for both buckets. Waiting for memory and hashing overlap.
//! 3. [`Bucket::look_up`] compares four slots with the keyed hash and hands what it found to a [`LookupVisitor`].
//!
//! **Which wrong answers are allowed.** [`Lookup::Unready`] at any time: the caller asks the store. A state that was
//! true when the look-up began, although a change is published meanwhile: a change is answered only after it is
//! published, so no caller that knows of the change can see the state before it. **Never:** [`Lookup::Absent`] for a
//! key that is in the store while the index is ready, a record put together from two states, or the record of another
//! key, but for two keys with one locator and the same first 96 bits of the keyed hash ([`Fingerprint`]).
//!
//! **Why a visitor and not a returned value.** What is found borrows the reader's snapshot of the tables, and the shared
//! policy of a key borrows a guard of the concurrent map. The visitor runs while both are held. Returning the record
//! by value was not measured; before that changes, compare both binaries with `cargo bench --bench promises -- verify`.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use super::last_addresses::LastAddresses;
use super::slot::{Fingerprint, PackedPolicy};
use super::table::{SeenSlot, SlotView, Table};
use super::uses::UseCounted;
use super::{HotIndex, ready};
use crate::clock::Timestamp;
use crate::key::{HotView, KeyId, KeyedHash, Locator, LookupKey, OwnerRights, UserId};

/// Result of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The key exists, and the visitor was called with it.
    Found,
    /// No key has this locator and hash. The visitor was not called.
    Absent,
    /// The index cannot tell: it is being loaded, or the writer was in the way for too long. The visitor was not called;
    /// the caller asks the store.
    Unready,
}

/// Key that was found, borrowed for the time of one visit.
pub struct Found<'a> {
    /// Hot record of the key.
    pub record: HotView<'a>,
    /// Status and level of the key's owner; `None` when the owner was removed.
    pub owner: Option<OwnerRights>,
    /// Slot in which uses of the key are counted, if the key has one.
    counted: Option<Counted<'a>>,
}

struct Counted<'a> {
    place: SeenSlot<'a>,
    fingerprint: Fingerprint,
    addresses: &'a LastAddresses,
}

/// Receiver of the key that a look-up finds: a closure, or a type whose `visit` is inlined into the look-up.
pub trait LookupVisitor {
    /// Receives the key. Called at most once a look-up, on the thread that looks up, with no lock held.
    fn visit(&mut self, found: &Found<'_>);
}

impl<F: FnMut(&Found<'_>)> LookupVisitor for F {
    #[inline]
    fn visit(&mut self, found: &Found<'_>) {
        self(found);
    }
}

impl<'a> Found<'a> {
    /// Returns a key that was read from the store.
    pub const fn stored(record: HotView<'a>, owner: Option<OwnerRights>) -> Self {
        Self { record, owner, counted: None }
    }

    /// Counts a use of the key. Returns the number of uses that the caller has to count elsewhere, this use included:
    /// 0 in nearly all cases, more when the counter of the slot is full, when the slot moved since the look-up, or when
    /// the key has no slot.
    #[inline(always)]
    pub fn note_use(&self, now: Timestamp, from: Option<&IpAddr>) -> u32 {
        let Some(Counted { place, fingerprint, addresses }) = &self.counted else { return 1 };
        let noted = place.note_use(now);
        if let Some(from) = from {
            addresses.note(*fingerprint, *from);
        }
        match noted {
            UseCounted::Here => 0,
            UseCounted::Overflow(count) => count,
        }
    }
}

/// Pair of buckets in which the key with one locator is, if it exists.
#[derive(Clone, Copy)]
pub struct Bucket<'a> {
    index: &'a HotIndex,
    table: &'a Table,
    locator: Locator,
    buckets: [usize; 2],
}

impl HotIndex {
    /// Calls `then` with the buckets of a locator.
    #[inline(always)]
    pub fn bucket<R>(&self, locator: Locator, then: impl FnOnce(Bucket<'_>) -> R) -> R {
        self.shared.with(|tables| {
            let table = tables.of(locator);
            then(Bucket { index: self, table, locator, buckets: table.buckets(locator) })
        })
    }

    /// Looks up the key with this lookup key, as [`Bucket::look_up`] does.
    pub fn look_up(&self, key: &LookupKey, then: &mut impl LookupVisitor) -> Lookup {
        self.bucket(key.locator, |bucket| bucket.look_up(&key.hash, then))
    }

    /// Returns the record of a slot whose policy is in the slot itself.
    #[inline(always)]
    pub(super) fn plain(&self, id: KeyId, policy: PackedPolicy, owner: u32) -> Option<HotView<'_>> {
        let keyspace = self.keyspaces.get(usize::from(policy.keyspace()))?.get()?;
        let owner = UserId(owner.into());
        Some(HotView::plain(id, keyspace, owner, policy.level(), policy.secret_state(), policy.expiry()))
    }

    /// Whether the index was ready all the time since `epoch` was read.
    #[inline]
    fn is_still(&self, epoch: u64) -> bool {
        self.epoch.load(Ordering::Acquire) == epoch
    }
}

impl Bucket<'_> {
    /// Asks the processor to fetch the memory that [`Bucket::look_up`] reads. Changes nothing that a program can see.
    #[inline(always)]
    pub fn prefetch(&self) {
        self.table.prefetch(self.buckets);
        self.index.addresses.prefetch(self.locator);
    }

    /// Looks up the key with this keyed hash and calls `then` with it, if it exists.
    ///
    /// # Security
    /// Takes no lock and never waits. A hash that no key has costs as much as one that a key has: four slots are
    /// compared either way, each in constant time.
    #[inline(always)]
    pub fn look_up(&self, hash: &KeyedHash, then: &mut impl LookupVisitor) -> Lookup {
        let epoch = self.index.epoch.load(Ordering::Acquire);
        if !ready(epoch) {
            return Lookup::Unready;
        }
        let fingerprint = Fingerprint::of(self.locator, hash);
        match self.table.read(self.buckets, fingerprint) {
            Ok(Some(seen)) if seen.policy.policy_id().is_none() => {
                match self.index.plain(seen.id, seen.policy, seen.owner) {
                    Some(record) => self.visit_found(epoch, record, Some((seen.place, fingerprint)), then),
                    None => Lookup::Unready,
                }
            }
            Ok(Some(seen)) => self.look_up_shared(epoch, fingerprint, &seen, then),
            Ok(None) if self.index.overflow_count.load(Ordering::Acquire) > 0 => {
                self.look_up_overflow(epoch, fingerprint, then)
            }
            Ok(None) if self.index.is_still(epoch) => Lookup::Absent,
            Ok(None) | Err(_) => Lookup::Unready,
        }
    }

    #[inline(never)]
    fn look_up_shared(
        &self,
        epoch: u64,
        fingerprint: Fingerprint,
        seen: &SlotView<'_>,
        then: &mut impl LookupVisitor,
    ) -> Lookup {
        let policies = self.index.policies.pin();
        let policies = seen.policy.policy_id().and_then(|number| policies.get(&number));
        // The key was changed in this moment, so its slot's former policy is gone. The store has the new one.
        let Some(policies) = policies else { return Lookup::Unready };
        let record = policies.view(seen.id, UserId(seen.owner.into()));
        self.visit_found(epoch, record, Some((seen.place, fingerprint)), then)
    }

    #[cold]
    fn look_up_overflow(
        &self,
        epoch: u64,
        fingerprint: Fingerprint,
        then: &mut impl LookupVisitor,
    ) -> Lookup {
        let overflow = self.index.overflow.pin();
        match overflow.get(&fingerprint) {
            Some(record) => self.visit_found(epoch, record.view(), None, then),
            None if self.index.is_still(epoch) => Lookup::Absent,
            None => Lookup::Unready,
        }
    }

    #[inline(always)]
    fn visit_found(
        &self,
        epoch: u64,
        record: HotView<'_>,
        counted: Option<(SeenSlot<'_>, Fingerprint)>,
        then: &mut impl LookupVisitor,
    ) -> Lookup {
        let HotIndex { owners, addresses, .. } = self.index;
        let owner = owners.rights(record.owner);
        if !self.index.is_still(epoch) {
            return Lookup::Unready;
        }
        let counted = counted.map(|(place, fingerprint)| Counted { place, fingerprint, addresses });
        then.visit(&Found { record, owner, counted });
        Lookup::Found
    }
}
