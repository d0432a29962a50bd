//! The two rules about rights, asked on the write lane, of the records as they are when a change is made.
//!
//! **Nobody gives more than they show.** A key that was shown lends what it may do itself: its level, its end, where and
//! how often it may be used. What comes of it, a new key or one that was changed, resumed, rotated or brought back, is
//! within that. A text goes to whoever reaches the level that its key has in its record, since its owner may be promoted
//! later; owners who come in person may have those of all their own keys.
//!
//! **What was taken away stays away.** A key remembers at which level each of its rights was last narrowed by somebody
//! other than its owner, and nobody below that level widens it again ([`NarrowedBy`]).

use std::fmt::{self, Display};

use crate::clock::Timestamp;
use crate::engine::commit::Transaction;
use crate::engine::{EngineError, NewKey, Reader};
use crate::key::{
    Allowlist, Expiry, Key, KeyState, Level, NarrowedBy, Principal, RateLimits, Restriction, Role, UserId,
};

/// What somebody may do with a key, or with keys at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Using it at all: taken away by suspending it.
    State,
    /// Its level.
    Level,
    /// Where it may be used from.
    Allowlist,
    /// How often it may be used.
    RateLimits,
    /// How long it may be used.
    Expiry,
    /// Having it: taken away by deleting it.
    Existence,
    /// API access of its owner.
    ApiAccess,
}

impl Right {
    /// The name of its field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Level => "level",
            Self::Allowlist => "allowlist",
            Self::RateLimits => "rate limits",
            Self::Expiry => "expiry",
            Self::Existence => "key",
            Self::ApiAccess => "API access",
        }
    }

    /// How it was taken away.
    pub(in crate::engine) const fn taken(self) -> &'static str {
        match self {
            Self::State => "the key was suspended",
            Self::Level => "the level was lowered",
            Self::Allowlist => "the allowlist was tightened",
            Self::RateLimits => "the rate limits were tightened",
            Self::Expiry => "the end was brought forward",
            Self::Existence => "the key was deleted",
            Self::ApiAccess => "API access was removed",
        }
    }
}

impl Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Refuses what is not within the bound.
pub(in crate::engine) fn bounded<T: Restriction + Display>(
    right: Right,
    asked: &T,
    most: &T,
) -> Result<(), EngineError> {
    if asked.within(most) { Ok(()) } else { Err(EngineError::Beyond { right, most: most.to_string() }) }
}

/// Refuses whoever is below the level at which something was taken away.
pub(in crate::engine) fn reaches(right: Right, by: &Principal, held: Level) -> Result<(), EngineError> {
    if by.level >= held { Ok(()) } else { Err(EngineError::Withheld { right, level: held }) }
}

/// The key that was shown, and what it may do now.
#[derive(Debug)]
pub(in crate::engine) struct Lent {
    key: Key,
    acts_with: Level,
}

impl Lent {
    /// What `key`, the record of the one that was shown, lends.
    fn of(by: &Principal, key: Option<Key>, now: Timestamp) -> Result<Self, EngineError> {
        let good = |key: &Key| key.state == KeyState::Active && !key.expiry.reached(now);
        let key = key.filter(good).ok_or(EngineError::NoLongerGood)?;
        Ok(Self { acts_with: by.level.min(key.level), key })
    }

    /// The highest level of keys of `owner` that it reaches. Two keys of one owner are capped by the same role.
    fn reaches(&self, owner: UserId) -> Level {
        if owner == self.key.owner { self.key.level } else { self.acts_with }
    }

    /// Refuses a key that may do more.
    fn covers(&self, key: &Key) -> Result<(), EngineError> {
        let Key { allowlist, rate_limits, expiry, .. } = &self.key;
        bounded(Right::Level, &key.level, &self.reaches(key.owner))?;
        bounded(Right::Expiry, &key.expiry, expiry)?;
        bounded(Right::Allowlist, &key.allowlist, allowlist)?;
        bounded(Right::RateLimits, &key.rate_limits, rate_limits)
    }
}

