//! Who may ask for what.

use super::{Caller, Command, CommandError, KeyRef, UserRef};
use crate::engine::{EngineError, Reader};
use crate::index::Found;
use crate::key::{
    Company, CompanyId, Issuing, Key, KeyId, Keyspace, Level, RateLimits, UncheckedKey, User, UserId, Viewing,
};

/// Something a caller may act on as asked. Only this file makes one, and the engine is called with nothing else.
#[derive(Debug)]
pub(super) struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// What may be acted on.
    pub(super) fn get(self) -> T {
        self.0
    }
}

/// The level a command needs: on the caller's own things, on those of others in the caller's company who are no higher
/// than the caller, and on anyone's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Need {
    own: Level,
    company: Level,
    others: Level,
}

/// The one table of who may do what; a new command does not compile without its row.
fn need(command: &Command) -> Need {
    const ALL: Level = Level::ALL;
    const ADMINISTER: Level = Level::ADMINISTER;
    let (own, company) = match command {
        Command::AddUser(_)
        | Command::ListUsers { .. }
        | Command::UpdateUser(..)
        | Command::RemoveUser(_)
        | Command::AddCompany(_)
        | Command::ListCompanies { .. }
        | Command::RenameCompany(..)
        | Command::RemoveCompany(_)
        | Command::ListAllKeys { .. }
        | Command::FindKeys(_)
        | Command::ListEvents { .. }
        | Command::ImportKeys { .. }
        | Command::SearchEvents { .. }
        | Command::CheckAudit { .. }
        | Command::Backup { .. }
        | Command::CountPeppers
        | Command::ShowOverview
        | Command::Check => (ALL, ALL),
        Command::ListUsersOf { .. } => (ADMINISTER, ADMINISTER),
        Command::ShowUser(_) | Command::ListRequests(_) => (Level::AUTHENTICATE, ADMINISTER),
        Command::CountSessions(_) | Command::EndSessions(_) => (Level::AUTHENTICATE, ALL),
        Command::ShowCompany(_) => (Level::AUTHENTICATE, Level::AUTHENTICATE),
        Command::ShowKey(_) => (Level::READ, ADMINISTER),
        Command::ListKeys { keyspace, .. } => {
            let keyspace = keyspace.as_ref().and_then(Keyspace::named);
            (keyspace.map_or(Level::OWN, |keyspace| keyspace.listed_from()), ADMINISTER)
        }
        Command::SetPassword(..) => (Level::OWN, ALL),
        Command::CreateKey(new) | Command::CreateKeyOnce(new, _) => {
            match Keyspace::named(&new.keyspace).map(|space| space.issuing()) {
                Some(Issuing::WithAccess | Issuing::OnePerBot) => (ALL, ALL),
                Some(Issuing::Freely) | None => (Level::OWN, ADMINISTER),
            }
        }
        Command::UpdateKey(..)
        | Command::RotateKey { .. }
        | Command::ProposeText(_)
        | Command::AdoptText(_)
        | Command::DiscardText(_)
        | Command::ShowText(_)
        | Command::RevokeKey(..)
        | Command::DeleteKey(_)
        | Command::UndeleteKey(_) => (Level::OWN, ADMINISTER),
    };
    Need { own, company, others: ALL }
}

/// Decides for one caller and one command.
pub(super) struct Gate<'a> {
    caller: &'a Caller,
    need: Need,
    reader: &'a Reader,
}

impl<'a> Gate<'a> {
    /// The gate for `command`, passed as far as the caller's level alone can tell.
    ///
    /// # Errors
    /// [`CommandError::LevelTooLow`] when it would not even do for the caller's own things.
    pub(super) fn open(
        caller: &'a Caller,
        command: &Command,
        reader: &'a Reader,
    ) -> Result<Self, CommandError> {
        let need = need(command);
        if caller.level() < need.own {
            return Err(CommandError::LevelTooLow { need: need.own, have: caller.level() });
        }
        Ok(Self { caller, need, reader })
    }

    /// Acting on nothing in particular, so on anyone's.
    ///
    /// # Errors
    /// [`CommandError::LevelTooLow`].
    pub(super) fn anything(&self) -> Result<Authorized<()>, CommandError> {
        self.others().map(Authorized)
    }

