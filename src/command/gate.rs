//! The gate: which caller may act on which target.
//!
//! A caller acts on the own user and keys, from level 6 on also on other users of the same company who are no higher, and
//! at level 8 on all. Two rules are checked on the write lane instead, on the records as they are then
//! (`engine/rights`): a caller never gets a proof that may do more than the presented one, and a right that a higher
//! principal took away stays away. `command/table_tests/` has the whole table once more, independently.
//!
//! A bot of a company is kept within that company, at every level. It also cannot touch what acts beyond the company:
//! administrators, and keys of people that would act so once their owner is promoted.
//!
//! A target that the caller may not know of is answered as one that does not exist. For keys the error says which it is
//! ([`CommandError::NotYours`]), because FreeSewing documents the difference.

use super::{Caller, CommandError, KeyRef, Proof, UserRef};
use crate::engine::{EngineError, KeyChange, KeyScope, NewKey, NewKind, NewUser, Reader, UserChange};
use crate::index::Found;
use crate::key::{
    Allowlist, Company, CompanyId, Expiry, Key, KeyId, Keyspace, Level, Owner, Patch, RateLimits,
    UncheckedKey, User, UserId, UserKind, Viewing,
};

/// Target that the caller may act on. Only this file makes one, and the [`GatedEngine`](super::GatedEngine) takes nothing
/// else.
#[derive(Debug)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// Returns the target and gives up the authorization.
    pub(super) fn get(self) -> T {
        self.0
    }
}

/// Target of commands about the system as a whole.
#[derive(Clone, Copy, Debug)]
pub struct WholeSystem(());

/// Row of the level table: the level that a command needs on the caller's own targets, and on those of the caller's company
/// whose owners are no higher than the caller. On all other targets it is always [`Level::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    own: Level,
    company: Level,
}

impl Need {
    /// Row of commands that need [`Level::ALL`] on every target.
    pub const ALL: Self = Self::of(Level::ALL, Level::ALL);

    /// Returns the row with these levels, for own targets and for those of the company.
    pub const fn of(own: Level, company: Level) -> Self {
        Self { own, company }
    }
}

/// Gate for one caller and one command.
pub struct Gate<'a> {
    caller: &'a Caller,
    need: Need,
    reader: Reader,
}

impl<'a> Gate<'a> {
    /// Returns the gate for a command with this row, if the caller's level suffices for own targets.
    ///
    /// # Errors
    /// [`CommandError::LevelTooLow`].
    pub(super) fn open(caller: &'a Caller, need: Need, reader: Reader) -> Result<Self, CommandError> {
        if caller.level() < need.own {
            return Err(CommandError::LevelTooLow { need: need.own, have: caller.level() });
        }
        Ok(Self { caller, need, reader })
    }

    /// Authorizes acting on the whole system.
    ///
    /// # Errors
    /// [`CommandError::LevelTooLow`]; [`CommandError::OutsideCompany`] for a bot of a company.
    pub fn whole_system(&self) -> Result<Authorized<WholeSystem>, CommandError> {
        self.others()?;
        match self.caller.tenant() {
            None => Ok(Authorized(WholeSystem(()))),
            Some(_) => Err(CommandError::OutsideCompany),
        }
    }

    /// Authorizes acting on a user. A user whom the caller may not act on is answered as one who does not exist.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`], or the store's.
    pub fn user(&self, user: &UserRef) -> Result<Authorized<User>, CommandError> {
        let found = match user {
            UserRef::Own => self.caller.id().map_or(Ok(None), |id| self.reader.user(id))?,
            UserRef::Id(id) => self.reader.user(*id)?,
            UserRef::Name(name) => self.reader.user_named(name)?,
        };
        let allowed = found.filter(|user| self.reaches(user.id, &user.owner()));
        Ok(allowed.map(Authorized).ok_or(EngineError::NoSuchUser)?)
    }

