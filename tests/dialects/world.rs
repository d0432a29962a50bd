//! A dialect with people and keys, and how transcripts are played into it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use keyward::clock::{ManualClock, Timestamp};
use keyward::command::{
    AddCompany, AddUser, Caller, Command, CreateKey, KeyRef, KeyWithText, RemoveUser, RevokeKey, Service,
    ShowKey, ShowUser, UpdateKey, UpdateUser, UserRef,
};
use keyward::dialect::Dialect;
use keyward::engine::{Engine, KeyChange, NewCompany, NewKey, NewKind, NewUser, Parts, UserChange};
use keyward::entropy::SeededEntropy;
use keyward::http::{Body, Entrance, RawRequest, RawResponse};
use keyward::key::{
    AuditEvent, Expiry, Issuing, Key, KeyId, Keyspace, Level, Password, PepperRing, RevokeReason, Role,
    UserStatus,
};
use keyward::limits;
use keyward::store::codec::Record as _;
use keyward::store::{Batch, MemoryStore, Store, schema};

use crate::transcript::{Answer, Peer};

/// Where requests come from: 192.0.2.0/24 is for documentation.
pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const NOW: Timestamp = Timestamp::from_unix_ms(1_378_389_775_190);

/// A dialect over a fresh engine: the people `test`, `other` and `reader` with their names as passwords, and
/// keys `basic`, `apikey`, `full` of `test`, `other` of `other` and `reader` of `reader`, one second apart, the
/// last one second ago.
pub(crate) struct World {
    dialect: Arc<dyn Dialect>,
    keyspace: Keyspace,
    pub(crate) service: Service,
    store: Arc<MemoryStore>,
    clock: ManualClock,
    keys: HashMap<String, KeyId>,
    pub(crate) texts: HashMap<String, String>,
}

impl World {
    /// Its keys are in `keyspace`.
    pub(crate) fn of(dialect: impl Dialect + 'static, keyspace: Keyspace) -> Self {
        let clock = ManualClock::at(NOW);
        let entropy = Arc::new(SeededEntropy::new(7));
        let store = Arc::new(MemoryStore::new());
        let peppers = PepperRing::generate(&*entropy).unwrap();
        let parts = Parts {
            clock: Arc::new(clock.clone()),
            entropy,
            // No hot index: what is changed behind the engine's back is to be seen.
            index_slots_max: 0,
            ..Parts::over(store.clone(), peppers)
        };
        let service = Service::new(Engine::open(parts).unwrap());
        let (keys, texts) = (HashMap::new(), HashMap::new());
        let mut world = Self { dialect: Arc::new(dialect), keyspace, service, store, clock, keys, texts };
        for (name, role) in [("test", Role::User), ("other", Role::User), ("reader", Role::ReadOnly)] {
            let password = Some(Password::new(name.as_bytes()).unwrap());
            world.command(AddUser(NewUser::person(name.parse().unwrap(), role, password)));
        }
        let keys = [("basic", "test", 0), ("apikey", "test", 2), ("full", "test", 4), ("other", "other", 4)];
        for (ago, (name, owner, level)) in
            (1..=5).rev().zip(keys.into_iter().chain([("reader", "reader", 4)]))
        {
            world.clock.set(Timestamp::from_unix_ms(NOW.unix_ms() - ago * 1_000));
            world.create(name, owner, Level::new(level).unwrap());
        }
        world.clock.set(NOW);
        world
    }

    fn command<C: Command>(&self, command: C) -> C::Output {
        self.service.run(&Caller::operator(), command).unwrap()
    }

    /// Creates a key. Where a user has one key, its owner may have to be another one, of the name of the key.
    pub(crate) fn create(&mut self, name: &str, owner: &str, level: Level) {
        let own = match self.keyspace.issuing() {
            Issuing::Freely => false,
            Issuing::WithAccess => name == "basic" || name == "apikey",
            Issuing::OnePerBot => true,
        };
        let owner = match self.keyspace.issuing() {
            Issuing::OnePerBot => &format!("bot-{name}"),
            Issuing::Freely | Issuing::WithAccess => {
                if own {
                    name
                } else {
                    owner
                }
            }
        };
        if own && self.service.run(&Caller::operator(), ShowUser(user(owner))).is_err() {
            let kind = match self.keyspace.issuing() {
                Issuing::OnePerBot => NewKind::Bot,
                Issuing::Freely | Issuing::WithAccess => NewKind::Person { password: None },
            };
            let new = NewUser { kind, ..NewUser::person(owner.parse().unwrap(), Role::User, None) };
            self.command(AddUser(new));
        }
        let owner = self.command(ShowUser(user(owner)));
        let new = NewKey::new(*self.keyspace.name(), owner.id, level);
        let KeyWithText { key, text } = self.command(CreateKey(new));
        self.keys.insert(name.to_owned(), key.id);
        self.texts.insert(name.to_owned(), text.reveal().to_string());
    }

