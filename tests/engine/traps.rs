//! Traps that key servers are known to have fallen into, one test each, named after what must hold.
//!
//! Elsewhere: a revoke that was answered outlives a crash (`tests/crash/`), a planted secret shows up nowhere
//! (`tests/redaction/`), and no verdict of a race contradicts an answer (`tests/races/`).

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use keyward::clock::{Clock as _, ManualClock, Timestamp};
use keyward::engine::{Engine, EngineError, IndexState, KeyChange, NewKey, NewKind, NewUser, Parts};
use keyward::entropy::SeededEntropy;
use keyward::key::{
    Actor, Allowlist, Expiry, Issuing, Key, Keyspace, Level, Pepper, PepperNumber, PepperRing, RateLimit,
    RateLimits, RevokeReason, Role, UserId,
};
use keyward::limits;
use keyward::store::{MemoryStore, Store};
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};

use super::gated_store::Gated;

const BY: Actor = Actor::Operator;
const HOUR_MS: u64 = 3_600_000;

/// An engine, its owner of keys, and a clock that stands still.
struct World {
    engine: Engine,
    clock: ManualClock,
    flo: UserId,
}

fn parts(store: Arc<dyn Store>) -> (Parts, ManualClock) {
    let clock = ManualClock::at(Timestamp::from_unix_ms(1_800_000_000_000));
    let pepper = BTreeMap::from([(PepperNumber(1), Pepper::from_bytes([7; 32]))]);
    let parts = Parts::over(store, PepperRing::new(pepper).unwrap());
    (Parts { clock: Arc::new(clock.clone()), ..parts }, clock)
}

impl World {
    fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new()))
    }

    fn over(store: Arc<dyn Store>) -> Self {
        let (parts, clock) = parts(store);
        let engine = Engine::open(parts).unwrap();
        let flo = add_flo(&engine);
        Self { engine, clock, flo }
    }

    fn create(&self, keyspace: Keyspace) -> (Key, String) {
        let mut new = NewKey::new(*keyspace.name(), self.flo, Level::OWN);
        if keyspace.issuing() != Issuing::Freely {
            // Of these a user has one.
            let name =
                format!("{}{}", keyspace.name(), self.engine.reader().users(None, 1_000).unwrap().len());
            let user = NewUser::person(name.parse().unwrap(), Role::User, None);
            let kind = match keyspace.issuing() {
                Issuing::OnePerBot => NewKind::Bot,
                Issuing::Freely | Issuing::WithAccess => NewKind::Person { password: None },
            };
            new.owner = self.engine.add_user(BY, NewUser { kind, ..user }).unwrap().id;
        }
        self.create_as(new)
    }

    fn create_as(&self, new: NewKey) -> (Key, String) {
        let (key, text) = self.engine.create_key(BY, new).unwrap();
        (key, text.reveal().to_string())
    }

    fn rotate(&self, key: &Key, grace_ms: u64) -> (Key, String) {
        let (key, text) = self.engine.rotate_key(BY, key.id, grace_ms).unwrap();
        (key, text.reveal().to_string())
    }

    fn update(&self, key: &Key, change: KeyChange) {
        self.engine.update_key(BY, key.id, change).unwrap();
    }

    fn denied(&self, text: &str) -> Option<DenyReason> {
        self.denied_from(text, None)
    }

    fn denied_from(&self, text: &str, client: Option<&str>) -> Option<DenyReason> {
        let keyspace = Keyspace::all()
            .find(|keyspace| keyspace.format().parse(text).is_ok())
            .expect("a text of some form");
        denied(&self.engine, &keyspace, text, client)
    }
}

fn add_flo(engine: &Engine) -> UserId {
    engine.add_user(BY, NewUser::person("flo".parse().unwrap(), Role::User, None)).unwrap().id
}

