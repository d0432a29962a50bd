//! Finding what `verify` judges: in the hot index, or in the store while that is not ready.

use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::index::{self, Looked};
use crate::key::{
    HotRecord, HotView, KeyId, KeyTrace, Locator, Owner, OwnerStanding, PresentedKey, Quota, Spend, Usage,
    Use, UserId,
};

use super::entries::hot;
use super::usage::Pending;
use super::{EngineError, Reader};

/// A key that was found by its text, while it is looked at.
pub struct Found<'a> {
    /// What decides about it.
    pub record: HotView<'a>,
    /// What decides about its owner; `None` when there is none any more.
    pub owner: Option<OwnerStanding>,
    indexed: Option<&'a index::Found<'a>>,
    pending: &'a Pending,
    rates: &'a index::Rates,
}

impl Found<'_> {
    /// Counts a use, in memory.
    #[inline]
    pub fn note_use(&self, now: Timestamp, from: Option<IpAddr>) {
        let count = self.indexed.map_or(1, |found| found.note_use(now, from));
        if count > 0 {
            self.pending
                .note(self.record.id, Usage { count: count.into(), last: Some(Use { at: now, from }) });
        }
    }

    /// Spends from the key's rate limits, in memory: from all that are concerned, or from none. Answers what is left
    /// of the one with the least left.
    ///
    /// # Errors
    /// [`index::OverLimit`] when one of them has not enough left.
    pub fn spend(&self, spend: Spend, now: Timestamp) -> Result<Option<Quota>, index::OverLimit> {
        let limits = self.record.rate_limits;
        if limits.all().is_empty() { Ok(None) } else { self.rates.spend(self.record.id, limits, spend, now) }
    }
}

impl Reader {
    /// Has the processor fetch what [`Reader::look_up`] will look at, which takes as long as hashing the key or longer.
    #[inline]
    pub fn prefetch(&self, locator: Locator) {
        self.index.prefetch(locator);
    }

    /// Hands the key with this text, in whatever keyspace it is, to `then`, if there is one.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the hot index is not ready and the store could not be read: undecided, `then` was
    /// not called.
    ///
    /// # Security
    /// A key of the current pepper costs one keyed hash and one look-up. So does a text that nobody has, and one more
    /// of each for each older pepper. From the hot index neither takes a lock or waits for the disk.
    #[inline]
    pub fn look_up(
        &self,
        key: &PresentedKey<'_>,
        mut then: impl FnMut(&Found<'_>),
    ) -> Result<(), EngineError> {
        let (_, pepper) = self.peppers.current();
        let current = KeyTrace { hash: pepper.hash(key), locator: key.locator() };
        if !self.look_up_trace(&current, &mut then)? && !self.peppers.is_single() {
            self.look_up_older(key, &current, &mut then)?;
        }
        Ok(())
    }

    /// Looks under the older peppers.
    fn look_up_older(
        &self,
        key: &PresentedKey<'_>,
        current: &KeyTrace,
        then: &mut dyn FnMut(&Found<'_>),
    ) -> Result<(), EngineError> {
        for (_, pepper) in self.peppers.all() {
            let older = KeyTrace { hash: pepper.hash(key), ..*current };
            if older == *current {
                continue;
            }
            let found = self.look_up_trace(&older, |found| {
                self.rehashes.note(found.record.id, older.hash, current.hash);
                then(found);
            })?;
            if found {
                return Ok(());
            }
        }
        // It may have been hashed anew since the first look: then it is under the current pepper now.
        self.look_up_trace(current, then).map(|_| ())
    }

    /// Whether there was such a key.
    #[inline]
    fn look_up_trace(&self, trace: &KeyTrace, mut then: impl FnMut(&Found<'_>)) -> Result<bool, EngineError> {
        let looked = self.index.look_up(trace, |indexed| {
            then(&self.found(indexed.record, indexed.owner, Some(indexed)));
        });
        match looked {
            Looked::Found => Ok(true),
            Looked::Absent => Ok(false),
            Looked::Unready => self.look_up_stored(trace, &mut then),
        }
    }

    fn look_up_stored(
        &self,
        trace: &KeyTrace,
        then: &mut dyn FnMut(&Found<'_>),
    ) -> Result<bool, EngineError> {
        let record: Option<HotRecord> = self.get(&hot(trace))?;
        let Some(record) = record else { return Ok(false) };
        let owner = self.user(record.owner)?.map(|user| user.owner().standing);
        then(&self.found(record.view(), owner, None));
        Ok(true)
    }

    fn found<'a>(
        &'a self,
        record: HotView<'a>,
        owner: Option<OwnerStanding>,
        indexed: Option<&'a index::Found<'a>>,
    ) -> Found<'a> {
        Found { record, owner, indexed, pending: &self.uses, rates: &self.rates }
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
        self.look_up(key, |found| named = Some((found.record.id, found.record.owner)))?;
        Ok(named)
    }
}