    /// Acting on this user. A user the caller may not act on and one who does not exist are one answer.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`], or the store's.
    pub(super) fn user(&self, user: &UserRef) -> Result<Authorized<User>, CommandError> {
        let found = match user {
            UserRef::Id(id) => self.reader.user(*id)?,
            UserRef::Name(name) => self.reader.user_named(name)?,
        };
        let allowed = found.filter(|user| self.reaches(user.id, user.company, user.role.level()));
        Ok(allowed.map(Authorized).ok_or(EngineError::NoSuchUser)?)
    }

    /// Acting on this company. One the caller may not act on and one that does not exist are one answer.
    ///
    /// # Errors
    /// [`EngineError::NoSuchCompany`], or the store's.
    pub(super) fn company(&self, id: CompanyId) -> Result<Authorized<Company>, CommandError> {
        let level = self.caller.level();
        let own = self.caller.company() == Some(id) && level >= self.need.company;
        let found = if own || level >= self.need.others { self.reader.company(id)? } else { None };
        Ok(found.map(Authorized).ok_or(EngineError::NoSuchCompany)?)
    }

    /// Acting on this key.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`], or the store's; [`CommandError::NotYours`] when there is one that the caller may not
    /// act on.
    pub(super) fn key(&self, key: &KeyRef) -> Result<Authorized<Key>, CommandError> {
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
    pub(super) fn deleted_key(&self, id: KeyId) -> Result<Authorized<Key>, CommandError> {
        self.reached(self.reader.deleted_key(id)?.ok_or(EngineError::NoSuchKey)?)
    }

    fn reached(&self, found: Key) -> Result<Authorized<Key>, CommandError> {
        if self.caller.id() == Some(found.owner) {
            return Ok(Authorized(found));
        }
        let owner = self.reader.owner(found.owner)?.ok_or(EngineError::NoSuchKey)?;
        if self.reaches(found.owner, owner.company, owner.standing.level) {
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

    /// Giving a key this level: never above the creator's own.
    ///
    /// # Errors
    /// [`CommandError::LevelAboveOwn`].
    pub(super) fn level(&self, asked: Level) -> Result<Authorized<Level>, CommandError> {
        let cap = self.caller.level();
        if asked > cap { Err(CommandError::LevelAboveOwn { asked, cap }) } else { Ok(Authorized(asked)) }
    }

    /// Giving a key these rate limits: only for those who may act on others' keys, because nobody lifts limits that
    /// they were put under.
    ///
    /// # Errors
    /// [`CommandError::LevelTooLow`].
    pub(super) fn rate_limits(&self, asked: RateLimits) -> Result<Authorized<RateLimits>, CommandError> {
        self.others().map(|()| Authorized(asked))
    }

    /// Getting a text of this key: never one that may do more than the caller.
    ///
    /// # Errors
    /// As [`Gate::key`]; [`CommandError::LevelAboveOwn`].
    pub(super) fn text_of(&self, key: &KeyRef) -> Result<Authorized<Key>, CommandError> {
        let key = self.key(key)?.get();
        self.level(self.acts_with(&key)?)?;
        Ok(Authorized(key))
    }

    /// Seeing the text of a key that the caller may act on: as its keyspace says, its owner or whoever administers it,
    /// unless it may do more than the caller.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn shows_text(&self, key: &Key) -> Result<bool, CommandError> {
        let shown = match Keyspace::named(&key.keyspace).map(|keyspace| keyspace.viewing()) {
            Some(Viewing::ByAdministrators) => true,
            Some(Viewing::ByOwner) => self.caller.id() == Some(key.owner),
            Some(Viewing::Once) | None => false,
        };
        Ok(shown && self.acts_with(key)? <= self.caller.level())
    }

    /// What a key may do now.
    fn acts_with(&self, key: &Key) -> Result<Level, CommandError> {
        let owner = self.reader.owner(key.owner)?.ok_or(EngineError::NoSuchKey)?;
        Ok(key.level.min(owner.standing.level))
    }

    fn others(&self) -> Result<(), CommandError> {
        let (need, have) = (self.need.others, self.caller.level());
        if have < need { Err(CommandError::LevelTooLow { need, have }) } else { Ok(()) }
    }

    /// Whether the caller may act on what belongs to this user, of this company and with this level.
    fn reaches(&self, owner: UserId, company: Option<CompanyId>, level: Level) -> bool {
        let have = self.caller.level();
        let same_company = company.is_some() && company == self.caller.company();
        self.caller.id() == Some(owner)
            || (same_company && level <= have && have >= self.need.company)
            || have >= self.need.others
    }
}
