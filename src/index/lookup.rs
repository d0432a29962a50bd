//! Looking a key up: what readers do.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use super::last_addresses::LastAddresses;
use super::slot::{Fingerprint, PackedPolicy};
use super::table::{SeenSlot, SlotView, Table};
use super::uses::UseCounted;
use super::{HotIndex, ready};
use crate::clock::Timestamp;
use crate::key::{HotView, KeyId, KeyedHash, Locator, LookupKey, OwnerRights, UserId};

/// What came of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// There is such a key, and it was looked at.
    Found,
    /// There is none.
    Absent,
    /// The index cannot say: ask the store.
    Unready,
}

/// A key that was found, while it is looked at.
pub struct Found<'a> {
    /// What decides about it.
    pub record: HotView<'a>,
    /// What decides about its owner; `None` when there is none any more.
    pub owner: Option<OwnerRights>,
    /// Where its uses are counted, if it has a slot.
    counted: Option<Counted<'a>>,
}

struct Counted<'a> {
    place: SeenSlot<'a>,
    fingerprint: Fingerprint,
    addresses: &'a LastAddresses,
}

/// Who looks at a key that was found: any closure, or a type whose method the compiler is told to put in place.
pub trait Look {
    /// Looks at the key.
    fn look(&mut self, found: &Found<'_>);
}

impl<F: FnMut(&Found<'_>)> Look for F {
    #[inline]
    fn look(&mut self, found: &Found<'_>) {
        self(found);
    }
}

impl<'a> Found<'a> {
    /// A key as the store has it.
    pub const fn stored(record: HotView<'a>, owner: Option<OwnerRights>) -> Self {
        Self { record, owner, counted: None }
    }

    /// Counts a use. Answers how many are to be counted elsewhere because the index cannot hold more, this one
    /// included: mostly none.
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

/// Where the key with one locator lies, if it is there at all: known before its text is hashed.
#[derive(Clone, Copy)]
pub struct Spot<'a> {
    index: &'a HotIndex,
    table: &'a Table,
    locator: Locator,
    buckets: [usize; 2],
}

impl HotIndex {
    /// Hands the spot for a locator to `then`.
    #[inline(always)]
    pub fn spot<R>(&self, locator: Locator, then: impl FnOnce(Spot<'_>) -> R) -> R {
        self.shared.with(|tables| {
            let table = tables.of(locator);
            then(Spot { index: self, table, locator, buckets: table.buckets(locator) })
        })
    }

    /// Has `then` look at the key with this trace, if there is one; as [`Spot::look_up`].
    pub fn look_up(&self, trace: &LookupKey, then: &mut impl Look) -> Lookup {
        self.spot(trace.locator, |spot| spot.look_up(&trace.hash, then))
    }

    /// The record of a slot that holds all of it.
    #[inline(always)]
    pub(super) fn plain(&self, id: KeyId, policy: PackedPolicy, owner: u32) -> Option<HotView<'_>> {
        let keyspace = self.keyspaces.get(usize::from(policy.keyspace()))?.get()?;
        let owner = UserId(owner.into());
        Some(HotView::plain(id, keyspace, owner, policy.level(), policy.secret_state(), policy.expiry()))
    }

    /// Whether what was read since then was whole.
    #[inline]
    fn is_still(&self, epoch: u64) -> bool {
        self.epoch.load(Ordering::Acquire) == epoch
    }
}

impl Spot<'_> {
    /// Has the processor fetch what [`Spot::look_up`] will look at. Changes nothing.
    #[inline(always)]
    pub fn prefetch(&self) {
        self.table.prefetch(self.buckets);
        self.index.addresses.prefetch(self.locator);
    }

    /// Has `then` look at the key with this hash, if there is one.
    ///
    /// # Security
    /// Takes no lock and never waits. A hash that is not there costs no more than one that is.
    #[inline(always)]
    pub fn look_up(&self, hash: &KeyedHash, then: &mut impl Look) -> Lookup {
        let epoch = self.index.epoch.load(Ordering::Acquire);
        if !ready(epoch) {
            return Lookup::Unready;
        }
        let fingerprint = Fingerprint::of(self.locator, hash);
        match self.table.read(self.buckets, fingerprint) {
            Ok(Some(seen)) if seen.policy.policy_id().is_none() => {
                match self.index.plain(seen.id, seen.policy, seen.owner) {
                    Some(record) => self.hand_over(epoch, record, Some((seen.place, fingerprint)), then),
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
        then: &mut impl Look,
    ) -> Lookup {
        let policies = self.index.policies.pin();
        let policies = seen.policy.policy_id().and_then(|number| policies.get(&number));
        // Not there any more: the key changed this moment. The store knows how.
        let Some(policies) = policies else { return Lookup::Unready };
        let record = policies.view(seen.id, UserId(seen.owner.into()));
        self.hand_over(epoch, record, Some((seen.place, fingerprint)), then)
    }

    #[cold]
    fn look_up_overflow(&self, epoch: u64, fingerprint: Fingerprint, then: &mut impl Look) -> Lookup {
        let overflow = self.index.overflow.pin();
        match overflow.get(&fingerprint) {
            Some(record) => self.hand_over(epoch, record.view(), None, then),
            None if self.index.is_still(epoch) => Lookup::Absent,
            None => Lookup::Unready,
        }
    }

    #[inline(always)]
    fn hand_over(
        &self,
        epoch: u64,
        record: HotView<'_>,
        counted: Option<(SeenSlot<'_>, Fingerprint)>,
        then: &mut impl Look,
    ) -> Lookup {
        let HotIndex { owners, addresses, .. } = self.index;
        let owner = owners.rights(record.owner);
        if !self.index.is_still(epoch) {
            return Lookup::Unready;
        }
        let counted = counted.map(|(place, fingerprint)| Counted { place, fingerprint, addresses });
        then.look(&Found { record, owner, counted });
        Lookup::Found
    }
}
