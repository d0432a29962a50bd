//! Owner limits: rate limits that bind every key of an owner in a keyspace.
//!
//! A caller who reaches the owner's role and limits one of the owner's keys limits all of them: the tightest of such
//! limits, by name, bind every later key, by any creator. Deleting or revoking a key removes no limit. A caller who
//! reaches the level that set the limits may give more, and widens them by widening the limits of the keys that they
//! were set on.

use crate::engine::commit::Transaction;
use crate::engine::{EngineError, NewKey};
use crate::key::{
    Key, Keyspace, KeyspaceName, Level, Principal, RateLimits, RateLimitsError, Restriction as _, UserId,
};
use crate::store::codec::OwnerLimits;
use crate::store::schema;

use super::bounds::{Right, bounded};

fn tightest(one: &RateLimits, other: &RateLimits) -> Result<RateLimits, EngineError> {
    one.tightest(other).map_err(|error| match error {
        RateLimitsError::TooMany | RateLimitsError::NameTwice | RateLimitsError::TooSlow => {
            EngineError::TooManyLimits
        }
    })
}

/// Combines limits with the limits that bind already.
fn tightened(
    before: Option<OwnerLimits>,
    level: Level,
    limits: &RateLimits,
) -> Result<OwnerLimits, EngineError> {
    Ok(match before {
        None => OwnerLimits { level, limits: limits.clone() },
        Some(before) => {
            OwnerLimits { level: before.level.max(level), limits: tightest(&before.limits, limits)? }
        }
    })
}

/// Whether the limits that `by` asks for are set by a caller above the owner.
fn is_above(by: &Principal, owner: UserId, level: Level) -> bool {
    !by.is(owner) && by.level >= level
}

impl Transaction<'_> {
    /// Returns the limits that bind the owner's keys in the keyspace, with this operation's changes.
    fn owner_limits(
        &mut self,
        owner: UserId,
        keyspace: &KeyspaceName,
    ) -> Result<Option<OwnerLimits>, EngineError> {
        let place = schema::owner_limits(owner.0, keyspace.as_str());
        match self.owner_limits.get(&place) {
            Some(changed) => Ok(changed.clone()),
            None => self.get(&place),
        }
    }

    fn change_owner_limits(&mut self, owner: UserId, keyspace: &KeyspaceName, limits: Option<OwnerLimits>) {
        self.owner_limits.insert(schema::owner_limits(owner.0, keyspace.as_str()), limits);
    }

    /// Writes the changed limits.
    pub(in crate::engine) fn write_owner_limits(&mut self) -> Result<(), EngineError> {
        for (place, limits) in std::mem::take(&mut self.owner_limits) {
            match limits {
                Some(limits) => self.put(&place, &limits)?,
                None => self.delete(place),
            }
        }
        Ok(())
    }

    /// Removes all limits of an owner who is removed.
    pub(in crate::engine) fn drop_owner_limits(&mut self, owner: UserId) -> Result<(), EngineError> {
        for entry in self.scan(&schema::all_owner_limits(owner.0), None, usize::MAX)? {
            self.delete(entry.key);
        }
        Ok(())
    }

    /// Limits of a new key: the requested ones, or the tightest of those that bind and those of the presented key.
    pub(in crate::engine) fn settle_new_limits(
        &mut self,
        by: &Principal,
        new: &NewKey,
        role: Level,
        shown: Option<&RateLimits>,
    ) -> Result<RateLimits, EngineError> {
        let bound = self.owner_limits(new.owner, &new.keyspace)?;
        let Some(asked) = &new.rate_limits else {
            let bound = bound.map(|bound| bound.limits).unwrap_or_default();
            return match shown {
                Some(shown) => tightest(&bound, shown),
                None => Ok(bound),
            };
        };
        if let Some(shown) = shown {
            bounded(Right::RateLimits, asked, shown)?;
        }
        self.check_owner_limits(by, new.owner, &new.keyspace, asked)?;
        if is_above(by, new.owner, role) && !asked.is_unbounded() {
            let bound = tightened(bound, by.level, asked)?;
            self.change_owner_limits(new.owner, &new.keyspace, Some(bound));
        }
        Ok(asked.clone())
    }

    /// Refuses limits beyond those that bind, unless the caller reaches the level that set them.
    pub(in crate::engine) fn check_owner_limits(
        &mut self,
        by: &Principal,
        owner: UserId,
        keyspace: &KeyspaceName,
        asked: &RateLimits,
    ) -> Result<(), EngineError> {
        match self.owner_limits(owner, keyspace)? {
            Some(bound) if !is_above(by, owner, bound.level) => {
                bounded(Right::RateLimits, asked, &bound.limits)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Updates the owner's limits after `by` changed a key from `old` to `new`.
    pub(in crate::engine) fn settle_changed_limits(
        &mut self,
        by: &Principal,
        old: &Key,
        new: &Key,
    ) -> Result<(), EngineError> {
        if old.rate_limits == new.rate_limits {
            return Ok(());
        }
        let (owner, keyspace) = (old.owner, &old.keyspace);
        self.check_owner_limits(by, owner, keyspace, &new.rate_limits)?;
        let bound = self.owner_limits(owner, keyspace)?;
        let role = self.user(owner)?.role.level();
        if !is_above(by, owner, bound.as_ref().map_or(role, |bound| bound.level)) {
            return Ok(());
        }
        let bound = if new.rate_limits.within(&old.rate_limits) {
            Some(tightened(bound, by.level, &new.rate_limits)?)
        } else {
            self.limits_set_on(new)?
        };
        self.change_owner_limits(owner, keyspace, bound);
        self.write_owner_limits()
    }

    /// Returns the tightest limits that other callers set on keys of the owner, with `changed` as it is after this
    /// operation.
    fn limits_set_on(&mut self, changed: &Key) -> Result<Option<OwnerLimits>, EngineError> {
        let mut bound = None;
        let keyspace = Keyspace::named(&changed.keyspace);
        for key in self.keys_of(changed.owner, keyspace.as_ref())? {
            let key = if key.id == changed.id { changed } else { &key };
            let set = key.narrowed_by.rate_limits > Level::AUTHENTICATE;
            if key.is_live() && set && !key.rate_limits.is_unbounded() {
                bound = Some(tightened(bound, key.narrowed_by.rate_limits, &key.rate_limits)?);
            }
        }
        Ok(bound)
    }
}
