//! Salted hashes of other systems: any number may begin alike, and a client that guesses delays no other client.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::IpAddr;

use keyward::command::Service;
use keyward::dialect::{Dialect, Gateway, Native, TryAnswer};
use keyward::engine::{
    Engine, EngineError, Imported, ImportedKey, KeyChange, NewKey, NewUser, Parts, UserChange, WaitPolicy,
};
use keyward::entropy::OsEntropy;
use keyward::http::{Body, Entrance, RawRequest};
use keyward::key::{
    Actor, ImportedSecret, KeyId, Keyspace, Level, Password, PepperRing, RevokeReason, Role, SaltedHash,
    UserId,
};
use keyward::limits;
use keyward::store::MemoryStore;
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};

const BRAND: &str = "sk_live_";

struct World {
    engine: Engine,
    verifier: Verifier,
    flo: UserId,
}

impl World {
    fn new() -> Self {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        let verifier = Verifier::new(engine.reader());
        Self { engine, verifier, flo }
    }

    /// Imports the bcrypt hash of a text of the brand.
    fn import(&self, text: &str, cost: u32) -> KeyId {
        let hash = bcrypt::hash_with_salt(text, cost, [7; 16]).unwrap().to_string();
        let secret = ImportedSecret::Salted(BRAND.parse().unwrap(), hash.parse::<SaltedHash>().unwrap());
        let new = NewKey::new(*Keyspace::NATIVE.name(), self.flo, Level::OWN);
        let imported = self.engine.import_keys(Actor::Operator, vec![ImportedKey::new(new, secret)], false);
        match imported.unwrap().remove(0) {
            Imported::Now(id) => id,
            other => panic!("{other:?}"),
        }
    }

    fn ask(&self, text: &str, from: &str, patience: WaitPolicy) -> Result<Verdict, EngineError> {
        let client = Some(from.parse::<IpAddr>().unwrap());
        self.verifier.verify(&VerifyRequest {
            client,
            patience,
            ..VerifyRequest::new(&Keyspace::NATIVE, text)
        })
    }

    fn allowed(&self, text: &str) -> Option<KeyId> {
        match self.ask(text, "192.0.2.1", WaitPolicy::MayWait).unwrap() {
            Verdict::Allow(identity) => Some(identity.key),
            Verdict::Deny(_) => None,
        }
    }

    /// Has what is written behind written, if it is due.
    fn change_something(&self) {
        for name in ["flo2", "flo"] {
            let change = UserChange { username: Some(name.parse().unwrap()), ..UserChange::default() };
            self.engine.update_user(Actor::Operator, self.flo, change).unwrap();
        }
    }

    fn is_ours(&self, id: KeyId) -> bool {
        self.engine.reader().key(id).unwrap().unwrap().secrets.current.imported_hash.is_none()
    }
}

fn text(nth: usize) -> String {
    format!("{BRAND}{nth:026}")
}

#[test]
fn any_number_of_keys_begin_alike_and_all_verify() {
    let world = World::new();
    let count = limits::CHECK_PAGE * 2 + 3;
    let ids: Vec<_> = (0..count).map(|nth| world.import(&text(nth), 4)).collect();
    for id in &ids[3..count - 3] {
        world.engine.revoke_key(Actor::Operator, *id, RevokeReason::Unspecified).unwrap();
    }
    for nth in (0..3).chain(count - 3..count) {
        assert_eq!(world.allowed(&text(nth)), Some(ids[nth]), "number {nth}");
    }
    assert_eq!(world.allowed(&text(5)), None, "it is revoked");
    assert_eq!(world.allowed(&text(count)), None, "nobody has it");
}

#[test]
fn a_key_becomes_our_own_at_once_and_not_in_the_next_minute() {
    let world = World::new();
    let id = world.import(&text(1), 4);
    assert!(!world.is_ours(id));
    assert_eq!(world.allowed(&text(1)), Some(id));
    world.change_something();
    assert!(world.is_ours(id));
    assert_eq!(world.allowed(&text(1)), Some(id));
}

#[test]
fn what_was_done_to_a_key_counts_however_early_its_first_use_was() {
    let world = World::new();
    for (nth, end) in [(1, DenyReason::Revoked), (2, DenyReason::Malformed), (3, DenyReason::Suspended)] {
        let id = world.import(&text(nth), 4);
        assert_eq!(world.allowed(&text(nth)), Some(id));
        match end {
            DenyReason::Revoked => {
                drop(world.engine.revoke_key(Actor::Operator, id, RevokeReason::Unspecified).unwrap());
            }
            DenyReason::Suspended => {
                let change = KeyChange { active: Some(false), ..KeyChange::default() };
                drop(world.engine.update_key(Actor::Operator, id, change).unwrap());
            }
            _ => world.engine.delete_key(Actor::Operator, id).unwrap(),
        }
        for _ in 0..2 {
            let verdict = world.ask(&text(nth), "192.0.2.1", WaitPolicy::MayWait).unwrap();
            assert_eq!(verdict, Verdict::Deny(end));
            world.change_something();
        }
    }
}

