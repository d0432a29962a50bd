//! The rules about rights, through the engine.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::clock::{Clock as _, ManualClock, Timestamp};
use crate::engine::{Engine, EngineError, KeyChange, NewKey, NewUser, Parts, Right, UserChange};
use crate::entropy::OsEntropy;
use crate::key::{
    Actor, Allowlist, Expiry, Key, KeyId, KeyState, Keyspace, Level, Password, PepperRing, Principal,
    RateLimit, RateLimits, Restriction as _, RevokeReason, Role, UserId,
};
use crate::store::MemoryStore;

const NATIVE: Keyspace = Keyspace::NATIVE;

struct World {
    engine: Engine,
    clock: ManualClock,
    flo: UserId,
    admin: UserId,
}

fn level(number: u8) -> Level {
    Level::new(number).unwrap()
}

fn hourly(name: &str, count: u32) -> RateLimits {
    let count = NonZeroU32::new(count).unwrap();
    let limit = RateLimit {
        name: name.parse().unwrap(),
        count,
        seconds: NonZeroU32::new(3_600).unwrap(),
        burst: count,
    };
    RateLimits::of(vec![limit]).unwrap()
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_764_100_000_000));
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
        let add = |name: &str, role| {
            engine.add_user(Actor::Operator, NewUser::person(name.parse().unwrap(), role, None)).unwrap().id
        };
        let (flo, admin) = (add("flo", Role::Administrator), add("admin", Role::Administrator));
        Self { engine, clock, flo, admin }
    }

    /// Caller who logged in, with this level.
    fn person(user: UserId, number: u8) -> Principal {
        Principal { actor: Actor::User { user, key: None, from: None }, level: level(number) }
    }

    /// Caller who presents this key.
    fn by(key: &Key) -> Principal {
        Principal { actor: Actor::User { user: key.owner, key: Some(key.id), from: None }, level: key.level }
    }

    fn draft(&self, number: u8) -> NewKey {
        NewKey::new(*NATIVE.name(), self.flo, level(number))
    }

    fn make(&self, by: Principal, new: NewKey) -> Result<Key, EngineError> {
        self.engine.create_key(by, new).map(|(key, _)| key)
    }

    /// A key that flo created, limited by `set`.
    fn own(&self, number: u8, set: impl FnOnce(&mut NewKey)) -> Key {
        let mut new = self.draft(number);
        set(&mut new);
        self.make(Self::person(self.flo, 8), new).unwrap()
    }

    fn update(&self, by: Principal, id: KeyId, set: impl FnOnce(&mut KeyChange)) -> Result<Key, EngineError> {
        let mut change = KeyChange::default();
        set(&mut change);
        self.engine.update_key(by, id, change)
    }

    fn is_active(&self, id: KeyId) -> bool {
        self.engine.reader().key(id).unwrap().unwrap().state == KeyState::Active
    }
}

#[track_caller]
fn beyond<T: fmt::Debug>(done: Result<T, EngineError>, expected: Right) {
    assert!(matches!(done, Err(EngineError::Beyond { right, .. }) if right == expected), "{done:?}");
}

#[track_caller]
fn withheld<T: fmt::Debug>(done: Result<T, EngineError>, expected: Right) {
    let eight = Level::ALL;
    assert!(
        matches!(done, Err(EngineError::Withheld { right, level }) if (right, level) == (expected, eight)),
        "{done:?}"
    );
}

