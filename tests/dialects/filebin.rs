//! filebin's `/user` API.

use std::collections::HashMap;
use std::sync::Arc;

use keyward::clock::{ManualClock, Timestamp};
use keyward::command::{Caller, Command, KeyRef, Outcome, Service, UserRef};
use keyward::dialect::filebin::{Refusal, encode};
use keyward::dialect::{Dialect, Filebin};
use keyward::engine::{Engine, KeyChange, NewKey, NewUser, Parts, UserChange};
use keyward::entropy::SeededEntropy;
use keyward::exchange::{Body, RawRequest, RawResponse};
use keyward::key::{Expiry, Key, KeyId, Keyspace, Level, Password, PepperRing, RevokeReason, Role, Status};
use keyward::limits;
use keyward::store::{Batch, MemoryStore, Revision, Store, schema};
use proptest::prelude::*;

use crate::transcript::{Answer, Peer, play};

const SITE: &str = "http://127.0.0.1:23200";
const NOW: Timestamp = Timestamp::from_unix_ms(1_378_389_775_190);

/// The dialect over a fresh engine: the people `test`, `other` and `reader` with their names as passwords, and
/// keys `basic`, `apikey`, `full` of `test`, `other` of `other` and `reader` of `reader`, one second apart, the
/// last one second ago.
struct World {
    dialect: Filebin,
    service: Service,
    store: Arc<MemoryStore>,
    clock: ManualClock,
    keys: HashMap<String, KeyId>,
    texts: HashMap<String, String>,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(NOW);
        let entropy = Arc::new(SeededEntropy::new(7));
        let store = Arc::new(MemoryStore::new());
        let peppers = PepperRing::generate(&*entropy).unwrap();
        let parts = Parts { store: store.clone(), peppers, clock: Arc::new(clock.clone()), entropy };
        let service = Service::new(Engine::open(parts).unwrap());
        let dialect = Filebin::new(SITE);
        let mut world = Self { dialect, service, store, clock, keys: HashMap::new(), texts: HashMap::new() };
        for (name, role) in [("test", Role::User), ("other", Role::User), ("reader", Role::ReadOnly)] {
            let password = Some(Password::new(name.as_bytes()).unwrap());
            world.command(Command::AddUser(NewUser::person(name.parse().unwrap(), role, password)));
        }
        let keys = [("basic", "test", 0), ("apikey", "test", 2), ("full", "test", 4), ("other", "other", 4)];
        for (ago, (name, owner, level)) in (1..=5).rev().zip(keys.into_iter().chain([("reader", "reader", 4)])) {
            world.clock.set(Timestamp::from_unix_ms(NOW.unix_ms() - ago * 1_000));
            world.create(name, owner, Level::new(level).unwrap());
        }
        world.clock.set(NOW);
        world
    }

    fn command(&self, command: Command) -> Outcome {
        self.service.dispatch(&Caller::operator(), command).unwrap()
    }

    fn create(&mut self, name: &str, owner: &str, level: Level) {
        let Outcome::User(owner) = self.command(Command::ShowUser(user(owner))) else { panic!("no user") };
        let new = NewKey::new(Keyspace::filebin().name().clone(), owner.id, level);
        let Outcome::Issued(key, text) = self.command(Command::CreateKey(new)) else { panic!("no key") };
        self.keys.insert(name.to_owned(), key.id);
        self.texts.insert(name.to_owned(), text.reveal().to_string());
    }

    fn play(mut self, name: &str, text: &str) -> usize {
        let bound = self.texts.clone();
        play(name, text, &mut self, bound)
    }

    /// Answers a request and holds the answer to what is true of every one.
    fn answer(&self, request: &RawRequest) -> RawResponse {
        let before = self.store.revision();
        let response = self.dialect.answer(&self.service, request);
        if response.status != 200 {
            assert_eq!(self.store.revision(), before, "a refused request changed something: {response:?}");
        }
        let cached = response.headers.iter().find(|(name, _)| *name == "cache-control");
        assert_eq!(cached.map(|(_, value)| value.as_str()), Some("no-store"));
        response
    }

    fn change(&self, key: &str, change: KeyChange) {
        self.command(Command::UpdateKey(KeyRef::Id(self.keys[key]), change));
    }

    fn key(&self, name: &str) -> Key {
        match self.command(Command::ShowKey(KeyRef::Id(self.keys[name]))) {
            Outcome::Key(key) => *key,
            other => panic!("{other:?}"),
        }
    }

    /// Replaces stored bytes behind the engine's back.
    fn tamper(&self, place: &[u8], change: impl FnOnce(&mut Vec<u8>)) {
        let mut value = self.store.get(place).unwrap().unwrap().value;
        change(&mut value);
        let mut batch = Batch::default();
        batch.put(place, &value);
        self.store.commit(&batch).unwrap();
    }

    fn hot_place(&self, key: &str) -> Vec<u8> {
        schema::hot(self.key(key).secrets.current.hash.as_bytes())
    }

    fn store_unknown_level(&self, key: &str) {
        let place = self.hot_place(key);
        let bytes = || self.store.get(&place).unwrap().unwrap().value;
        let before = bytes();
        self.change(key, KeyChange { level: Some(Level::new(5).unwrap()), ..KeyChange::default() });
        let after = bytes();
        let at: Vec<_> = (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
        assert_eq!(at.len(), 1, "the level is one byte");
        self.tamper(&place, |value| value[at[0]] = 9);
    }
}

