//! Finding what `verify` judges: in the hot index, or in the store while that is not ready.

use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::engine::commit::hot;
use crate::engine::{EngineError, Reader};
use crate::index::{Found, Look, Lookup, OverLimit, Spot};
use crate::key::{
    HotRecord, HotView, KeyId, KeyedHash, Locator, LookupKey, Owner, PresentedKey, Quota, Spend, Usage, Use,
    UserId,
};

impl Reader {
    /// Hands the spot to `then` where the hot index has a key of this locator, if it has one.
    #[inline(always)]
    pub fn spot<R>(&self, locator: Locator, then: impl FnOnce(Spot<'_>) -> R) -> R {
        self.index.spot(locator, then)
    }

    /// Has `then` look at the key with this text, in whatever keyspace it is, if there is one; `spot` is that of its
    /// locator.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the hot index is not ready and the store could not be read: undecided, `then` was
    /// not called.
    ///
    /// # Security
    /// A key of the current pepper costs one keyed hash and one look-up. So does a text that nobody has, and one more
    /// of each for each older pepper. From the hot index neither takes a lock or waits for the disk.
    #[inline(always)]
    pub fn look_up_at(
        &self,
        spot: &Spot<'_>,
        key: &PresentedKey<'_>,
        then: &mut impl Look,
    ) -> Result<(), EngineError> {
        let (_, pepper) = self.peppers.current();
        let hash = pepper.hash(key);
        match spot.look_up(&hash, then) {
            Lookup::Found => Ok(()),
            Lookup::Absent if self.peppers.is_single() => Ok(()),
            looked @ (Lookup::Absent | Lookup::Unready) => self.lookup_slow_path(key, hash, looked, then),
        }
    }

    /// Has `then` look at the key with this text, as [`Reader::look_up_at`] does.
    ///
    /// # Errors
    /// As [`Reader::look_up_at`].
    pub fn look_up(&self, key: &PresentedKey<'_>, then: &mut impl Look) -> Result<(), EngineError> {
        self.spot(key.locator(), |spot| self.look_up_at(&spot, key, then))
    }

    /// Looks where the hot index was of no help.
    #[cold]
    fn lookup_slow_path(
        &self,
        key: &PresentedKey<'_>,
        hash: KeyedHash,
        looked: Lookup,
        then: &mut dyn Look,
    ) -> Result<(), EngineError> {
        let current = LookupKey { hash, locator: key.locator() };
        let mut then = |found: &Found<'_>| then.look(found);
        if looked == Lookup::Unready && self.look_up_stored(&current, &mut then)? {
            return Ok(());
        }
        for (_, pepper) in self.peppers.all() {
            let older = LookupKey { hash: pepper.hash(key), ..current };
            if older == current {
                continue;
            }
            let mut under_older = |found: &Found<'_>| {
                self.rehashes.note(found.record.id, older.hash, current.hash);
                then(found);
            };
            if self.look_up_key(&older, &mut under_older)? {
                return Ok(());
            }
        }
        // It may have been hashed anew since the first look: then it is under the current pepper now.
        if !self.peppers.is_single() {
            self.look_up_key(&current, &mut then)?;
        }
        Ok(())
    }

    /// Whether there was such a key.
    pub(in crate::engine) fn look_up_key(
        &self,
        trace: &LookupKey,
        then: &mut impl Look,
    ) -> Result<bool, EngineError> {
        match self.index.look_up(trace, then) {
            Lookup::Found => Ok(true),
            Lookup::Absent => Ok(false),
            Lookup::Unready => self.look_up_stored(trace, then),
        }
    }

    pub(in crate::engine) fn look_up_stored(
        &self,
        trace: &LookupKey,
        then: &mut impl Look,
    ) -> Result<bool, EngineError> {
        let record: Option<HotRecord> = self.get(&hot(trace))?;
        let Some(record) = record else { return Ok(false) };
        let owner = self.user(record.owner)?.map(|user| user.owner().rights);
        then.look(&Found::stored(record.view(), owner));
        Ok(true)
    }

    /// Counts a use of a key that was found, in memory.
    #[inline(always)]
    pub fn note_use(&self, found: &Found<'_>, now: Timestamp, from: Option<&IpAddr>) {
        let count = found.note_use(now, from);
        if count > 0 {
            self.count_outside_slot(found.record.id, count, Use { at: now, from: from.copied() });
        }
    }

    #[cold]
    fn count_outside_slot(&self, key: KeyId, count: u32, last: Use) {
        self.uses.note(key, Usage { count: count.into(), last: Some(last) });
    }

    /// Spends from a key's rate limits, in memory: from all that are concerned, or from none. Answers what is left of
    /// the one with the least left.
    ///
    /// # Errors
    /// [`OverLimit`] when one of them has not enough left.
    #[inline(always)]
    pub fn spend(
        &self,
        record: HotView<'_>,
        spend: Spend,
        now: Timestamp,
    ) -> Result<Option<Quota>, OverLimit> {
        let limits = record.rate_limits;
        if limits.all().is_empty() { Ok(None) } else { self.rates.spend(record.id, limits, spend, now) }
    }

    /// What is known of a key's owner.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the hot index is not ready and the store could not be read.
    pub fn owner(&self, id: UserId) -> Result<Option<Arc<Owner>>, EngineError> {
        if self.index.is_ready()
            && let Some(owner) = self.index.owner(id)
        {
            return Ok(Some(owner));
        }
        Ok(self.user(id)?.map(|user| Arc::new(user.owner())))
    }

    /// The id and owner of the key with this text, whatever state it is in.
    ///
    /// # Errors
    /// As [`Reader::look_up`].
    pub fn named_by(&self, key: &PresentedKey<'_>) -> Result<Option<(KeyId, UserId)>, EngineError> {
        let mut named = None;
        self.look_up(key, &mut |found: &Found<'_>| named = Some((found.record.id, found.record.owner)))?;
        Ok(named)
    }
}