/// Refuses to give a proof of this key to whoever it is not for.
fn proof_is_for(by: &Principal, lent: Option<&Lent>, key: &Key) -> Result<(), EngineError> {
    match lent {
        Some(lent) => lent.covers(key),
        None if by.is_in_person(key.owner) => Ok(()),
        None => bounded(Right::Level, &key.level, &by.level),
    }
}

/// The level that holds a right after it went from `old` to `new`.
fn held_after<T: Restriction + PartialEq>(
    right: Right,
    [old, new]: [&T; 2],
    held: Level,
    by: &Principal,
    owner: UserId,
) -> Result<Level, EngineError> {
    let own = by.is(owner);
    if old == new || (new.within(old) && own) {
        return Ok(held);
    }
    if new.within(old) {
        return Ok(held.max(by.level));
    }
    reaches(right, by, held)?;
    // Widened, but not as far as it goes: what is left of it was set by whoever did that.
    Ok(if own || new.is_unbounded() { Level::AUTHENTICATE } else { by.level })
}

/// What is held of a key that `by` changed from `old` to `new`; `suspends` when that was asked for, also of one that was
/// suspended already.
fn held(by: &Principal, old: &Key, new: &Key, suspends: bool) -> Result<NarrowedBy, EngineError> {
    let NarrowedBy { state, level, allowlist, rate_limits, expiry } = old.narrowed_by;
    let owner = old.owner;
    let state = match (&old.state, &new.state) {
        (KeyState::Suspended, KeyState::Active) => {
            reaches(Right::State, by, state)?;
            Level::AUTHENTICATE
        }
        _ if suspends && !by.is(owner) => state.max(by.level),
        _ => state,
    };
    Ok(NarrowedBy {
        state,
        level: held_after(Right::Level, [&old.level, &new.level], level, by, owner)?,
        allowlist: held_after(Right::Allowlist, [&old.allowlist, &new.allowlist], allowlist, by, owner)?,
        rate_limits: held_after(
            Right::RateLimits,
            [&old.rate_limits, &new.rate_limits],
            rate_limits,
            by,
            owner,
        )?,
        expiry: held_after(Right::Expiry, [&old.expiry, &new.expiry], expiry, by, owner)?,
    })
}

/// What is held of a key that somebody makes for another: what they asked for.
fn held_anew(by: &Principal, new: &NewKey, role: Level) -> NarrowedBy {
    if by.is(new.owner) {
        return NarrowedBy::default();
    }
    fn narrow<T: Restriction>(asked: Option<&T>) -> bool {
        asked.is_some_and(|asked| !asked.is_unbounded())
    }
    let held = |narrow| if narrow { by.level } else { Level::AUTHENTICATE };
    NarrowedBy {
        state: Level::AUTHENTICATE,
        level: held(new.level < role),
        allowlist: held(narrow(new.allowlist.as_ref())),
        rate_limits: held(narrow(new.rate_limits.as_ref())),
        expiry: held(narrow(new.expiry.as_ref())),
    }
}