fn denied(engine: &Engine, keyspace: &Keyspace, text: &str, client: Option<&str>) -> Option<DenyReason> {
    let client = client.map(|client| client.parse().unwrap());
    let request = VerifyRequest { client, ..VerifyRequest::new(keyspace, text) };
    match Verifier::new(engine.reader()).verify(&request).unwrap() {
        Verdict::Allow(_) => None,
        Verdict::Deny(reason) => Some(reason),
    }
}

fn wait_for_index(engine: &Engine) {
    while engine.index_state() != IndexState::Ready {
        std::thread::yield_now();
    }
}

#[test]
fn after_a_rotation_without_grace_the_old_text_is_refused_in_the_very_next_call() {
    let world = World::new();
    for keyspace in Keyspace::all() {
        let (key, old) = world.create(keyspace);
        assert_eq!(world.denied(&old), None);
        let (_, new) = world.rotate(&key, 0);
        assert_eq!((world.denied(&old), world.denied(&new)), (Some(DenyReason::Unknown), None));
    }
}

#[test]
fn a_prefix_with_an_underscore_survives_rotation() {
    let world = World::new();
    let (key, _) = world.create(Keyspace::NATIVE);
    let before = key.secrets.current.prefix.clone();
    assert!(before.as_str().starts_with("kw_"));
    for grace in [0, HOUR_MS, HOUR_MS] {
        let (rotated, text) = world.rotate(&key, grace);
        assert_eq!(rotated.secrets.current.prefix, before);
        assert!(text.starts_with(before.as_str()));
        assert_eq!(world.denied(&text), None);
    }
    assert_eq!(world.engine.check().unwrap().findings, Vec::new());
}

#[test]
fn rotation_lengthens_no_expiry_and_revives_nothing() {
    let world = World::new();
    let end = world.clock.now().plus_ms(1_000);
    let native = || NewKey::new(*Keyspace::NATIVE.name(), world.flo, Level::OWN);
    let (key, old) = world.create_as(NewKey { expiry: Some(Expiry::At(end)), ..native() });
    let (rotated, new) = world.rotate(&key, HOUR_MS);
    assert_eq!(rotated.expiry, key.expiry);
    assert_eq!((world.denied(&old), world.denied(&new)), (None, None));
    world.clock.advance_ms(1_000);
    let expired = Some(DenyReason::Expired);
    assert_eq!((world.denied(&old), world.denied(&new)), (expired, expired), "long before the grace is over");
    let (_, newest) = world.rotate(&key, HOUR_MS);
    assert_eq!((world.denied(&new), world.denied(&newest)), (expired, expired));

    let (key, old) = world.create_as(native());
    world.update(&key, KeyChange { active: Some(false), ..KeyChange::default() });
    let (_, new) = world.rotate(&key, HOUR_MS);
    let suspended = Some(DenyReason::Suspended);
    assert_eq!((world.denied(&old), world.denied(&new)), (suspended, suspended));

    let (key, old) = world.create_as(native());
    world.engine.revoke_key(BY, key.id, RevokeReason::KeyCompromise).unwrap();
    assert!(matches!(world.engine.rotate_key(BY, key.id, HOUR_MS), Err(EngineError::KeyRevoked)));
    assert_eq!(world.denied(&old), Some(DenyReason::Revoked));

    let (key, first) = world.create_as(native());
    let (_, second) = world.rotate(&key, HOUR_MS);
    world.rotate(&key, 2 * HOUR_MS);
    assert_eq!(world.denied(&first), Some(DenyReason::Unknown), "one old text at a time");
    world.clock.advance_ms(2 * HOUR_MS);
    assert_eq!(world.denied(&second), Some(DenyReason::RotatedOut));
}

