//! Who may ask for what.

use super::{Caller, Command, CommandError, KeyRef, UserRef};
use crate::engine::{EngineError, Reader};
use crate::index::Found;
use crate::key::{Key, Level, RateLimits, User, UserId};

/// Something a caller may act on as asked. Only this file makes one, and the engine is called with nothing else.
#[derive(Debug)]
pub(super) struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// What may be acted on.
    pub(super) fn get(self) -> T {
        self.0
    }
}

/// The level a command needs on the caller's own things, and on other people's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Need {
    own: Level,
    others: Level,
}

/// The one table of who may do what; a new command does not compile without its row.
const fn need(command: &Command) -> Need {
    let own = match command {
        Command::AddUser(_)
        | Command::ListUsers { .. }
        | Command::UpdateUser(..)
        | Command::RemoveUser(_)
        | Command::Check => Level::ALL,
        Command::ShowUser(_) => Level::AUTHENTICATE,
        Command::ShowKey(_) => Level::READ,
        Command::SetPassword(..)
        | Command::CreateKey(_)
        | Command::ListKeys { .. }
        | Command::UpdateKey(..)
        | Command::RotateKey { .. }
        | Command::RevokeKey(..)
        | Command::DeleteKey(_) => Level::OWN,
    };
    Need { own, others: Level::ALL }
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

    /// Acting on nothing in particular.
    pub(super) const fn anything(&self) -> Authorized<()> {
        Authorized(())
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
        let allowed = found.filter(|user| self.reaches(user.id));
        Ok(allowed.map(Authorized).ok_or(EngineError::NoSuchUser)?)
    }

    /// Acting on this key. A key the caller may not act on and one that does not exist are one answer.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`], or the store's.
    pub(super) fn key(&self, key: &KeyRef) -> Result<Authorized<Key>, CommandError> {
        let id = match key {
            KeyRef::Id(id) => Some(*id),
            KeyRef::OwnText { keyspace, text } => {
                let presented = keyspace.format().parse(text.reveal()).map_err(|_| EngineError::NoSuchKey)?;
                let mut own = None;
                self.reader.look_up(&presented, &mut |found: &Found<'_>| {
                    let record = found.record;
                    let is_own = self.caller.id() == Some(record.owner) && record.keyspace == keyspace.name();
                    own = is_own.then_some(record.id);
                })?;
                own
            }
        };
        let found = id.map_or(Ok(None), |id| self.reader.key(id))?;
        let allowed = found.filter(|key| self.reaches(key.owner));
        Ok(allowed.map(Authorized).ok_or(EngineError::NoSuchKey)?)
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
        let have = self.caller.level();
        if have < self.need.others {
            return Err(CommandError::LevelTooLow { need: self.need.others, have });
        }
        Ok(Authorized(asked))
    }

    /// Seeing the text of this user's keys: only their own, whatever the level.
    pub(super) fn texts_of(&self, owner: UserId) -> bool {
        self.caller.id() == Some(owner)
    }

    fn reaches(&self, owner: UserId) -> bool {
        self.caller.id() == Some(owner) || self.caller.level() >= self.need.others
    }
}