#[test]
fn a_key_makes_none_that_may_do_more_than_itself() {
    let world = World::new();
    let end = Expiry::At(world.clock.now().plus_ms(60_000));
    let later = Expiry::At(world.clock.now().plus_ms(60_001));
    let list: Allowlist = "192.0.2.0/24".parse().unwrap();
    let shown = world.own(6, |new| {
        new.expiry = Some(end);
        new.allowlist = Some(list.clone());
        new.rate_limits = Some(hourly("default", 2));
    });
    let by = World::by(&shown);
    let made = world.make(by, world.draft(6)).unwrap();
    assert_eq!(
        (made.expiry, made.allowlist, made.rate_limits),
        (end, list, hourly("default", 2)),
        "inherited"
    );
    let wider = |set: &dyn Fn(&mut NewKey)| {
        let mut new = world.draft(6);
        set(&mut new);
        world.make(by, new)
    };
    beyond(wider(&|new| new.level = level(7)), Right::Level);
    beyond(wider(&|new| new.expiry = Some(Expiry::Never)), Right::Expiry);
    beyond(wider(&|new| new.expiry = Some(later)), Right::Expiry);
    beyond(wider(&|new| new.allowlist = Some(Allowlist::Anyone)), Right::Allowlist);
    beyond(wider(&|new| new.allowlist = Some("192.0.0.0/16".parse().unwrap())), Right::Allowlist);
    beyond(wider(&|new| new.rate_limits = Some(RateLimits::none())), Right::RateLimits);
    beyond(wider(&|new| new.rate_limits = Some(hourly("other", 1))), Right::RateLimits);
    wider(&|new| {
        new.level = level(5);
        new.allowlist = Some("192.0.2.7".parse().unwrap());
        new.rate_limits = Some(hourly("default", 1));
    })
    .unwrap();
}

#[test]
fn a_key_changes_stops_and_rotates_none_that_is_beyond_it() {
    let world = World::new();
    let (shown, above) = (world.own(4, |_| ()), world.own(8, |_| ()));
    let by = World::by(&shown);
    beyond(world.update(by, above.id, |change| change.active = Some(false)), Right::Level);
    beyond(world.update(by, above.id, |change| change.level = Some(level(4))), Right::Level);
    beyond(world.engine.rotate_key(by, above.id, 0), Right::Level);
    beyond(world.engine.stage_rotation(by, above.id), Right::Level);
    beyond(world.engine.revoke_key(by, above.id, RevokeReason::Unspecified), Right::Level);
    beyond(world.engine.delete_key(by, above.id), Right::Level);
    let limited = world.own(4, |new| new.rate_limits = Some(hourly("default", 2)));
    {
        let by = World::by(&limited);
        beyond(world.update(by, shown.id, |change| change.active = Some(true)), Right::RateLimits);
        beyond(world.engine.rotate_key(by, shown.id, 0), Right::RateLimits);
        beyond(
            world.update(by, limited.id, |change| change.rate_limits = Some(RateLimits::none())),
            Right::RateLimits,
        );
        world.engine.rotate_key(by, limited.id, 0).unwrap();
        world.engine.delete_key(by, shown.id).unwrap();
    }
    assert!(world.is_active(above.id) && world.is_active(limited.id));
    // A key that was stopped after it was shown does nothing more.
    let gone = world.make(by, world.draft(4));
    assert!(matches!(gone, Err(EngineError::NoLongerGood)), "{gone:?}");
}

#[test]
fn a_key_that_was_demoted_since_brings_none_back_that_it_could_not_make() {
    let world = World::new();
    let (shown, deleted) = (world.own(4, |_| ()), world.own(8, |_| ()));
    let me = World::person(world.flo, 8);
    world.engine.delete_key(me, deleted.id).unwrap();
    beyond(world.engine.undelete_key(World::by(&shown), deleted.id), Right::Level);
    beyond(world.engine.undelete_key(World::person(world.flo, 7), deleted.id), Right::Level);
    world.engine.undelete_key(me, deleted.id).unwrap();
}

#[test]
fn a_text_goes_to_whoever_reaches_the_level_it_may_come_to_have() {
    let world = World::new();
    let key = world.own(8, |_| ());
    world
        .engine
        .update_user(
            Actor::Operator,
            world.flo,
            UserChange { role: Some(Role::User), ..UserChange::default() },
        )
        .unwrap();
    let moderator = World::person(world.admin, 6);
    beyond(world.engine.rotate_key(moderator, key.id, 0), Right::Level);
    beyond(world.engine.reader().check_proof(&moderator, &key), Right::Level);
    world.engine.rotate_key(World::person(world.flo, 4), key.id, 0).unwrap();
    // Nor does a moderator let such a key be used again.
    world.update(moderator, key.id, |change| change.active = Some(false)).unwrap();
    beyond(world.update(moderator, key.id, |change| change.active = Some(true)), Right::Level);
}