impl Transaction<'_> {
    /// What the key that was shown lends; `None` when it was another proof.
    ///
    /// # Errors
    /// [`EngineError::NoLongerGood`] when it was suspended, revoked or deleted meanwhile, or is over.
    fn lent(&mut self, by: &Principal) -> Result<Option<Lent>, EngineError> {
        let Some(id) = by.key() else { return Ok(None) };
        let key = match self.key(id) {
            Err(EngineError::NoSuchKey) => None,
            key => Some(key?),
        };
        Lent::of(by, key, self.now()).map(Some)
    }

    /// The new key as it is made, with what is left out filled in, and what is held of it.
    ///
    /// # Errors
    /// [`EngineError::Beyond`] when it would go beyond what `by` may give, or what binds its owner.
    pub(in crate::engine) fn settle_new(
        &mut self,
        by: &Principal,
        mut new: NewKey,
    ) -> Result<(NewKey, NarrowedBy), EngineError> {
        let role = self.user(new.owner)?.role.level();
        let (lent, held) = (self.lent(by)?, held_anew(by, &new, role));
        bounded(Right::Level, &new.level, &by.level)?;
        let shown = lent.as_ref().map(|lent| &lent.key);
        if let Some(shown) = shown {
            let (expiry, allowlist) = (
                *new.expiry.get_or_insert(shown.expiry),
                new.allowlist.get_or_insert_with(|| shown.allowlist.clone()),
            );
            bounded(Right::Expiry, &expiry, &shown.expiry)?;
            bounded(Right::Allowlist, allowlist, &shown.allowlist)?;
        }
        new.rate_limits = Some(self.settle_new_limits(by, &new, role, shown.map(|key| &key.rate_limits))?);
        Ok((new, held))
    }

    /// Has `new` hold what `by` narrows of `old`.
    ///
    /// # Errors
    /// [`EngineError::Beyond`] and [`EngineError::Withheld`].
    pub(in crate::engine) fn settle_change(
        &mut self,
        by: &Principal,
        old: &Key,
        mut new: Key,
        suspends: bool,
    ) -> Result<Key, EngineError> {
        let lent = self.lent(by)?;
        if let Some(lent) = &lent {
            lent.covers(old)?;
            lent.covers(&new)?;
        }
        if (&old.state, &new.state) == (&KeyState::Suspended, &KeyState::Active) {
            proof_is_for(by, lent.as_ref(), &new)?;
        }
        new.narrowed_by = held(by, old, &new, suspends)?;
        self.settle_changed_limits(by, old, &new)?;
        Ok(new)
    }

    /// Refuses to give a proof of this key to whoever it is not for: a text, or that it may come back.
    ///
    /// # Errors
    /// [`EngineError::Beyond`].
    pub(in crate::engine) fn check_proof(&mut self, by: &Principal, key: &Key) -> Result<(), EngineError> {
        let lent = self.lent(by)?;
        proof_is_for(by, lent.as_ref(), key)
    }

    /// Refuses to give a password of a user with this role: a password has no expiry, no allowlist and no rate limits, and
    /// lets its owner act with the whole role. Checked here, too, and not in the gate alone: hashing the password takes
    /// long enough for another change to narrow the presented key or to raise the role.
    ///
    /// # Errors
    /// [`EngineError::Beyond`], [`EngineError::NoLongerGood`].
    pub(in crate::engine) fn check_password_proof(
        &mut self,
        by: &Principal,
        id: UserId,
        role: Role,
    ) -> Result<(), EngineError> {
        let most = match self.lent(by)? {
            Some(Lent { key, acts_with }) => {
                bounded(Right::Expiry, &Expiry::Never, &key.expiry)?;
                bounded(Right::Allowlist, &Allowlist::Anyone, &key.allowlist)?;
                bounded(Right::RateLimits, &RateLimits::none(), &key.rate_limits)?;
                acts_with
            }
            None if by.is_in_person(id) => return Ok(()),
            None => by.level,
        };
        bounded(Right::Level, &role.level(), &most)
    }

    /// Refuses a key that ends one above itself.
    ///
    /// # Errors
    /// [`EngineError::Beyond`].
    pub(in crate::engine) fn check_end(&mut self, by: &Principal, key: &Key) -> Result<(), EngineError> {
        match self.lent(by)? {
            Some(lent) => bounded(Right::Level, &key.level, &lent.reaches(key.owner)),
            None => Ok(()),
        }
    }
}

impl Reader {
    /// Refuses a text of this key to whoever it is not for: to whom its level is above their own, and to a key, unless it
    /// is its owner in person; and to a key that may itself do less.
    ///
    /// # Errors
    /// [`EngineError::Beyond`], [`EngineError::NoLongerGood`]; [`EngineError::Store`] when that could not be read.
    pub fn check_proof(&self, by: &Principal, key: &Key) -> Result<(), EngineError> {
        let lent = by.key().map(|id| Lent::of(by, self.key(id)?, self.now())).transpose()?;
        proof_is_for(by, lent.as_ref(), key)
    }
}