    /// The key texts by name, their ids under `NAME_id` and their prefixes under `NAME_prefix`.
    pub(crate) fn texts(&self) -> HashMap<String, String> {
        let ids = self.keys.iter().map(|(name, id)| (format!("{name}_id"), id.to_string()));
        let prefix = |text: &str| text.chars().take(8).collect::<String>();
        let prefixes = self.texts.iter().map(|(name, text)| (format!("{name}_prefix"), prefix(text)));
        self.texts.clone().into_iter().chain(ids).chain(prefixes).collect()
    }

    /// What a server serves.
    pub(crate) fn parts(&self) -> (Arc<dyn Dialect>, Service) {
        (Arc::clone(&self.dialect), self.service.clone())
    }

    /// The newest audit event of a change. Logins and refusals change nothing, and like uses are written behind at any
    /// time.
    pub(crate) fn newest_event(&self) -> Option<u64> {
        let events = self.store.scan(schema::AUDIT, None, usize::MAX).unwrap();
        let mut events = events.iter().rev().map(|entry| AuditEvent::from_entry(entry).unwrap());
        events.find(|event| event.action.is_change()).map(|event| event.sequence)
    }

    /// Answers a request and holds the answer to what is true of every one.
    pub(crate) fn answer(&self, request: &RawRequest) -> RawResponse {
        let before = self.newest_event();
        let response = self.dialect.answer(&self.service, request);
        if response.status >= 400 {
            assert_eq!(self.newest_event(), before, "a refused request changed something: {response:?}");
        }
        assert_eq!(field(&response, "cache-control"), Some("no-store"));
        response
    }

    /// The id of a key.
    pub(crate) fn id(&self, name: &str) -> KeyId {
        self.keys[name]
    }

    fn change(&self, key: &str, change: KeyChange) {
        self.command(UpdateKey { key: KeyRef::Id(self.keys[key]), change });
    }

    fn key(&self, name: &str) -> Key {
        self.command(ShowKey(KeyRef::Id(self.keys[name])))
    }

    /// Replaces stored bytes behind the engine's back.
    fn tamper(&self, place: &[u8], change: impl FnOnce(&mut Vec<u8>)) {
        let mut value = self.store.get(place).unwrap().unwrap().value;
        change(&mut value);
        let mut batch = Batch::default();
        batch.put(place, value);
        self.store.commit(batch).unwrap();
    }

    fn hot_place(&self, key: &str) -> Vec<u8> {
        let trace = self.key(key).secrets.current.lookup_key();
        schema::hot(trace.hash.as_bytes(), trace.locator.number())
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
        let content_type = field(&response, "content-type").unwrap_or_default().to_owned();
        Answer { status: response.status, content_type, body: response.body }
    }