#[test]
fn a_limit_is_spent_once_over_the_overlap_of_a_rotation() {
    let world = World::new();
    let number = |number| NonZeroU32::new(number).unwrap();
    let limit = RateLimit {
        name: RateLimit::DEFAULT_NAME,
        count: number(10),
        seconds: number(3_600),
        burst: number(10),
    };
    let new = NewKey {
        rate_limits: Some(RateLimits::of(vec![limit]).unwrap()),
        ..NewKey::new(*Keyspace::NATIVE.name(), world.flo, Level::OWN)
    };
    let (key, old) = world.create_as(new);
    (0..4).for_each(|_| assert_eq!(world.denied(&old), None));
    let (_, new) = world.rotate(&key, HOUR_MS);
    let allowed = [&old, &new].into_iter().cycle().take(20).filter(|text| world.denied(text).is_none());
    assert_eq!(allowed.count(), 6, "of ten, four were spent before");
    assert!(matches!(world.denied(&new), Some(DenyReason::RateLimited { .. })));
}

#[test]
fn an_unknown_key_that_was_asked_for_is_valid_as_soon_as_it_is_created() {
    // The same randomness makes the same text, so it is known beforehand.
    let open = || {
        let (parts, clock) = parts(Arc::new(MemoryStore::new()));
        let engine = Engine::open(Parts { entropy: Arc::new(SeededEntropy::new(7)), ..parts }).unwrap();
        let flo = add_flo(&engine);
        World { engine, clock, flo }
    };
    for keyspace in Keyspace::all() {
        let (_, text) = open().create(keyspace);
        let world = open();
        (0..100).for_each(|_| assert_eq!(world.denied(&text), Some(DenyReason::Unknown)));
        assert_eq!(world.create(keyspace).1, text);
        assert_eq!(world.denied(&text), None);
    }
}

#[test]
fn a_change_while_a_read_is_in_flight_is_not_undone_by_it() {
    let store = Arc::new(Gated::default());
    let world = World::over(store.clone());
    // The first part is read alone, so nothing else is held back: the keys that are changed lie in it.
    let mut keys = Vec::new();
    for created in 0.. {
        if created >= limits::PAGE_MAX && keys.len() >= 5 {
            break;
        }
        let (key, text) = world.create(Keyspace::NATIVE);
        if key.secrets.current.hash.as_bytes()[0] == 0 {
            keys.push((key, text));
        }
    }
    let World { engine, flo, .. } = world;
    engine.stop().unwrap();

    // The index is loaded from pages that were read before the changes and arrive after them.
    store.shut();
    let (parts, clock) = parts(store.clone());
    let world = World { engine: Engine::open(parts).unwrap(), clock, flo };
    store.wait_for_a_reader();
    world.engine.revoke_key(BY, keys[0].0.id, RevokeReason::KeyCompromise).unwrap();
    world.engine.delete_key(BY, keys[1].0.id).unwrap();
    world.update(&keys[2].0, KeyChange { active: Some(false), ..KeyChange::default() });
    let (_, rotated) = world.rotate(&keys[3].0, 0);
    let (_, created) = world.create(Keyspace::NATIVE);
    let check = || {
        let denials = [DenyReason::Revoked, DenyReason::Unknown, DenyReason::Suspended, DenyReason::Unknown];
        for ((_, text), reason) in keys.iter().zip(denials) {
            assert_eq!(world.denied(text), Some(reason));
        }
        for text in [&rotated, &created, &keys[4].1] {
            assert_eq!(world.denied(text), None);
        }
    };
    assert_ne!(world.engine.index_state(), IndexState::Ready);
    check();
    store.open();
    wait_for_index(&world.engine);
    check();
}

