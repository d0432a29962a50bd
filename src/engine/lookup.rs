//! Finding what `verify` judges: in the hot index, or in the store while that is not ready.

use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::index;
use crate::key::{
    HotRecord, KeyId, KeyedHash, Owner, OwnerStanding, PresentedKey, Quota, Spend, Use, UserId,
};
use crate::store::schema;

use super::usage::Pending;
use super::{EngineError, Reader};

/// A key that was found by its text, while it is looked at.
pub struct Found<'a> {
    /// What decides about it.
    pub record: &'a HotRecord,
    /// What decides about its owner; `None` when there is none any more.
    pub owner: Option<OwnerStanding>,
    indexed: Option<index::Found<'a>>,
    pending: &'a Pending,
    rates: &'a index::Rates,
}

impl Found<'_> {
    /// Counts a use, in memory.
    pub fn note_use(&self, now: Timestamp, from: Option<IpAddr>) {
        let counted = self.indexed.as_ref().is_some_and(|found| found.note_use(now, from));
        if !counted {
            self.pending.note(self.record.id, Use { at: now, from });
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
    /// A text that nobody has costs one keyed hash and one look-up for each pepper, a key of the current pepper one
    /// of each. From the hot index neither takes a lock or waits for the disk.
    pub fn look_up<R>(
        &self,
        key: &PresentedKey<'_>,
        then: impl FnOnce(Option<Found<'_>>) -> R,
    ) -> Result<R, EngineError> {
        let mut then = Some(then);
        let mut current = None;
        for (_, pepper) in self.peppers.all() {
            let hash = pepper.hash(key);
            let found = self.look_up_hash(&hash, |found| {
                let found = found?;
                if let Some(current) = current {
                    self.rehashes.note(found.record.id, hash, current);
                }
                then.take().map(|then| then(Some(found)))
            })?;
            if let Some(answer) = found {
                return Ok(answer);
            }
            current = current.or(Some(hash));
        }
        then.map(|then| then(None)).ok_or(EngineError::Stopped)
    }

    fn look_up_hash<R>(
        &self,
        hash: &KeyedHash,
        then: impl FnOnce(Option<Found<'_>>) -> R,
    ) -> Result<R, EngineError> {
        let mut then = Some(then);
        let (pending, rates) = (self.uses.as_ref(), self.rates.as_ref());
        let indexed = self.index.look_up(hash, |found| {
            let found = found.map(|found| Found {
                record: found.record,
                owner: found.owner,
                indexed: Some(found),
                pending,
                rates,
            });
            then.take().map(|then| then(found))
        });
        if let Some(answer) = indexed.flatten() {
            return Ok(answer);
        }
        let then = then.ok_or(EngineError::Stopped)?;
        let record: Option<HotRecord> = self.get(&schema::hot(hash.as_bytes()))?;
        let Some(record) = record else { return Ok(then(None)) };
        let owner = self.user(record.owner)?.map(|user| user.owner().standing);
        Ok(then(Some(Found { record: &record, owner, indexed: None, pending, rates })))
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