    /// Authorizes acting on keys of a user or, without `owner`, of all users whom the caller may act on.
    ///
    /// # Errors
    /// As [`Gate::user`].
    pub fn whose(&self, owner: Option<&UserRef>) -> Result<Authorized<KeyScope>, CommandError> {
        if let Some(owner) = owner {
            return Ok(Authorized(KeyScope::Owner(self.user(owner)?.0.id)));
        }
        let (have, asking) = (self.caller.level(), self.caller.id());
        let company = self.caller.company().filter(|_| have >= self.need.company);
        Ok(Authorized(match (asking, company) {
            _ if self.caller.sees_everything() => KeyScope::Everyone,
            (asking, Some(company)) => KeyScope::Company { company, highest: have, asking },
            (Some(asking), None) => KeyScope::Owner(asking),
            (None, None) => return Err(EngineError::NoSuchUser.into()),
        }))
    }

    /// Authorizes acting on a company. A company that the caller may not act on is answered as one that does not exist.
    ///
    /// # Errors
    /// [`EngineError::NoSuchCompany`], or the store's.
    pub fn company(&self, id: CompanyId) -> Result<Authorized<Company>, CommandError> {
        let own = self.caller.company() == Some(id) && self.caller.level() >= self.need.company;
        let found = if own || self.caller.sees_everything() { self.reader.company(id)? } else { None };
        Ok(found.map(Authorized).ok_or(EngineError::NoSuchCompany)?)
    }

    /// Authorizes acting on the users of a company or, with `None`, on those without one.
    ///
    /// # Errors
    /// As [`Gate::company`] and [`Gate::whole_system`].
    pub fn members_of(
        &self,
        company: Option<CompanyId>,
    ) -> Result<Authorized<Option<CompanyId>>, CommandError> {
        match company {
            Some(id) => self.company(id).map(|company| Authorized(Some(company.0.id))),
            None => self.whole_system().map(|_| Authorized(None)),
        }
    }

    /// Authorizes adding a user. A bot of a company adds users to that company only, and none who act beyond it.
    ///
    /// # Errors
    /// [`CommandError::LevelTooLow`], [`CommandError::OutsideCompany`], [`CommandError::KeyTooNarrow`].
    pub fn new_user(&self, new: &NewUser) -> Result<Authorized<NewUser>, CommandError> {
        self.others()?;
        self.within_company(new.company)?;
        match &new.kind {
            NewKind::Person { password } => {
                self.within_reach(false, new.role.level())?;
                password.as_ref().map_or(Ok(()), |_| self.lasting_proof())?;
            }
            NewKind::Bot => {}
        }
        Ok(Authorized(new.clone()))
    }