#[test]
fn what_a_higher_level_narrowed_only_that_level_widens() {
    let world = World::new();
    let (me, admin) = (World::person(world.flo, 6), World::person(world.admin, 8));
    type Set = fn(&mut KeyChange);
    let cases: [(Right, Set, Set); 5] = [
        (Right::State, |change| change.active = Some(false), |change| change.active = Some(true)),
        (Right::Level, |change| change.level = Some(level(2)), |change| change.level = Some(level(4))),
        (
            Right::Allowlist,
            |change| change.allowlist = Some("192.0.2.0/24".parse().unwrap()),
            |change| change.allowlist = Some("198.51.100.0/24".parse().unwrap()),
        ),
        (
            Right::Expiry,
            |change| change.expiry = Some(Expiry::At(Timestamp::from_unix_ms(1_764_200_000_000))),
            |change| change.expiry = Some(Expiry::Never),
        ),
        (
            Right::RateLimits,
            |change| change.rate_limits = Some(hourly("default", 2)),
            |change| change.rate_limits = Some(RateLimits::none()),
        ),
    ];
    for (right, narrow, widen) in cases {
        let key = world.own(4, |_| ());
        let stays = |done: Result<Key, EngineError>| match right {
            // They bind every key of the owner besides.
            Right::RateLimits => assert!(done.is_err(), "{done:?}"),
            _ => withheld(done, right),
        };
        world.update(me, key.id, narrow).unwrap();
        world.update(me, key.id, widen).unwrap();
        world.update(admin, key.id, narrow).unwrap();
        stays(world.update(me, key.id, widen));
        // Narrowed further by its owner, or deleted and brought back, it is as before.
        world.update(me, key.id, narrow).unwrap();
        world.engine.delete_key(me, key.id).unwrap();
        world.engine.undelete_key(me, key.id).unwrap();
        stays(world.update(me, key.id, widen));
        world.update(admin, key.id, widen).unwrap();
        world.update(admin, key.id, narrow).unwrap();
        stays(world.update(me, key.id, widen));
    }
    // Suspended once more by an administrator, a key is no longer its owner's to resume.
    let key = world.own(4, |_| ());
    world.update(me, key.id, |change| change.active = Some(false)).unwrap();
    world.update(admin, key.id, |change| change.active = Some(false)).unwrap();
    withheld(world.update(me, key.id, |change| change.active = Some(true)), Right::State);
    assert!(world.engine.check().unwrap().findings.is_empty());
}

#[test]
fn what_a_key_was_made_without_by_somebody_higher_it_does_not_get() {
    let world = World::new();
    let mut new = world.draft(2);
    new.allowlist = Some("192.0.2.0/24".parse().unwrap());
    let key = world.make(World::person(world.admin, 8), new).unwrap();
    let me = World::person(world.flo, 6);
    withheld(world.update(me, key.id, |change| change.allowlist = Some(Allowlist::Anyone)), Right::Allowlist);
    withheld(world.update(me, key.id, |change| change.level = Some(level(4))), Right::Level);
    world.update(me, key.id, |change| change.allowlist = Some("192.0.2.7".parse().unwrap())).unwrap();
}

#[test]
fn a_key_that_somebody_higher_deleted_stays_deleted() {
    let world = World::new();
    let (me, admin) = (World::person(world.flo, 6), World::person(world.admin, 8));
    let key = world.own(4, |_| ());
    world.engine.delete_key(admin, key.id).unwrap();
    withheld(world.engine.undelete_key(me, key.id), Right::Existence);
    world.engine.undelete_key(admin, key.id).unwrap();
    world.engine.delete_key(me, key.id).unwrap();
    world.engine.undelete_key(me, key.id).unwrap();
}

