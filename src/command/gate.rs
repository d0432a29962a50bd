//! Who may ask for what.

use super::{Caller, CommandError, KeyRef, Proof, UserRef};
use crate::engine::{EngineError, KeyChange, NewKey, NewKind, NewUser, Reader, UserChange, Whose};
use crate::index::Found;
use crate::key::{
    Allowlist, Change, Company, CompanyId, Expiry, Key, KeyId, Keyspace, Kind, Level, Owner, RateLimits,
    UncheckedKey, User, UserId, Viewing,
};

/// Something a caller may act on as asked. Only this file makes one, and [`super::Door`] takes nothing else.
#[derive(Debug)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// What may be acted on. Whoever takes it out has given the leave away.
    pub(super) fn get(self) -> T {
        self.0
    }
}

/// Nothing in particular, so the things of anyone.
#[derive(Clone, Copy, Debug)]
pub struct Everything(());

/// The level a command needs: on the caller's own things, on those of others in the caller's company who are no higher
/// than the caller, and on anyone's, which is always [`Level::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    own: Level,
    company: Level,
}

impl Need {
    /// What only [`Level::ALL`] may do, even on own things.
    pub const ALL: Self = Self::of(Level::ALL, Level::ALL);

    /// The level needed on own things, and on those of the company.
    pub const fn of(own: Level, company: Level) -> Self {
        Self { own, company }
    }
}

/// Decides for one caller and one command.
pub struct Gate<'a> {
    caller: &'a Caller,
    need: Need,
    reader: Reader,
}

impl<'a> Gate<'a> {
    /// The gate for a command of this need, passed as far as the caller's level alone can tell.
    ///
    /// # Errors
    /// [`CommandError::LevelTooLow`] when it would not even do for the caller's own things.
    pub(super) fn open(caller: &'a Caller, need: Need, reader: Reader) -> Result<Self, CommandError> {
        if caller.level() < need.own {
            return Err(CommandError::LevelTooLow { need: need.own, have: caller.level() });
        }
        Ok(Self { caller, need, reader })
    }

    /// Acting on nothing in particular, so on anyone's.
    ///
    /// # Errors
    /// [`CommandError::LevelTooLow`]; [`CommandError::OutsideCompany`] for a bot of a company.
    pub fn everything(&self) -> Result<Authorized<Everything>, CommandError> {
        self.others()?;
        match self.caller.tenant() {
            None => Ok(Authorized(Everything(()))),
            Some(_) => Err(CommandError::OutsideCompany),
        }
    }

    /// Acting on this user. A user the caller may not act on and one who does not exist are one answer.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`], or the store's.
    pub fn user(&self, user: &UserRef) -> Result<Authorized<User>, CommandError> {
        let found = match user {
            UserRef::Id(id) => self.reader.user(*id)?,
            UserRef::Name(name) => self.reader.user_named(name)?,
        };
        let allowed = found.filter(|user| self.reaches(user.id, &user.owner()));
        Ok(allowed.map(Authorized).ok_or(EngineError::NoSuchUser)?)
    }

    /// Acting on keys of this user, or of everyone whom the caller may act for.
    ///
    /// # Errors
    /// As [`Gate::user`].
    pub fn whose(&self, owner: Option<&UserRef>) -> Result<Authorized<Whose>, CommandError> {
        if let Some(owner) = owner {
            return Ok(Authorized(Whose::Owner(self.user(owner)?.0.id)));
        }
        let (have, asking) = (self.caller.level(), self.caller.id());
        let company = self.caller.company().filter(|_| have >= self.need.company);
        Ok(Authorized(match (asking, company) {
            _ if self.caller.sees_everything() => Whose::Everyone,
            (asking, Some(company)) => Whose::Company { company, highest: have, asking },
            (Some(asking), None) => Whose::Owner(asking),
            (None, None) => return Err(EngineError::NoSuchUser.into()),
        }))
    }

    /// Acting on this company. One the caller may not act on and one that does not exist are one answer.
    ///
    /// # Errors
    /// [`EngineError::NoSuchCompany`], or the store's.
    pub fn company(&self, id: CompanyId) -> Result<Authorized<Company>, CommandError> {
        let own = self.caller.company() == Some(id) && self.caller.level() >= self.need.company;
        let found = if own || self.caller.sees_everything() { self.reader.company(id)? } else { None };
        Ok(found.map(Authorized).ok_or(EngineError::NoSuchCompany)?)
    }

    /// Acting on the users of this company, or of none.
    ///
    /// # Errors
    /// As [`Gate::company`] and [`Gate::everything`].
    pub fn members_of(
        &self,
        company: Option<CompanyId>,
    ) -> Result<Authorized<Option<CompanyId>>, CommandError> {
        match company {
            Some(id) => self.company(id).map(|company| Authorized(Some(company.0.id))),
            None => self.everything().map(|_| Authorized(None)),
        }
    }

    /// Adding this user: for a bot of a company to that company only, and nobody who acts beyond it.
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