    #[expect(clippy::too_many_lines, reason = "an arm for each step")]
    fn act(&mut self, what: &str) {
        let words: Vec<&str> = what.split(' ').collect();
        let status = |name, status| {
            let change = UserChange { status: Some(status), ..UserChange::default() };
            self.command(UpdateUser { user: user(name), change });
        };
        match words.as_slice() {
            ["block", name] => status(name, UserStatus::Blocked),
            ["unblock", name] => status(name, UserStatus::Active),
            ["email", name, email] => {
                let email = keyward::key::Patch::Set(email.parse().unwrap());
                self.command(UpdateUser {
                    user: user(name),
                    change: UserChange { email, ..UserChange::default() },
                });
            }
            ["company", id, name] => {
                let (new, company) = (Some(id.parse().unwrap()), "Example".parse().unwrap());
                self.command(AddCompany(NewCompany { id: new, name: company }));
                self.act(&format!("join {id} {name}"));
            }
            ["join", id, name] => {
                let company = keyward::key::Patch::Set(id.parse().unwrap());
                self.command(UpdateUser {
                    user: user(name),
                    change: UserChange { company, ..UserChange::default() },
                });
            }
            ["leave", name] => {
                let company = keyward::key::Patch::Clear;
                self.command(UpdateUser {
                    user: user(name),
                    change: UserChange { company, ..UserChange::default() },
                });
            }
            ["remove", name] => self.command(RemoveUser(user(name))),
            ["role", name, role] => {
                let change = UserChange { role: Some(role.parse().unwrap()), ..UserChange::default() };
                self.command(UpdateUser { user: user(name), change });
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
                self.command(RevokeKey {
                    key: KeyRef::Id(self.keys[*key]),
                    reason: RevokeReason::KeyCompromise,
                });
            }
            ["advance", ms] => self.clock.advance_ms(ms.parse().unwrap()),
            ["close-store"] => self.store.close().unwrap(),
            ["store-unknown-level", key] => self.store_unknown_level(key),
            ["damage-record", key] => self.tamper(&self.hot_place(key), |value| value.truncate(3)),
            ["damage-sealed-copy", key] => {
                let key = self.key(key);
                let sealed = key.secrets.current.sealed.unwrap();
                self.tamper(&schema::key(&key.id.to_bytes()), |value| {
                    let length = sealed.as_bytes().len();
                    let at = value.windows(length).position(|window| window == sealed.as_bytes()).unwrap();
                    value[at + length - 1] ^= 1;
                });
            }
            _ => panic!("unknown: {what}"),
        }
    }
}

/// The first value of a header field of an answer.
pub(crate) fn field<'a>(response: &'a RawResponse, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(field, _)| *field == name).map(|(_, value)| &**value)
}

/// A request whose body is a form.
pub(crate) fn form_request(method: &str, path: &str, query: &str, body: Body) -> RawRequest {
    RawRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: vec![("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec())],
        client: None,
        entrance: Entrance::Local,
        body,
    }
}

/// The request that these bytes are, its body as its head says.
fn raw_request(bytes: &[u8]) -> RawRequest {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let start = head.parse(bytes).unwrap().unwrap();
    let target = head.path.unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let field = |name: &str| {
        let found = head.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.map(|field| std::str::from_utf8(field.value).unwrap())
    };
    let body = match field("content-length") {
        Some(length) => {
            assert_eq!(length, bytes[start..].len().to_string(), "the length is what it says");
            &bytes[start..]
        }
        // No transcript sends anything else in chunks.
        None => bytes[start..].strip_prefix(b"0\r\n\r\n").expect("one empty chunk"),
    };
    RawRequest {
        method: head.method.unwrap().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: head.headers.iter().map(|h| (h.name.to_ascii_lowercase(), h.value.to_vec())).collect(),
        client: Some(CLIENT),
        entrance: Entrance::Local,
        body: if body.len() > limits::BODY_BYTES_MAX { Body::TooLarge } else { Body::Whole(body.to_vec()) },
    }
}

/// Tests that play the transcripts of one dialect, each with so many requests, straight into it and over a socket.
macro_rules! transcripts {
    ($dialect:literal, $world:expr; $($name:ident: $requests:literal,)*) => {
        $(
            mod $name {
                use super::*;

                const FILE: &str = concat!(stringify!($name), ".http");
                const TEXT: &str = include_str!(concat!(
                    "../fixtures/transcripts/", $dialect, "/", stringify!($name), ".http"
                ));

                #[test]
                fn straight_into_the_dialect() {
                    let mut world = $world;
                    let bound = world.texts();
                    let requests = crate::transcript::play(FILE, TEXT, &mut world, bound);
                    assert_eq!(requests, $requests, "requests of {FILE}");
                }

                #[test]
                fn over_a_socket() {
                    let mut wire = crate::wire::Wire::to($world);
                    let bound = wire.world.texts();
                    let requests = crate::transcript::play(FILE, TEXT, &mut wire, bound);
                    assert_eq!(requests, $requests, "requests of {FILE}");
                }
            }
        )*
    };
}

pub(crate) use transcripts;
