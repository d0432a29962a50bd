//! The two rules about rights, checked on the write lane against the records at the time of the change.
//!
//! **No caller gives more than the presented proof has.** A presented key lends its own rights: its level, expiry,
//! allowlist and rate limits. A key that the caller creates, changes, resumes, rotates or undeletes is within them. A
//! key text is given to callers who reach the level in the key's record, since the owner may be promoted later; owners
//! who log in may have the texts of all their own keys.
//!
//! **A right that was taken away stays away.** A key remembers at which level each of its rights was last narrowed by a
//! caller other than its owner, and no caller below that level widens it again ([`NarrowedBy`]).

use std::fmt::{self, Display};

use crate::clock::Timestamp;
use crate::engine::commit::Transaction;
use crate::engine::{EngineError, NewKey, Reader};
use crate::key::{
    Allowlist, Expiry, Key, KeyState, Level, NarrowedBy, Principal, RateLimits, Restriction, Role, UserId,
};

/// Right over a key, or over keys at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Use of the key: taken away by suspending it.
    State,
    /// Level of the key.
    Level,
    /// Networks that the key may be used from.
    Allowlist,
    /// Rate limits of the key.
    RateLimits,
    /// Time until which the key may be used.
    Expiry,
    /// Existence of the key: taken away by deleting it.
    Existence,
    /// API access of the owner.
    ApiAccess,
}

impl Right {
    /// Name of the right's field.
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

    /// Word for how the right was taken away.
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

/// Refuses a value that is not within the bound.
pub(in crate::engine) fn bounded<T: Restriction + Display>(
    right: Right,
    asked: &T,
    most: &T,
) -> Result<(), EngineError> {
    if asked.within(most) { Ok(()) } else { Err(EngineError::Beyond { right, most: most.to_string() }) }
}

/// Refuses a caller below the level at which a right was taken away.
pub(in crate::engine) fn reaches(right: Right, by: &Principal, held: Level) -> Result<(), EngineError> {
    if by.level >= held { Ok(()) } else { Err(EngineError::Withheld { right, level: held }) }
}

/// The presented key, and the rights that it lends.
#[derive(Debug)]
pub(in crate::engine) struct Lent {
    key: Key,
    acts_with: Level,
}

impl Lent {
    /// Returns the rights that `key`, the record of the presented key, lends.
    fn of(by: &Principal, key: Option<Key>, now: Timestamp) -> Result<Self, EngineError> {
        let good = |key: &Key| key.state == KeyState::Active && !key.expiry.reached(now);
        let key = key.filter(good).ok_or(EngineError::NoLongerGood)?;
        Ok(Self { acts_with: by.level.min(key.level), key })
    }

    /// Highest level of keys of `owner` that it reaches. Two keys of one owner are capped by the same role.
    fn reaches(&self, owner: UserId) -> Level {
        if owner == self.key.owner { self.key.level } else { self.acts_with }
    }

    /// Refuses a key with more rights.
    fn covers(&self, key: &Key) -> Result<(), EngineError> {
        let Key { allowlist, rate_limits, expiry, .. } = &self.key;
        bounded(Right::Level, &key.level, &self.reaches(key.owner))?;
        bounded(Right::Expiry, &key.expiry, expiry)?;
        bounded(Right::Allowlist, &key.allowlist, allowlist)?;
        bounded(Right::RateLimits, &key.rate_limits, rate_limits)
    }
}

/// Refuses to give a proof of this key to a caller that may not have it.
fn proof_is_for(by: &Principal, lent: Option<&Lent>, key: &Key) -> Result<(), EngineError> {
    match lent {
        Some(lent) => lent.covers(key),
        None if by.is_in_person(key.owner) => Ok(()),
        None => bounded(Right::Level, &key.level, &by.level),
    }
}

/// Level that holds a right after the change from `old` to `new`.
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
    // Widened, but not to the full right: the rest was narrowed by this caller.
    Ok(if own || new.is_unbounded() { Level::AUTHENTICATE } else { by.level })
}

/// Levels that hold the rights of a key after `by` changed it from `old` to `new`. `suspends` is set when the caller
/// asked to suspend, also for a suspended key.
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

/// Levels that hold the rights of a key that a caller creates for another owner: each right that the caller narrowed.
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
    /// Returns the rights that the presented key lends; `None` when the caller presented another proof.
    ///
    /// # Errors
    /// [`EngineError::NoLongerGood`] when the presented key was suspended, revoked or deleted, or has expired.
    fn lent(&mut self, by: &Principal) -> Result<Option<Lent>, EngineError> {
        let Some(id) = by.key() else { return Ok(None) };
        let key = match self.key(id) {
            Err(EngineError::NoSuchKey) => None,
            key => Some(key?),
        };
        Lent::of(by, key, self.now()).map(Some)
    }

    /// Fills in the omitted fields of a new key, and returns it with the levels that hold its rights.
    ///
    /// # Errors
    /// [`EngineError::Beyond`] when the key would have more rights than `by` may give, or than bind its owner.
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

    /// Writes into `new` the levels that hold the rights that `by` narrowed of `old`.
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

    /// Refuses to give a proof of this key, a text or an undelete, to a caller that may not have it.
    ///
    /// # Errors
    /// [`EngineError::Beyond`].
    pub(in crate::engine) fn check_proof(&mut self, by: &Principal, key: &Key) -> Result<(), EngineError> {
        let lent = self.lent(by)?;
        proof_is_for(by, lent.as_ref(), key)
    }

    /// Refuses to give a password of a user with this role: a password has no expiry, allowlist or rate limits, and its
    /// owner acts with the whole role. Checked here, too, and not in the gate alone: hashing the password takes
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

    /// Refuses to end a key with a higher level than the presented key.
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
    /// Refuses to give the text of this key to a caller whose level is below that of the key; to a presented key,
    /// unless its owner logged in; and to a presented key with fewer rights.
    ///
    /// # Errors
    /// [`EngineError::Beyond`], [`EngineError::NoLongerGood`]: the caller may not have the text. [`EngineError::Store`]
    /// when the records could not be read.
    pub fn check_proof(&self, by: &Principal, key: &Key) -> Result<(), EngineError> {
        let lent = by.key().map(|id| Lent::of(by, self.key(id)?, self.now())).transpose()?;
        proof_is_for(by, lent.as_ref(), key)
    }
}