#[test]
fn a_refused_text_is_known_at_once_until_a_key_comes_that_may_have_it() {
    let world = World::new();
    world.import(&text(1), 4);
    let at_once = || world.ask(&text(2), "192.0.2.1", WaitPolicy::NoWait);
    assert!(matches!(at_once(), Err(EngineError::Undecided { .. })));
    assert_eq!(world.allowed(&text(2)), None);
    assert_eq!(at_once().unwrap(), Verdict::Deny(DenyReason::Malformed));
    let id = world.import(&text(2), 4);
    assert!(matches!(at_once(), Err(EngineError::Undecided { .. })));
    assert_eq!(world.allowed(&text(2)), Some(id));
}

#[test]
fn a_flood_of_guesses_is_told_to_come_back_and_keeps_out_neither_logins_nor_first_uses() {
    let world = World::new();
    let ids: Vec<_> = (0..8).map(|nth| world.import(&text(nth), 7)).collect();
    let guesses = limits::CHECKS_MAX * 4;
    std::thread::scope(|scope| {
        let guess = |nth: usize| {
            let from = format!("10.0.{}.1", nth % 20);
            world.ask(&format!("{BRAND}guess{nth:021}"), &from, WaitPolicy::MayWait)
        };
        assert_eq!(guess(guesses).unwrap(), Verdict::Deny(DenyReason::Malformed));
        let guessing: Vec<_> = (0..guesses).map(|nth| scope.spawn(move || guess(nth))).collect();
        for (nth, id) in ids.iter().enumerate().take(4) {
            // Turned away it comes again, as clients do.
            let first = std::iter::repeat_with(|| world.ask(&text(nth), "192.0.2.1", WaitPolicy::MayWait));
            let verdict = first.take(100).find_map(Result::ok);
            assert!(matches!(verdict, Some(Verdict::Allow(identity)) if identity.key == *id), "{nth}");
            assert!(!world.engine.check_password(None, &Password::new(b"no password").unwrap()).unwrap());
        }
        let mut undecided = 0;
        for guessed in guessing {
            match guessed.join().unwrap() {
                Ok(verdict) => assert_eq!(verdict, Verdict::Deny(DenyReason::Malformed)),
                Err(EngineError::Undecided { .. }) => undecided += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(undecided > 0, "so many find no room");
    });
}

#[test]
fn whoever_waits_when_the_engine_stops_is_not_told_a_verdict() {
    let world = World::new();
    world.import(&text(1), 4);
    world.engine.stop().unwrap();
    assert!(matches!(world.ask(&text(2), "192.0.2.1", WaitPolicy::MayWait), Err(EngineError::Stopped)));
}

#[test]
fn keys_of_which_more_is_known_are_answered_at_once_beside_salted_ones() {
    let world = World::new();
    let adopted = world.import(&text(1), 4);
    world.import(&text(2), 4);
    assert_eq!(world.allowed(&text(1)), Some(adopted));
    world.change_something();
    let new = NewKey::new(*Keyspace::NATIVE.name(), world.flo, Level::SUPPORT);
    let own = world.engine.create_key(Actor::Operator, new).unwrap().1.reveal();
    let deleted = NewKey::new(*Keyspace::NATIVE.name(), world.flo, Level::OWN);
    let (deleted, unknown) = world.engine.create_key(Actor::Operator, deleted).unwrap();
    world.engine.delete_key(Actor::Operator, deleted.id).unwrap();
    let service = Service::new(world.engine.clone());
    while !service.verifies_at_once() {
        std::thread::yield_now();
    }
    let request = |path: &str, key: &str, body: String| RawRequest {
        method: "POST".to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers: vec![("x-api-key".to_owned(), key.as_bytes().to_vec())],
        client: None,
        entrance: Entrance::Local,
        body: Body::Whole(body.into_bytes()),
    };
    for (key, waits) in [
        (own.as_str(), false),
        (unknown.reveal().as_str(), false),
        ("kw_malformed", false),
        ("other_live_012345678901234567", false),
        (text(1).as_str(), false),
        (text(2).as_str(), true),
        (text(3).as_str(), true),
    ] {
        let asked = request("/auth/native", key, String::new());
        let prompt = Gateway::default().try_answer(&service, &asked.head(), None);
        assert_eq!(matches!(prompt, TryAnswer::WouldBlock), waits, "{key} through a gateway");
        let asked = request("/v1/verify", key, "{}".to_owned());
        let prompt = Native::for_everyone(false).try_answer(&service, &asked.head(), Some(&asked.body));
        assert_eq!(matches!(prompt, TryAnswer::WouldBlock), waits, "{key}");
        let asked =
            request("/v1/verify/batch", own.as_str(), format!("{{\"keys\":[{{\"key\":\"{key}\"}}]}}"));
        let prompt = Native::for_everyone(false).try_answer(&service, &asked.head(), Some(&asked.body));
        assert_eq!(matches!(prompt, TryAnswer::WouldBlock), waits, "{key} among others");
    }
    assert_eq!(
        Gateway::default().answer(&service, &request("/auth/native", &text(2), String::new())).status,
        200
    );
}