fn user(name: &str) -> UserRef {
    UserRef::Name(name.parse().unwrap())
}

impl Peer for World {
    fn send(&mut self, bytes: &[u8]) -> Answer {
        let response = self.answer(&raw_request(bytes));
        let content_type = response.headers.iter().find(|(name, _)| *name == "content-type").unwrap().1.clone();
        Answer { status: response.status, content_type, body: response.body }
    }

    fn act(&mut self, what: &str) {
        let words: Vec<&str> = what.split(' ').collect();
        let status = |name, status| {
            let change = UserChange { status: Some(status), ..UserChange::default() };
            self.command(Command::UpdateUser(user(name), change));
        };
        match words.as_slice() {
            ["block", name] => status(name, Status::Blocked),
            ["unblock", name] => status(name, Status::Active),
            ["remove", name] => drop(self.command(Command::RemoveUser(user(name)))),
            ["role", name, role] => {
                let change = UserChange { role: Some(role.parse().unwrap()), ..UserChange::default() };
                self.command(Command::UpdateUser(user(name), change));
            }
            ["suspend", key] => self.change(key, KeyChange { active: Some(false), ..KeyChange::default() }),
            ["resume", key] => self.change(key, KeyChange { active: Some(true), ..KeyChange::default() }),
            ["allow", key, networks] => {
                let allowlist = Some(networks.parse().unwrap());
                self.change(key, KeyChange { allowlist, ..KeyChange::default() });
            }
            ["level", key, level] => {
                let level = Some(level.parse().unwrap());
                self.change(key, KeyChange { level, ..KeyChange::default() });
            }
            ["expire", key] => {
                let expiry = Some(Expiry::At(NOW.plus_ms(1)));
                self.change(key, KeyChange { expiry, ..KeyChange::default() });
                self.clock.set(NOW.plus_ms(1));
            }
            ["revoke", key] => {
                self.command(Command::RevokeKey(KeyRef::Id(self.keys[*key]), RevokeReason::KeyCompromise));
            }
            ["advance", ms] => self.clock.advance_ms(ms.parse().unwrap()),
            ["close-store"] => self.store.close().unwrap(),
            ["store-unknown-level", key] => self.store_unknown_level(key),
            ["damage-record", key] => self.tamper(&self.hot_place(key), |value| value.truncate(3)),
            ["damage-sealed-copy", key] => {
                let key = self.key(key);
                let sealed = key.secrets.current.sealed.unwrap();
                self.tamper(&schema::key(key.id.as_bytes()), |value| {
                    let length = sealed.as_bytes().len();
                    let at = value.windows(length).position(|window| window == sealed.as_bytes()).unwrap();
                    value[at + length - 1] ^= 1;
                });
            }
            _ => panic!("unknown: {what}"),
        }
    }
}

/// The request that these bytes are, its body as its head says.
fn raw_request(bytes: &[u8]) -> RawRequest {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let length = head.parse(bytes).unwrap().unwrap();
    let target = head.path.unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = &bytes[length..];
    RawRequest {
        method: head.method.unwrap().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: head.headers.iter().map(|h| (h.name.to_ascii_lowercase(), h.value.to_vec())).collect(),
        client: Some("192.0.2.7".parse().unwrap()),
        body: if body.len() > limits::BODY_BYTES_MAX { Body::TooLarge } else { Body::Whole(body.to_vec()) },
    }
}

macro_rules! transcripts {
    ($($name:ident: $requests:literal,)*) => {
        $(
            #[test]
            fn $name() {
                let file = concat!(stringify!($name), ".http");
                let text = include_str!(concat!("../fixtures/transcripts/filebin/", stringify!($name), ".http"));
                assert_eq!(World::new().play(file, text), $requests, "requests of {file}");
            }
        )*
    };
}