#[test]
fn an_allowlist_has_exact_edges_and_sees_through_mapped_addresses() {
    let world = World::new();
    let list: Allowlist = "192.0.2.128/25, 198.51.100.7, 2001:db8:0:8::/61".parse().unwrap();
    let new = NewKey::new(*Keyspace::NATIVE.name(), world.flo, Level::OWN);
    let (_, text) = world.create_as(NewKey { allowlist: Some(list), ..new });
    for inside in [
        "192.0.2.128",
        "192.0.2.255",
        "::ffff:192.0.2.128",
        "::ffff:c000:2ff",
        "198.51.100.7",
        "2001:db8:0:8::",
        "2001:db8:0:f:ffff:ffff:ffff:ffff",
    ] {
        assert_eq!(world.denied_from(&text, Some(inside)), None, "{inside}");
    }
    for outside in [
        "192.0.2.127",
        "192.0.3.0",
        "::ffff:192.0.2.127",
        "::192.0.2.128",
        "::ffff:0:192.0.2.128",
        "64:ff9b::192.0.2.128",
        "198.51.100.6",
        "198.51.100.8",
        "2001:db8:0:7:ffff:ffff:ffff:ffff",
        "2001:db8:0:10::",
    ] {
        let reason = world.denied_from(&text, Some(outside));
        assert_eq!(reason, Some(DenyReason::AddressNotAllowed), "{outside}");
    }
    assert_eq!(world.denied(&text), Some(DenyReason::AddressNotAllowed), "from nobody knows where");
}

#[test]
fn a_key_of_one_keyspace_is_nothing_in_another() {
    let world = World::new();
    for issued in Keyspace::all() {
        let (key, text) = world.create(issued);
        for asked in Keyspace::all().filter(|asked| *asked != issued) {
            let reason = denied(&world.engine, &asked, &text, None);
            let nothing = [DenyReason::Malformed, DenyReason::Unknown, DenyReason::WrongKeyspace];
            assert!(reason.is_some_and(|reason| nothing.contains(&reason)), "{reason:?}");
        }
        assert_eq!(world.engine.reader().key(key.id).unwrap().unwrap().usage.count, 0);
        assert_eq!(world.denied(&text), None);
    }
}

#[test]
fn a_year_old_key_still_works() {
    let store: Arc<dyn Store> = Arc::new(Gated::default());
    let world = World::over(Arc::clone(&store));
    let (key, text) = world.create(Keyspace::NATIVE);
    assert_eq!(world.denied(&text), None);
    let World { engine, clock, flo } = world;
    clock.advance_ms(366 * 24 * HOUR_MS);
    let later = clock.now();
    let world = World { engine, clock, flo };
    assert_eq!(world.denied(&text), None);
    world.engine.stop().unwrap();
    let (parts, clock) = parts(store);
    clock.set(later);
    let world = World { engine: Engine::open(parts).unwrap(), clock, flo };
    assert_eq!(world.denied(&text), None);
    let usage = world.engine.reader().key(key.id).unwrap().unwrap().usage;
    assert_eq!((usage.count, usage.last.unwrap().at), (3, later));
}

#[test]
fn many_expired_keys_cost_a_start_no_more_than_good_ones() {
    const THREADS: usize = 16;
    const EACH: usize = 2_000;
    let store = Arc::new(Gated::default());
    let world = World::over(store.clone());
    let now = world.clock.now();
    let new = || NewKey {
        expiry: Some(Expiry::At(now.plus_ms(1))),
        ..NewKey::new(*Keyspace::NATIVE.name(), world.flo, Level::OWN)
    };
    let create = || (0..EACH).map(|_| world.create_as(new()).1).collect::<Vec<_>>();
    let texts: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(create)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    world.engine.stop().unwrap();

    let start_at = |now, denial: Option<DenyReason>| {
        let before = store.figures();
        let (parts, clock) = parts(store.clone());
        clock.set(now);
        let world = World { engine: Engine::open(parts).unwrap(), clock, flo: world.flo };
        wait_for_index(&world.engine);
        let after = store.figures();
        for text in texts.iter().step_by(97) {
            assert_eq!(world.denied(text), denial);
        }
        world.engine.stop().unwrap();
        (after.0 - before.0, after.1 - before.1)
    };
    let good = start_at(now, None);
    assert_eq!(start_at(now.plus_ms(1), Some(DenyReason::Expired)), good, "entries read, and commits");
}
