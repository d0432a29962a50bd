//! Finding what `verify` judges: in the hot index, or in the store while that is not ready.

use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::index;
use crate::key::{
    HotRecord, KeyId, KeyTrace, Owner, OwnerStanding, PresentedKey, Quota, Spend, Usage, Use, UserId,
};

use super::entries::hot;
use super::usage::Pending;
use super::{EngineError, Reader};

/// A key that was found by its text, while it is looked at.
pub struct Found<'a> {
    /// What decides about it.
    pub record: &'a HotRecord,
    /// What decides about its owner; `None` when there is none any more.
    pub owner: Option<OwnerStanding>,
    indexed: Option<&'a index::Found<'a>>,
    pending: &'a Pending,
    rates: &'a index::Rates,
}

impl Found<'_> {
    /// Counts a use, in memory.
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
        let limits = &self.record.rate_limits;
        if limits.all().is_empty() { Ok(None) } else { self.rates.spend(self.record.id, limits, spend, now) }
    }
}

impl Reader {
    /// Hands the key with this text, in whatever keyspace it is, to `then`.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the hot index is not ready and the store could not be read: undecided, `then` was
    /// not called.
    ///
    /// # Security
    /// A key of the current pepper costs one keyed hash and one look-up. So does a text that nobody has, and one more
    /// of each for each older pepper. From the hot index neither takes a lock or waits for the disk.
    pub fn look_up<R>(
        &self,
        key: &PresentedKey<'_>,
        then: impl FnOnce(Option<&Found<'_>>) -> R,
    ) -> Result<R, EngineError> {
        let locator = key.locator();
        // The processor fetches it while the key is hashed, which takes as long.
        self.index.prefetch(locator);
        let (_, pepper) = self.peppers.current();
        let current = pepper.hash(key);
        if self.peppers.is_single() {
            return self.look_up_trace(&KeyTrace { hash: current, locator }, then);
        }
        let mut then = Some(then);
        for (_, pepper) in self.peppers.all() {
            let hash = pepper.hash(key);
            let found = self.look_up_trace(&KeyTrace { hash, locator }, |found| {
                let found = found?;
                if hash != current {
                    self.rehashes.note(found.record.id, hash, current);
                }
                then.take().map(|then| then(Some(found)))
            })?;
            if let Some(answer) = found {
                return Ok(answer);
            }
        }
        let then = then.ok_or(EngineError::Stopped)?;
        // It may have been hashed anew since the first look: then it is under the current pepper now.
        self.look_up_trace(&KeyTrace { hash: current, locator }, then)
    }

    fn look_up_trace<R>(
        &self,
        trace: &KeyTrace,
        then: impl FnOnce(Option<&Found<'_>>) -> R,
    ) -> Result<R, EngineError> {
        let mut then = Some(then);
        let mut answer = None;
        self.index.look_up(trace, |indexed| {
            let found = indexed.map(|indexed| self.found(indexed.record, indexed.owner, Some(indexed)));
            answer = then.take().map(|then| then(found.as_ref()));
        });
        if let Some(answer) = answer {
            return Ok(answer);
        }
        let then = then.ok_or(EngineError::Stopped)?;
        let record: Option<HotRecord> = self.get(&hot(trace))?;
        let Some(record) = record else { return Ok(then(None)) };
        let owner = self.user(record.owner)?.map(|user| user.owner().standing);
        Ok(then(Some(&self.found(&record, owner, None))))
    }

    fn found<'a>(
        &'a self,
        record: &'a HotRecord,
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
        self.look_up(key, |found| found.map(|found| (found.record.id, found.record.owner)))
    }
}
