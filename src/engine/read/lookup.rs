//! Look-up of a presented key for `verify`: in the hot index, or in the store while the index is not ready.
//!
//! **Callers.** The verifier, for each key text of the right form; administration, to name the key of a text. **Allowed
//! wrong answers:** those of the hot index (`index/lookup.rs`), and none while the store answers. An error means that
//! the key is undecided; no caller may read it as "absent".
//!
//! A hot record does not repeat the number of its pepper: the look-up that finds the record knows the pepper it hashed
//! with.

use std::sync::Arc;

use crate::engine::commit::hot;
use crate::engine::{EngineError, Reader};
use crate::index::{Bucket, Found, Lookup, LookupVisitor};
use crate::key::{HotRecord, KeyId, KeyedHash, Locator, LookupKey, Owner, PresentedKey, UserId};

impl Reader {
    /// Calls `then` with the buckets of the hot index for this locator.
    #[inline(always)]
    pub fn bucket<R>(&self, locator: Locator, then: impl FnOnce(Bucket<'_>) -> R) -> R {
        self.index.bucket(locator, then)
    }

    /// Looks up the key with this text, whatever its keyspace, and calls `then` with it, if it exists. `bucket` is that
    /// of the key's locator.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the hot index is not ready and the store could not be read: the key is undecided,
    /// `then` was not called.
    ///
    /// # Security
    /// A key of the current pepper costs one keyed hash and one look-up. A text that no key has costs the same, plus
    /// one hash and one look-up for each older pepper. In the hot index neither takes a lock or waits for the disk.
    #[inline(always)]
    pub fn look_up_at(
        &self,
        bucket: &Bucket<'_>,
        key: &PresentedKey<'_>,
        then: &mut impl LookupVisitor,
    ) -> Result<(), EngineError> {
        let (_, pepper) = self.peppers.current();
        let hash = pepper.hash(key);
        match bucket.look_up(&hash, then) {
            Lookup::Found => Ok(()),
            Lookup::Absent if self.peppers.is_single() => Ok(()),
            looked @ (Lookup::Absent | Lookup::Unready) => self.lookup_slow_path(key, hash, looked, then),
        }
    }

    /// Looks up the key with this text, as [`Reader::look_up_at`] does.
    ///
    /// # Errors
    /// As [`Reader::look_up_at`].
    pub fn look_up(&self, key: &PresentedKey<'_>, then: &mut impl LookupVisitor) -> Result<(), EngineError> {
        self.bucket(key.locator(), |bucket| self.look_up_at(&bucket, key, then))
    }

    /// Looks in the store, and under older peppers.
    #[cold]
    fn lookup_slow_path(
        &self,
        key: &PresentedKey<'_>,
        hash: KeyedHash,
        looked: Lookup,
        then: &mut dyn LookupVisitor,
    ) -> Result<(), EngineError> {
        let current = LookupKey { hash, locator: key.locator() };
        let mut then = |found: &Found<'_>| then.visit(found);
        if looked == Lookup::Unready && self.look_up_stored(&current, &mut then)? {
            return Ok(());
        }
        for (_, pepper) in self.peppers.all() {
            let older = LookupKey { hash: pepper.hash(key), ..current };
            if older == current {
                continue;
            }
            let mut under_older = |found: &Found<'_>| {
                self.hot.rehashes.note(found.record.id, older.hash, current.hash);
                then(found);
            };
            if self.look_up_key(&older, &mut under_older)? {
                return Ok(());
            }
        }
        // A rehash may have moved the key to the current pepper since the first look-up.
        if !self.peppers.is_single() {
            self.look_up_key(&current, &mut then)?;
        }
        Ok(())
    }

    /// Looks up a key in the index or the store; returns whether it exists.
    pub(in crate::engine) fn look_up_key(
        &self,
        trace: &LookupKey,
        then: &mut impl LookupVisitor,
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
        then: &mut impl LookupVisitor,
    ) -> Result<bool, EngineError> {
        let record: Option<HotRecord> = self.get(&hot(trace))?;
        let Some(record) = record else { return Ok(false) };
        let owner = self.user(record.owner)?.map(|user| user.owner().rights);
        then.visit(&Found::stored(record.view(), owner));
        Ok(true)
    }

    /// Returns what a verdict needs of an owner: login name, company, kind and rights.
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

    /// Returns id and owner of the key with this text, in any state of the key.
    ///
    /// # Errors
    /// As [`Reader::look_up`].
    pub fn named_by(&self, key: &PresentedKey<'_>) -> Result<Option<(KeyId, UserId)>, EngineError> {
        let mut named = None;
        self.look_up(key, &mut |found: &Found<'_>| named = Some((found.record.id, found.record.owner)))?;
        Ok(named)
    }
}