    /// Refuses a bot of a company a target in another company, or in none.
    fn within_company(&self, company: Option<CompanyId>) -> Result<(), CommandError> {
        match self.caller.tenant() {
            Some(own) if company != Some(own) => Err(CommandError::OutsideCompany),
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a presented key that allows less than a password would.
    fn lasting_proof(&self) -> Result<(), CommandError> {
        let Some(key) = self.caller.key() else { return Ok(()) };
        let key = self.reader.key(key)?.ok_or(EngineError::NoSuchKey)?;
        let narrow = key.expiry != Expiry::Never
            || key.allowlist != Allowlist::Anyone
            || !key.rate_limits.all().is_empty();
        if narrow { Err(CommandError::KeyTooNarrow) } else { Ok(()) }
    }

    /// Authorizes setting a user's password: the user's own with the current password in this request, or another user's with
    /// at least the level of that user's role. A session or a token does not suffice for its own person. A key with an expiry,
    /// an allowlist or rate limits sets no password.
    ///
    /// # Errors
    /// As [`Gate::user`]; [`CommandError::LevelTooLow`], [`CommandError::PasswordNeeded`],
    /// [`CommandError::KeyTooNarrow`].
    pub fn password_of(&self, user: &UserRef) -> Result<Authorized<User>, CommandError> {
        let user = self.user(user)?;
        let own = self.caller.id() == Some(user.0.id);
        match self.caller.proof() {
            Proof::Password if own => return Ok(user),
            Proof::Login if own => return Err(CommandError::PasswordNeeded),
            Proof::Machine | Proof::Password | Proof::Login => {}
            Proof::Key => self.lasting_proof()?,
        }
        let (need, have) = (user.0.role.level(), self.caller.level());
        if have < need { Err(CommandError::LevelTooLow { need, have }) } else { Ok(user) }
    }

    /// Authorizes this change of a user.
    ///
    /// # Errors
    /// As [`Gate::user`]; [`CommandError::OutsideCompany`] when a bot of a company would move a user out of the company, or
    /// let a user act beyond it.
    pub fn user_change(
        &self,
        user: &UserRef,
        change: &UserChange,
    ) -> Result<Authorized<(User, UserChange)>, CommandError> {
        let user = self.user(user)?.0;
        let role = change.role.unwrap_or(user.role);
        self.within_reach(user.kind == UserKind::Bot, role.level())?;
        match change.company {
            Patch::Keep => {}
            Patch::Clear => self.within_company(None)?,
            Patch::Set(company) => self.within_company(Some(company))?,
        }
        Ok(Authorized((user, change.clone())))
    }

    /// Authorizes acting on a key.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`], or the store's; [`CommandError::NotYours`] for a key that exists and that the caller may
    /// not act on.
    pub fn key(&self, key: &KeyRef) -> Result<Authorized<Key>, CommandError> {
        let found = match key {
            KeyRef::Id(id) => self.reader.key(*id)?,
            KeyRef::Restriction(keyspace, id) => {
                self.reader.key(*id)?.filter(|key| key.keyspace == *keyspace.name())
            }
            KeyRef::OwnText { keyspace, text } => {
                let own =
                    self.named_by(keyspace, text)?.filter(|(_, owner)| self.caller.id() == Some(*owner));
                own.map_or(Ok(None), |(id, _)| self.reader.key(id))?
            }
            KeyRef::Text { keyspace, text } => {
                self.named_by(keyspace, text)?.map_or(Ok(None), |(id, _)| self.reader.key(id))?
            }
        };
        self.reached(found.ok_or(EngineError::NoSuchKey)?)
    }

    /// Authorizes acting on a deleted key.
    ///
    /// # Errors
    /// As [`Gate::key`].
    pub fn deleted_key(&self, id: KeyId) -> Result<Authorized<Key>, CommandError> {
        self.reached(self.reader.deleted_key(id)?.ok_or(EngineError::NoSuchKey)?)
    }

    fn reached(&self, found: Key) -> Result<Authorized<Key>, CommandError> {
        if self.caller.id() == Some(found.owner) {
            return Ok(Authorized(found));
        }
        let owner = self.reader.owner(found.owner)?.ok_or(EngineError::NoSuchKey)?;
        if self.reaches(found.owner, &owner) && !self.is_beyond(owner.is_bot, found.level) {
            Ok(Authorized(found))
        } else {
            Err(CommandError::NotYours)
        }
    }

    /// Returns the key of this text, and its owner.
    fn named_by(
        &self,
        keyspace: &Keyspace,
        text: &UncheckedKey,
    ) -> Result<Option<(KeyId, UserId)>, CommandError> {
        let Ok(presented) = keyspace.format().parse(text.reveal()) else { return Ok(None) };
        let mut named = None;
        self.reader.look_up(&presented, &mut |found: &Found<'_>| {
            let record = found.record;
            named = (record.keyspace == keyspace.name()).then_some((record.id, record.owner));
        })?;
        Ok(named)
    }

    /// Authorizes creating this key for its owner.
    ///
    /// # Errors
    /// As [`Gate::user`]; [`CommandError::LevelAboveOwn`], [`CommandError::LevelTooLow`].
    pub fn new_key(&self, new: &NewKey) -> Result<Authorized<NewKey>, CommandError> {
        let owner = self.user(&UserRef::Id(new.owner))?.0;
        self.level(new.level)?;
        self.within_reach(owner.kind == UserKind::Bot, new.level)?;
        new.rate_limits.as_ref().map_or(Ok(()), |limits| self.rate_limits(limits))?;
        Ok(Authorized(new.clone()))
    }

    /// Authorizes this change of a key.
    ///
    /// # Errors
    /// As [`Gate::key`]; [`CommandError::LevelAboveOwn`], [`CommandError::LevelTooLow`].
    pub fn key_change(
        &self,
        key: &KeyRef,
        change: &KeyChange,
    ) -> Result<Authorized<(Key, KeyChange)>, CommandError> {
        change.level.map_or(Ok(()), |level| self.level(level))?;
        change.rate_limits.as_ref().map_or(Ok(()), |_| self.others())?;
        let key = self.key(key)?.0;
        let owner = self.reader.owner(key.owner)?.ok_or(EngineError::NoSuchKey)?;
        self.within_reach(owner.is_bot, change.level.unwrap_or(key.level))?;
        Ok(Authorized((key, change.clone())))
    }

    /// Refuses a level above the caller's.
    pub(super) fn level(&self, asked: Level) -> Result<(), CommandError> {
        let cap = self.caller.level();
        if asked > cap { Err(CommandError::LevelAboveOwn { asked, cap }) } else { Ok(()) }
    }

    /// Refuses rate limits of callers below level 8: a caller does not lift limits that an administrator set.
    pub(super) fn rate_limits(&self, asked: &RateLimits) -> Result<(), CommandError> {
        if asked.all().is_empty() { Ok(()) } else { self.others() }
    }

    /// Whether the caller may see the text of a key that it may act on: if the keyspace shows texts to the owner or to
    /// administrators, and if the key may do no more than the caller.
    pub(super) fn may_see_text(&self, key: &Key) -> Result<bool, CommandError> {
        let shown = match Keyspace::named(&key.keyspace).map(|keyspace| keyspace.viewing()) {
            Some(Viewing::ByAdministrators) => true,
            Some(Viewing::ByOwner) => self.caller.id() == Some(key.owner),
            Some(Viewing::Once) | None => false,
        };
        let owner = self.reader.owner(key.owner)?.ok_or(EngineError::NoSuchKey)?;
        if !shown || self.is_beyond(owner.is_bot, key.level) {
            return Ok(false);
        }
        match self.reader.check_proof(&self.caller.authority(), key) {
            Ok(()) => Ok(true),
            Err(EngineError::Beyond { .. } | EngineError::NoLongerGood) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Caller.
    pub(super) const fn caller(&self) -> &Caller {
        self.caller
    }

    fn others(&self) -> Result<(), CommandError> {
        let (need, have) = (Level::ALL, self.caller.level());
        if have < need { Err(CommandError::LevelTooLow { need, have }) } else { Ok(()) }
    }

    /// Whether the caller may act on this user.
    fn reaches(&self, id: UserId, owner: &Owner) -> bool {
        let (have, level) = (self.caller.level(), owner.rights.level);
        let same_company = owner.company.is_some() && owner.company == self.caller.company();
        let of_company = same_company && level <= have && have >= self.need.company;
        self.caller.id() == Some(id)
            || (of_company && !self.is_beyond(owner.is_bot, level))
            || self.caller.sees_everything()
    }

    /// Whether a user or key of this level acts beyond the company that bounds the caller: people of level 8 do, and keys of
    /// level 8 once their owner is promoted.
    fn is_beyond(&self, is_bot: bool, level: Level) -> bool {
        self.caller.tenant().is_some() && !is_bot && level >= Level::ALL
    }

    /// Refuses a bot of a company to make a user or key that acts beyond it.
    fn within_reach(&self, is_bot: bool, level: Level) -> Result<(), CommandError> {
        if self.is_beyond(is_bot, level) { Err(CommandError::OutsideCompany) } else { Ok(()) }
    }
}
