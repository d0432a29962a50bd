//! Who may ask for what.

use super::{Caller, Command, CommandError, KeyRef, UserRef};
use crate::engine::{EngineError, KeyFilter, Reader, Whose};
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
        Command::ListKeys { keyspace, .. } | Command::FindKeys { filter: KeyFilter { keyspace, .. }, .. } => {
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

    /// Acting on keys of this user, or of everyone whom the caller may act for.
    ///
    /// # Errors
    /// As [`Gate::user`].
    pub(super) fn whose(&self, owner: Option<&UserRef>) -> Result<Authorized<Whose>, CommandError> {
        if let Some(owner) = owner {
            return Ok(Authorized(Whose::Owner(self.user(owner)?.get().id)));
        }
        let (have, asking) = (self.caller.level(), self.caller.id());
        let company = self.caller.company().filter(|_| have >= self.need.company);
        Ok(Authorized(match (asking, company) {
            _ if have >= self.need.others => Whose::Everyone,
            (asking, Some(company)) => Whose::Company { company, highest: have, asking },
            (Some(asking), None) => Whose::Owner(asking),
            (None, None) => return Err(EngineError::NoSuchUser.into()),
        }))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, KeyChange, NewCompany, NewKey, NewUser, Parts};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, IssuedKey, PepperRing, Role};
    use crate::store::MemoryStore;

    /// People of two companies, and of none.
    struct World {
        engine: Engine,
        companies: [CompanyId; 2],
    }

    const NOT_YOURS: Result<(), &str> = Err("not yours");

    impl World {
        fn new() -> Self {
            let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
            let engine = Engine::open(parts).unwrap();
            let companies = ["One", "Two"].map(|name| {
                let new = NewCompany { id: None, name: name.parse().unwrap() };
                engine.add_company(Actor::Operator, new).unwrap().id
            });
            Self { engine, companies }
        }

        /// Somebody with the role of this level.
        fn person(&self, level: u8, company: Option<usize>) -> Caller {
            let level = Level::new(level).unwrap();
            let company = company.map(|at| self.companies[at]);
            let person =
                NewUser { username: None, ..NewUser::person("x".parse().unwrap(), Role::of(level), None) };
            let user = self.engine.add_user(Actor::Operator, NewUser { company, ..person }).unwrap();
            Caller::user(user.id, company, None, None, level)
        }

        fn key(&self, owner: &Caller, keyspace: &Keyspace, level: u8) -> (Key, IssuedKey) {
            let new = NewKey::new(*keyspace.name(), owner.id().unwrap(), Level::new(level).unwrap());
            self.engine.create_key(Actor::Operator, new).unwrap()
        }

        /// What the gate for a change of a key says to `ask`.
        fn asked<T>(
            &self,
            caller: &Caller,
            ask: impl FnOnce(&Gate<'_>) -> Result<T, CommandError>,
        ) -> Result<T, CommandError> {
            let command =
                Command::UpdateKey(KeyRef::Id(KeyId::generate(&OsEntropy).unwrap()), KeyChange::default());
            ask(&Gate::open(caller, &command, &self.engine.reader())?)
        }

        fn reaches_user(&self, caller: &Caller, user: &Caller) -> bool {
            let named = UserRef::Id(user.id().unwrap());
            match self.asked(caller, |gate| gate.user(&named)) {
                Ok(found) => found.get().id == user.id().unwrap(),
                Err(CommandError::Engine(EngineError::NoSuchUser)) => false,
                Err(error) => panic!("{error}"),
            }
        }

        fn reaches_key(&self, caller: &Caller, key: &KeyRef) -> Result<(), &'static str> {
            match self.asked(caller, |gate| gate.key(key)) {
                Ok(_) => Ok(()),
                Err(CommandError::NotYours) => NOT_YOURS,
                Err(CommandError::Engine(EngineError::NoSuchKey)) => Err("no such key"),
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn whoever_is_too_low_for_their_own_things_is_told_so_at_once() {
        let world = World::new();
        let opens = |level| world.asked(&world.person(level, None), |_| Ok(()));
        assert!(matches!(
            opens(3),
            Err(CommandError::LevelTooLow { need, have }) if (need, have) == (Level::OWN, Level::new(3).unwrap())
        ));
        assert!(opens(4).is_ok() && opens(5).is_ok());
    }

    #[test]
    fn a_company_is_reached_from_level_six_up_to_ones_own_level_and_everyone_from_eight() {
        let world = World::new();
        for (level, company, owner_level, owner_company, reached) in [
            (6, Some(0), 4, Some(0), true),
            (6, Some(0), 6, Some(0), true),
            (6, Some(0), 7, Some(0), false),
            (5, Some(0), 4, Some(0), false),
            (7, Some(0), 4, Some(1), false),
            (7, Some(0), 4, None, false),
            (7, None, 4, None, false),
            (8, None, 8, Some(1), true),
            (8, Some(0), 4, None, true),
        ] {
            let (caller, owner) = (world.person(level, company), world.person(owner_level, owner_company));
            let case = format!("{level} of {company:?}, {owner_level} of {owner_company:?}");
            assert_eq!(world.reaches_user(&caller, &owner), reached, "{case}");
            let key = KeyRef::Id(world.key(&owner, &Keyspace::NATIVE, 2).0.id);
            assert_eq!(world.reaches_key(&caller, &key), if reached { Ok(()) } else { NOT_YOURS }, "{case}");
            assert!(world.reaches_user(&caller, &caller), "oneself");
            let own = KeyRef::Id(world.key(&caller, &Keyspace::NATIVE, 2).0.id);
            assert_eq!(world.reaches_key(&caller, &own), Ok(()), "one's own");
        }
    }

    #[test]
    fn a_company_s_name_is_for_its_own_and_for_level_eight() {
        let world = World::new();
        let sees = |level, company, at: usize, command: fn(CompanyId) -> Command| {
            let (caller, id, reader) =
                (world.person(level, company), world.companies[at], world.engine.reader());
            let gate = Gate::open(&caller, &command(id), &reader);
            gate.and_then(|gate| gate.company(id)).is_ok_and(|found| found.get().id == id)
        };
        let members: fn(CompanyId) -> Command =
            |id| Command::ListUsersOf { company: Some(id), after: None, limit: 1 };
        assert!(sees(0, Some(0), 0, Command::ShowCompany) && !sees(7, Some(0), 1, Command::ShowCompany));
        assert!(!sees(7, None, 1, Command::ShowCompany) && sees(8, Some(0), 1, Command::ShowCompany));
        assert!(sees(6, Some(0), 0, members) && !sees(6, Some(0), 1, members) && sees(8, None, 0, members));
    }

    #[test]
    fn a_key_is_found_by_what_names_it_and_in_its_keyspace_alone() {
        let world = World::new();
        let (owner, peer, administrator) =
            (world.person(4, Some(0)), world.person(6, Some(0)), world.person(8, None));
        let (key, text) = world.key(&owner, &Keyspace::NATIVE, 2);
        let text = text.reveal();
        let unchecked = || UncheckedKey::new(text.to_string());
        let own = KeyRef::OwnText { keyspace: Keyspace::NATIVE, text: unchecked() };
        let any = KeyRef::Text { keyspace: Keyspace::NATIVE, text: unchecked() };
        let elsewhere = KeyRef::Text { keyspace: Keyspace::FILEBIN, text: unchecked() };
        let garbled =
            KeyRef::Text { keyspace: Keyspace::NATIVE, text: UncheckedKey::new("no key".to_owned()) };
        for (caller, named, found) in [
            (&owner, &KeyRef::Within(Keyspace::NATIVE, key.id), Ok(())),
            (&owner, &KeyRef::Within(Keyspace::FILEBIN, key.id), Err("no such key")),
            (&owner, &own, Ok(())),
            (&administrator, &own, Err("no such key")),
            (&owner, &any, Ok(())),
            (&peer, &any, Ok(())),
            (&world.person(4, Some(0)), &any, NOT_YOURS),
            (&owner, &elsewhere, Err("no such key")),
            (&owner, &garbled, Err("no such key")),
        ] {
            assert_eq!(world.reaches_key(caller, named), found, "{named:?}");
        }
        let deleted = |caller: &Caller| {
            world.asked(caller, |gate| gate.deleted_key(key.id)).map(|found| found.get().id)
        };
        assert!(matches!(deleted(&owner), Err(CommandError::Engine(EngineError::NoSuchKey))));
        world.engine.delete_key(Actor::Operator, key.id).unwrap();
        assert!(deleted(&owner).is_ok_and(|id| id == key.id) && deleted(&peer).is_ok());
        assert!(matches!(deleted(&world.person(4, Some(0))), Err(CommandError::NotYours)));
    }

    #[test]
    fn only_level_eight_acts_on_anything_and_gives_rate_limits() {
        let world = World::new();
        for (level, may) in [(7, false), (8, true)] {
            let caller = world.person(level, None);
            let limits = RateLimits::default();
            assert_eq!(world.asked(&caller, |gate| gate.anything()).is_ok(), may);
            assert_eq!(world.asked(&caller, |gate| gate.rate_limits(limits)).is_ok(), may);
        }
    }

    #[test]
    fn nobody_gives_a_level_above_their_own_or_gets_a_text_that_has_it() {
        let world = World::new();
        let six = world.person(6, Some(0));
        let gives = |level| world.asked(&six, |gate| gate.level(Level::new(level).unwrap())).is_ok();
        assert!(gives(5) && gives(6) && !gives(7));
        // The owner's role caps what a key may do.
        let owner = world.person(4, Some(0));
        let gets = |caller: &Caller, key: &Key| world.asked(caller, |gate| gate.text_of(&KeyRef::Id(key.id)));
        assert!(gets(&six, &world.key(&owner, &Keyspace::NATIVE, 8).0).is_ok());
        let (own, _) = world.key(&world.person(8, None), &Keyspace::NATIVE, 7);
        let by_key = |level| Caller::user(own.owner, None, None, None, Level::new(level).unwrap());
        assert!(matches!(gets(&by_key(6), &own), Err(CommandError::LevelAboveOwn { .. })));
        assert!(gets(&by_key(7), &own).is_ok());
    }

    #[test]
    fn a_text_is_shown_again_as_its_keyspace_says() {
        let world = World::new();
        let (owner, administrator) = (world.person(4, None), world.person(8, None));
        for (keyspace, to_owner, to_administrator) in [
            (Keyspace::NATIVE, false, false),
            (Keyspace::FILEBIN, true, false),
            (Keyspace::BOKAMERA, true, true),
        ] {
            let (key, _) = world.key(&owner, &keyspace, 4);
            let shown = |caller: &Caller| world.asked(caller, |gate| gate.shows_text(&key)).unwrap();
            assert_eq!(
                (shown(&owner), shown(&administrator)),
                (to_owner, to_administrator),
                "{}",
                keyspace.name()
            );
        }
        let (above, _) = world.key(&administrator, &Keyspace::FILEBIN, 8);
        let by_key = Caller::user(above.owner, None, None, None, Level::OWN);
        assert!(
            !world.asked(&by_key, |gate| gate.shows_text(&above)).unwrap(),
            "not to a key that may do less"
        );
    }
}