    /// Refuses a bot of a company what belongs to another one, or to none.
    fn within_company(&self, company: Option<CompanyId>) -> Result<(), CommandError> {
        match self.caller.tenant() {
            Some(own) if company != Some(own) => Err(CommandError::OutsideCompany),
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a key that lends less than a password would give.
    fn lasting_proof(&self) -> Result<(), CommandError> {
        let Some(key) = self.caller.key() else { return Ok(()) };
        let key = self.reader.key(key)?.ok_or(EngineError::NoSuchKey)?;
        let narrow = key.expiry != Expiry::Never
            || key.allowlist != Allowlist::Anyone
            || !key.rate_limits.all().is_empty();
        if narrow { Err(CommandError::KeyTooNarrow) } else { Ok(()) }
    }

    /// Setting this user's password: by whoever gave the present one with this very request, or whose level is at least
    /// the one of the user's role. A session or a token is not enough for its own person, nor a key that has an end, an
    /// allowlist or rate limits for anyone.
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

    /// Changing this user so.
    ///
    /// # Errors
    /// As [`Gate::user`]; [`CommandError::OutsideCompany`] for a bot that would move somebody out of its company, or have
    /// somebody act beyond it.
    pub fn user_change(
        &self,
        user: &UserRef,
        change: &UserChange,
    ) -> Result<Authorized<(User, UserChange)>, CommandError> {
        let user = self.user(user)?.0;
        let role = change.role.unwrap_or(user.role);
        self.within_reach(user.kind == Kind::Bot, role.level())?;
        match change.company {
            Change::Keep => {}
            Change::Clear => self.within_company(None)?,
            Change::Set(company) => self.within_company(Some(company))?,
        }
        Ok(Authorized((user, change.clone())))
    }

    /// Acting on this key.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`], or the store's; [`CommandError::NotYours`] when there is one that the caller may not
    /// act on.
    pub fn key(&self, key: &KeyRef) -> Result<Authorized<Key>, CommandError> {
        let found = match key {
            KeyRef::Id(id) => self.reader.key(*id)?,
            KeyRef::Within(keyspace, id) => {
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

    /// Acting on this deleted key.
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

    /// The key of this text and its owner.
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

    /// Creating this key, for its owner.
    ///
    /// # Errors
    /// As [`Gate::user`]; [`CommandError::LevelAboveOwn`], [`CommandError::LevelTooLow`].
    pub fn new_key(&self, new: &NewKey) -> Result<Authorized<NewKey>, CommandError> {
        let owner = self.user(&UserRef::Id(new.owner))?.0;
        self.level(new.level)?;
        self.within_reach(owner.kind == Kind::Bot, new.level)?;
        new.rate_limits.as_ref().map_or(Ok(()), |limits| self.rate_limits(limits))?;
        Ok(Authorized(new.clone()))
    }

    /// Changing this key so.
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

    /// Giving a key this level: never above the creator's own.
    pub(super) fn level(&self, asked: Level) -> Result<(), CommandError> {
        let cap = self.caller.level();
        if asked > cap { Err(CommandError::LevelAboveOwn { asked, cap }) } else { Ok(()) }
    }

    /// Giving a key these rate limits: only for those who may act on others' keys, because nobody lifts limits that
    /// they were put under.
    pub(super) fn rate_limits(&self, asked: &RateLimits) -> Result<(), CommandError> {
        if asked.all().is_empty() { Ok(()) } else { self.others() }
    }

    /// Seeing the text of a key that the caller may act on: as its keyspace says, its owner or whoever administers it,
    /// unless it may do more than the caller.
    pub(super) fn shows_text(&self, key: &Key) -> Result<bool, CommandError> {
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

    /// Who asks.
    pub(super) const fn caller(&self) -> &Caller {
        self.caller
    }

    fn others(&self) -> Result<(), CommandError> {
        let (need, have) = (Level::ALL, self.caller.level());
        if have < need { Err(CommandError::LevelTooLow { need, have }) } else { Ok(()) }
    }

    /// Whether the caller may act on what belongs to this user.
    fn reaches(&self, id: UserId, owner: &Owner) -> bool {
        let (have, level) = (self.caller.level(), owner.standing.level);
        let same_company = owner.company.is_some() && owner.company == self.caller.company();
        let of_company = same_company && level <= have && have >= self.need.company;
        self.caller.id() == Some(id)
            || (of_company && !self.is_beyond(owner.is_bot, level))
            || self.caller.sees_everything()
    }

    /// Whether a user, or a key of one, acts or comes to act beyond the company that the caller is kept within: people of
    /// this level do, and what may do as much once its owner is promoted.
    fn is_beyond(&self, is_bot: bool, level: Level) -> bool {
        self.caller.tenant().is_some() && !is_bot && level >= Level::ALL
    }

    /// Refuses a bot of a company to make somebody of this kind and level.
    fn within_reach(&self, is_bot: bool, level: Level) -> Result<(), CommandError> {
        if self.is_beyond(is_bot, level) { Err(CommandError::OutsideCompany) } else { Ok(()) }
    }
}