#[test]
fn limits_on_one_key_bind_every_later_key_of_the_owner_there() {
    let world = World::new();
    let (me, admin) = (World::person(world.flo, 4), World::person(world.admin, 8));
    let mut new = world.draft(4);
    new.rate_limits = Some(hourly("default", 2));
    let first = world.make(admin, new).unwrap();
    let make =
        |by, limits: Option<RateLimits>| world.make(by, NewKey { rate_limits: limits, ..world.draft(4) });
    let told = |made: Result<Key, EngineError>| made.unwrap().rate_limits;
    assert_eq!(told(make(me, None)), hourly("default", 2), "left out");
    assert_eq!(told(make(World::by(&first), None)), hourly("default", 2));
    assert_eq!(told(make(admin, None)), hourly("default", 2), "whoever leaves it out");
    beyond(make(me, Some(RateLimits::none())), Right::RateLimits);
    beyond(make(me, Some(hourly("default", 3))), Right::RateLimits);
    assert_eq!(told(make(me, Some(hourly("default", 1)))), hourly("default", 1));
    // Another's keys, and those of other keyspaces, are not concerned.
    let filebin = NewKey { keyspace: *Keyspace::FILEBIN.name(), ..world.draft(4) };
    assert!(world.make(me, filebin).unwrap().rate_limits.is_unbounded());
    // Deleting and revoking shed nothing.
    world.engine.revoke_key(me, first.id, RevokeReason::Unspecified).unwrap();
    world.engine.delete_key(me, first.id).unwrap();
    assert_eq!(told(make(me, None)), hourly("default", 2));
    // Callers who reach the level that set them may give more, to this key alone, and widen them by widening the keys
    // that they were set on.
    let wide = make(admin, Some(hourly("default", 9))).unwrap();
    assert_eq!(told(make(me, None)), hourly("default", 2));
    world.update(admin, wide.id, |change| change.rate_limits = Some(hourly("default", 10))).unwrap();
    assert_eq!(told(make(me, None)), hourly("default", 10));
    world.update(admin, wide.id, |change| change.rate_limits = Some(RateLimits::none())).unwrap();
    assert!(told(make(me, None)).is_unbounded());
    assert!(world.engine.check().unwrap().findings.is_empty());
    // Limits that are set on a key that is there bind, too, and by name.
    world.update(admin, wide.id, |change| change.rate_limits = Some(hourly("a", 1))).unwrap();
    make(admin, Some(hourly("b", 1))).unwrap();
    assert_eq!(told(make(me, None)), hourly("a", 1).tightest(&hourly("b", 1)).unwrap());
    for name in ["c", "d", "e", "f", "g", "h"] {
        make(admin, Some(hourly(name, 1))).unwrap();
    }
    assert!(matches!(make(admin, Some(hourly("i", 1))), Err(EngineError::TooManyLimits)));
    world.engine.remove_user(admin, world.flo).unwrap();
    assert!(world.engine.check().unwrap().findings.is_empty());
}

#[test]
fn a_bot_does_not_bring_its_cleared_key_back() {
    let world = World::new();
    let mut bot = NewUser::person("robo".parse().unwrap(), Role::User, None);
    bot.kind = crate::engine::NewKind::Bot;
    let bot = world.engine.add_user(Actor::Operator, bot).unwrap().id;
    let key =
        world.make(Actor::Operator.into(), NewKey::new(*Keyspace::QRESERVE.name(), bot, level(4))).unwrap();
    for by in [World::person(bot, 4), World::person(world.admin, 8)] {
        world.engine.delete_key(by, key.id).unwrap();
        assert!(world.engine.undelete_key(World::person(bot, 4), key.id).is_err());
        world.engine.undelete_key(World::person(world.admin, 8), key.id).unwrap();
    }
}

