//! The gate, asked directly.

use super::{
    Caller, Command as _, CommandError, Gate, KeyRef, ListUsersOf, Need, ShowCompany, UpdateKey, UserRef,
};
use crate::clock::Timestamp;
use crate::engine::{
    Engine, EngineError, KeyChange, KeyScope, NewCompany, NewKey, NewKind, NewUser, Parts, UserChange,
};
use crate::entropy::OsEntropy;
use crate::key::{
    Actor, CompanyId, Expiry, IssuedKey, Key, KeyId, Keyspace, Level, Password, PepperRing, RateLimit,
    RateLimits, Role, UncheckedKey, User,
};
use crate::login::unproved;
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

    /// Person with the role of this level.
    fn person(&self, level: u8, company: Option<usize>) -> Caller {
        let level = Level::new(level).unwrap();
        let company = company.map(|at| self.companies[at]);
        let person =
            NewUser { username: None, ..NewUser::person("x".parse().unwrap(), Role::of(level), None) };
        let user = self.engine.add_user(Actor::Operator, NewUser { company, ..person }).unwrap();
        unproved::by_session(&user)
    }

    fn key(&self, owner: &Caller, keyspace: &Keyspace, level: u8) -> (Key, IssuedKey) {
        let new = NewKey::new(*keyspace.name(), owner.id().unwrap(), Level::new(level).unwrap());
        self.engine.create_key(Actor::Operator, new).unwrap()
    }

    /// The owner of a key, by it and with this level.
    fn by_key(&self, key: &Key, level: u8) -> Caller {
        let owner = self.engine.reader().user(key.owner).unwrap().unwrap().owner();
        unproved::by_key((key.owner, &owner), key.id, Level::new(level).unwrap())
    }

    /// A bot of this company, by a key that may do everything.
    fn bot(&self, company: Option<usize>) -> Caller {
        let company = company.map(|at| self.companies[at]);
        let person = NewUser::person("x".parse().unwrap(), Role::Administrator, None);
        let bot = NewUser { username: None, kind: NewKind::Bot, company, ..person };
        let bot = self.engine.add_user(Actor::Operator, bot).unwrap();
        let (key, _) = self.key(&unproved::by_session(&bot), &Keyspace::NATIVE, 8);
        self.by_key(&key, 8)
    }

    /// What the gate for a change of a key says to `ask`.
    fn asked<T>(
        &self,
        caller: &Caller,
        ask: impl FnOnce(&Gate<'_>) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let key = KeyRef::Id(KeyId::generate(&OsEntropy).unwrap());
        let command = UpdateKey { key, change: KeyChange::default() };
        ask(&Gate::open(caller, command.need(), self.engine.reader())?)
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
    let sees = |level, company, at: usize, need: fn(CompanyId) -> Need| {
        let (caller, id) = (world.person(level, company), world.companies[at]);
        let gate = Gate::open(&caller, need(id), world.engine.reader());
        gate.and_then(|gate| gate.company(id)).is_ok_and(|found| found.get().id == id)
    };
    let show: fn(CompanyId) -> Need = |id| ShowCompany(id).need();
    let members: fn(CompanyId) -> Need = |id| ListUsersOf { company: Some(id), after: None, limit: 1 }.need();
    assert!(sees(0, Some(0), 0, show) && !sees(7, Some(0), 1, show));
    assert!(!sees(7, None, 1, show) && sees(8, Some(0), 1, show));
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
    let garbled = KeyRef::Text { keyspace: Keyspace::NATIVE, text: UncheckedKey::new("no key".to_owned()) };
    for (caller, named, found) in [
        (&owner, &KeyRef::Restriction(Keyspace::NATIVE, key.id), Ok(())),
        (&owner, &KeyRef::Restriction(Keyspace::FILEBIN, key.id), Err("no such key")),
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
    let deleted =
        |caller: &Caller| world.asked(caller, |gate| gate.deleted_key(key.id)).map(|found| found.get().id);
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
        let one = 1.try_into().unwrap();
        let limit = RateLimit { name: RateLimit::DEFAULT_NAME, count: one, seconds: one, burst: one };
        let limits = RateLimits::of(vec![limit]).unwrap();
        assert_eq!(world.asked(&caller, |gate| gate.whole_system()).is_ok(), may);
        assert_eq!(world.asked(&caller, |gate| gate.rate_limits(&limits)).is_ok(), may);
    }
}

#[test]
fn nobody_gives_a_level_above_their_own() {
    let world = World::new();
    let six = world.person(6, Some(0));
    let gives = |level| world.asked(&six, |gate| gate.level(Level::new(level).unwrap())).is_ok();
    assert!(gives(5) && gives(6) && !gives(7));
}

#[test]
fn a_text_is_shown_again_as_its_keyspace_says() {
    let world = World::new();
    let (owner, administrator) = (world.person(4, None), world.person(8, None));
    for (keyspace, to_owner, to_administrator) in
        [(Keyspace::NATIVE, false, false), (Keyspace::FILEBIN, true, false), (Keyspace::BOKAMERA, true, true)]
    {
        let (key, _) = world.key(&owner, &keyspace, 4);
        let shown = |caller: &Caller| world.asked(caller, |gate| gate.may_see_text(&key)).unwrap();
        assert_eq!(
            (shown(&owner), shown(&administrator)),
            (to_owner, to_administrator),
            "{}",
            keyspace.name()
        );
    }
    let (above, _) = world.key(&administrator, &Keyspace::FILEBIN, 8);
    let (low, _) = world.key(&administrator, &Keyspace::NATIVE, 4);
    let by_key = world.by_key(&low, 4);
    assert!(
        !world.asked(&by_key, |gate| gate.may_see_text(&above)).unwrap(),
        "not to a key that may do less"
    );
    // The owner may be promoted later, and the text with them.
    let (later, _) = world.key(&owner, &Keyspace::BOKAMERA, 8);
    let seven = world.person(7, None);
    assert!(!world.asked(&seven, |gate| gate.may_see_text(&later)).unwrap());
}

#[test]
fn a_bot_of_a_company_reaches_nothing_outside_it_and_people_who_administer_do() {
    let world = World::new();
    let (own, other) = (Some(world.companies[0]), Some(world.companies[1]));
    for (caller, everyone) in
        [(world.bot(Some(0)), false), (world.bot(None), true), (world.person(8, Some(0)), true)]
    {
        for (company, there) in [(Some(0), true), (Some(1), everyone), (None, everyone)] {
            let owner = world.person(7, company);
            assert_eq!(world.reaches_user(&caller, &owner), there, "{caller:?}, {company:?}");
            let key = KeyRef::Id(world.key(&owner, &Keyspace::NATIVE, 2).0.id);
            let found = if there { Ok(()) } else { NOT_YOURS };
            assert_eq!(world.reaches_key(&caller, &key), found, "{caller:?}, {company:?}");
        }
        let may = |ask: &dyn Fn(&Gate<'_>) -> Result<(), CommandError>| world.asked(&caller, ask).is_ok();
        assert_eq!(may(&|gate| gate.whole_system().map(drop)), everyone);
        assert_eq!(may(&|gate| gate.members_of(None).map(drop)), everyone);
        let all = world.asked(&caller, |gate| gate.whose(None)).unwrap().get();
        assert_eq!(all == KeyScope::Everyone, everyone, "{all:?}");
        let peer = UserRef::Id(world.person(4, Some(0)).id().unwrap());
        for (company, there) in [(own, true), (other, everyone), (None, everyone)] {
            if let Some(id) = company {
                assert_eq!(may(&|gate| gate.company(id).map(drop)), there);
                assert_eq!(may(&|gate| gate.members_of(company).map(drop)), there);
            }
            let new = NewUser { company, ..NewUser::person("new".parse().unwrap(), Role::User, None) };
            assert_eq!(may(&|gate| gate.new_user(&new).map(drop)), there, "adding to {company:?}");
            let change = UserChange { company: company.into(), ..UserChange::default() };
            assert_eq!(
                may(&|gate| gate.user_change(&peer, &change).map(drop)),
                there,
                "moving to {company:?}"
            );
        }
    }
}

#[test]
fn a_bot_of_a_company_makes_and_reaches_nobody_who_acts_beyond_it() {
    let world = World::new();
    let company = Some(world.companies[0]);
    let (owner, peer) = (world.person(8, Some(0)), world.person(4, Some(0)));
    let (whole, _) = world.key(&peer, &Keyspace::BOKAMERA, 8);
    let (part, _) = world.key(&peer, &Keyspace::BOKAMERA, 7);
    let peer = peer.id().unwrap();
    for (caller, may) in [(world.bot(Some(0)), false), (world.bot(None), true), (world.person(8, None), true)]
    {
        let asked = |ask: &dyn Fn(&Gate<'_>) -> Result<(), CommandError>| world.asked(&caller, ask).is_ok();
        assert_eq!(world.reaches_user(&caller, &owner), may, "{caller:?}");
        let person = NewUser::person("new".parse().unwrap(), Role::Administrator, None);
        let person = NewUser { company, ..person };
        assert_eq!(asked(&|gate| gate.new_user(&person).map(drop)), may);
        let bot = NewUser { kind: NewKind::Bot, ..person };
        assert!(asked(&|gate| gate.new_user(&bot).map(drop)), "a bot stays in the company as well");
        let promoted = UserChange { role: Some(Role::Administrator), ..UserChange::default() };
        assert_eq!(asked(&|gate| gate.user_change(&UserRef::Id(peer), &promoted).map(drop)), may);
        for (level, may) in [(7, true), (8, may)] {
            let new = NewKey::new(*Keyspace::NATIVE.name(), peer, Level::new(level).unwrap());
            assert_eq!(asked(&|gate| gate.new_key(&new).map(drop)), may, "{caller:?}, {level}");
            let change = KeyChange { level: Some(Level::new(level).unwrap()), ..KeyChange::default() };
            let key = KeyRef::Id(part.id);
            assert_eq!(asked(&|gate| gate.key_change(&key, &change).map(drop)), may, "{caller:?}, {level}");
        }
        for (key, may) in [(&part, true), (&whole, may)] {
            assert_eq!(world.reaches_key(&caller, &KeyRef::Id(key.id)).is_ok(), may, "{caller:?}, {key:?}");
            assert_eq!(
                world.asked(&caller, |gate| gate.may_see_text(key)).unwrap(),
                may,
                "{caller:?}, {key:?}"
            );
        }
    }
}

#[test]
fn a_password_is_set_by_who_gave_it_or_reaches_its_role_and_by_no_narrow_key() {
    let world = World::new();
    let add = |role| {
        let new = NewUser { username: None, ..NewUser::person("x".parse().unwrap(), role, None) };
        world.engine.add_user(Actor::Operator, new).unwrap()
    };
    let (user, administrator) = (add(Role::User), add(Role::Administrator));
    let key = |owner: &User, level: u8, change: fn(NewKey) -> NewKey| {
        let new = NewKey::new(*Keyspace::NATIVE.name(), owner.id, Level::new(level).unwrap());
        let (key, _) = world.engine.create_key(Actor::Operator, change(new)).unwrap();
        world.by_key(&key, level.min(owner.role.level().number()))
    };
    let ends: fn(NewKey) -> NewKey =
        |new| NewKey { expiry: Some(Expiry::At(Timestamp::from_unix_ms(4_000_000_000_000))), ..new };
    let pinned: fn(NewKey) -> NewKey = |new| NewKey { allowlist: Some("192.0.2.7".parse().unwrap()), ..new };
    let limited: fn(NewKey) -> NewKey = |new| {
        let one = 1.try_into().unwrap();
        let limit = RateLimit { name: RateLimit::DEFAULT_NAME, count: one, seconds: one, burst: one };
        NewKey { rate_limits: Some(RateLimits::of(vec![limit]).unwrap()), ..new }
    };
    let free: fn(NewKey) -> NewKey = |new| new;
    let present = |user: &User| unproved::by_password(user);
    // Before there are limits, which would bind it as well.
    let whole = key(&administrator, 8, free);
    for (caller, whose, may) in [
        (Caller::operator(), &administrator, true),
        (present(&user), &user, true),
        (present(&administrator), &user, true),
        (present(&user), &administrator, false),
        (unproved::by_session(&user), &user, false),
        (unproved::by_session(&administrator), &administrator, false),
        (unproved::by_session(&administrator), &user, true),
        (key(&user, 4, free), &user, true),
        (key(&administrator, 4, free), &administrator, false),
        (whole, &administrator, true),
        (whole, &user, true),
        (key(&administrator, 8, ends), &user, false),
        (key(&administrator, 8, pinned), &user, false),
        (key(&administrator, 8, limited), &user, false),
        (key(&user, 4, ends), &user, false),
    ] {
        let named = UserRef::Id(whose.id);
        assert_eq!(world.asked(&caller, |gate| gate.password_of(&named)).is_ok(), may, "{caller:?}");
    }
    let password = Some(Password::new(b"correct horse").unwrap());
    let new = NewUser::person("new".parse().unwrap(), Role::User, password);
    assert!(world.asked(&whole, |gate| gate.new_user(&new)).is_ok());
    assert!(world.asked(&key(&administrator, 8, ends), |gate| gate.new_user(&new)).is_err());
}