#[test]
fn api_access_that_was_removed_comes_back_with_no_key() {
    let world = World::new();
    let admin = World::person(world.admin, 8);
    let access = |by, granted| {
        let change = UserChange { api_access: Some(granted), ..UserChange::default() };
        world.engine.update_user(by, world.flo, change)
    };
    let keys = || world.engine.reader().keys_of(world.flo, Some(Keyspace::TELVUE.name()), None, 9).unwrap().0;
    access(admin, true).unwrap();
    let key = keys().remove(0);
    world.engine.delete_key(admin, key.id).unwrap();
    let back = world.engine.undelete_key(admin, key.id);
    assert!(matches!(back, Err(EngineError::NoAccess)), "{back:?}");
    withheld(access(World::person(world.flo, 7), true), Right::ApiAccess);
    access(admin, true).unwrap();
    assert_eq!(keys().len(), 1);
    let back = world.engine.undelete_key(admin, key.id);
    assert!(matches!(back, Err(EngineError::HasKey)), "{back:?}");
}

#[test]
fn no_key_comes_back_over_a_demotion_that_would_have_revoked_it() {
    let world = World::new();
    let me = World::person(world.flo, 8);
    for (keyspace, stays_away) in [(Keyspace::FREESEWING, true), (NATIVE, false)] {
        let key = world.make(me, NewKey::new(*keyspace.name(), world.flo, level(2))).unwrap();
        world.engine.delete_key(me, key.id).unwrap();
        let to = |role| UserChange { role: Some(role), ..UserChange::default() };
        world.engine.update_user(Actor::Operator, world.flo, to(Role::User)).unwrap();
        world.engine.update_user(Actor::Operator, world.flo, to(Role::Administrator)).unwrap();
        let back = world.engine.undelete_key(me, key.id);
        let away = matches!(back, Err(EngineError::LostByDemotion));
        assert_eq!((away, back.is_err()), (stays_away, stays_away), "{back:?}");
        world.clock.advance_ms(1);
        let later = world.make(me, NewKey::new(*keyspace.name(), world.flo, level(2))).unwrap();
        world.engine.delete_key(me, later.id).unwrap();
        world.engine.undelete_key(me, later.id).unwrap();
    }
}

/// As when a key is narrowed, or a role raised, while the password is hashed: after the gate, before the write lane.
#[test]
fn a_key_gives_no_password_that_may_do_more_than_the_key() {
    let world = World::new();
    let password = || Password::new(b"correct horse").unwrap();
    let key = world.own(8, |_| ());
    let set = |user| world.engine.set_password(World::by(&key), user, &password()).map(drop);
    let add = || {
        let new =
            NewUser { username: None, ..NewUser::person("x".parse().unwrap(), Role::User, Some(password())) };
        world.engine.add_user(World::by(&key), new).map(drop)
    };
    set(world.flo).unwrap();
    add().unwrap();
    type Set = fn(&mut KeyChange);
    let cases: [(Right, Set, Set); 4] = [
        (Right::Level, |change| change.level = Some(level(3)), |change| change.level = Some(level(8))),
        (
            Right::Expiry,
            |change| change.expiry = Some(Expiry::At(Timestamp::from_unix_ms(4_000_000_000_000))),
            |change| change.expiry = Some(Expiry::Never),
        ),
        (
            Right::Allowlist,
            |change| change.allowlist = Some("192.0.2.0/24".parse().unwrap()),
            |change| change.allowlist = Some(Allowlist::Anyone),
        ),
        (
            Right::RateLimits,
            |change| change.rate_limits = Some(hourly("default", 5)),
            |change| change.rate_limits = Some(RateLimits::none()),
        ),
    ];
    for (right, narrow, widen) in cases {
        world.update(Actor::Operator.into(), key.id, narrow).unwrap();
        beyond(set(world.flo), right);
        beyond(add(), right);
        world.update(Actor::Operator.into(), key.id, widen).unwrap();
        set(world.flo).unwrap();
    }
    let low = world.own(4, |_| ());
    beyond(world.engine.set_password(World::by(&low), world.flo, &password()), Right::Level);
    world.engine.set_password(World::person(world.flo, 4), world.flo, &password()).unwrap();
    world.engine.revoke_key(Actor::Operator, key.id, RevokeReason::Unspecified).unwrap();
    assert!(matches!(set(world.flo), Err(EngineError::NoLongerGood)));
}
