//! filebin's `/user` API.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use keyward::clock::{ManualClock, Timestamp};
use keyward::command::{Caller, Command, KeyRef, Outcome, Service, UserRef};
use keyward::dialect::filebin::encode;
use keyward::dialect::{Dialect, Filebin};
use keyward::engine::{Engine, EngineError, KeyChange, NewKey, NewUser, Parts, UserChange};
use keyward::entropy::SeededEntropy;
use keyward::exchange::{Body, Entrance, RawRequest, RawResponse};
use keyward::key::{Expiry, Key, KeyId, Keyspace, Level, Password, PepperRing, RevokeReason, Role, Status};
use keyward::limits;
use keyward::store::{Batch, MemoryStore, Revision, Store, schema};
use proptest::prelude::*;

use crate::transcript::{Answer, Peer, play};
#[cfg(feature = "server")]
use crate::wire::Wire;

const SITE: &str = "http://127.0.0.1:23200";
/// Where requests come from: 192.0.2.0/24 is for documentation.
pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const NOW: Timestamp = Timestamp::from_unix_ms(1_378_389_775_190);

/// The dialect over a fresh engine: the people `test`, `other` and `reader` with their names as passwords, and
/// keys `basic`, `apikey`, `full` of `test`, `other` of `other` and `reader` of `reader`, one second apart, the
/// last one second ago.
pub(crate) struct World {
    dialect: Filebin,
    service: Service,
    store: Arc<MemoryStore>,
    clock: ManualClock,
    keys: HashMap<String, KeyId>,
    texts: HashMap<String, String>,
}

impl World {
    pub(crate) fn new() -> Self {
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
        let dialect = Filebin::new(SITE);
        let mut world = Self { dialect, service, store, clock, keys: HashMap::new(), texts: HashMap::new() };
        for (name, role) in [("test", Role::User), ("other", Role::User), ("reader", Role::ReadOnly)] {
            let password = Some(Password::new(name.as_bytes()).unwrap());
            world.command(Command::AddUser(NewUser::person(name.parse().unwrap(), role, password)));
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

    fn command(&self, command: Command) -> Outcome {
        self.service.dispatch(&Caller::operator(), command).unwrap()
    }

    fn create(&mut self, name: &str, owner: &str, level: Level) {
        let Outcome::User(owner) = self.command(Command::ShowUser(user(owner))) else { panic!("no user") };
        let new = NewKey::new(*Keyspace::FILEBIN.name(), owner.id, level);
        let Outcome::Issued(key, text) = self.command(Command::CreateKey(new)) else { panic!("no key") };
        self.keys.insert(name.to_owned(), key.id);
        self.texts.insert(name.to_owned(), text.reveal().to_string());
    }

    /// The key texts by name.
    pub(crate) fn texts(&self) -> HashMap<String, String> {
        self.texts.clone()
    }

    /// What a server serves.
    #[cfg(feature = "server")]
    pub(crate) fn parts(&self) -> (Filebin, Service) {
        (self.dialect.clone(), self.service.clone())
    }

    pub(crate) fn revision(&self) -> Revision {
        self.store.revision()
    }

    /// Answers a request and holds the answer to what is true of every one.
    fn answer(&self, request: &RawRequest) -> RawResponse {
        let before = self.revision();
        let response = self.dialect.answer(&self.service, request);
        if response.status != 200 {
            assert_eq!(self.revision(), before, "a refused request changed something: {response:?}");
        }
        let cached = response.headers.iter().find(|(name, _)| *name == "cache-control");
        assert_eq!(cached.map(|(_, value)| &**value), Some("no-store"));
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
        batch.put(place, value);
        self.store.commit(batch).unwrap();
    }

    fn hot_place(&self, key: &str) -> Vec<u8> {
        let trace = self.key(key).secrets.current.trace();
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
        let content_type =
            response.headers.iter().find(|(name, _)| *name == "content-type").unwrap().1.clone();
        Answer { status: response.status, content_type: content_type.into(), body: response.body }
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

macro_rules! transcripts {
    ($($name:ident: $requests:literal,)*) => {
        $(
            mod $name {
                use super::*;

                const FILE: &str = concat!(stringify!($name), ".http");
                const TEXT: &str =
                    include_str!(concat!("../fixtures/transcripts/filebin/", stringify!($name), ".http"));

                #[test]
                fn straight_into_the_dialect() {
                    let mut world = World::new();
                    let bound = world.texts();
                    assert_eq!(play(FILE, TEXT, &mut world, bound), $requests, "requests of {FILE}");
                }

                #[cfg(feature = "server")]
                #[test]
                fn over_a_socket() {
                    let mut wire = Wire::to(World::new());
                    let bound = wire.world.texts();
                    assert_eq!(play(FILE, TEXT, &mut wire, bound), $requests, "requests of {FILE}");
                }
            }
        )*
    };
}

transcripts! {
    versions: 66,
    fields: 47,
    errors: 21,
    list: 20,
    create: 72,
    delete: 27,
    life: 17,
    clients: 12,
}

#[test]
fn a_busy_engine_asks_to_come_back() {
    let response = encode("http://127.0.0.1/", Err(EngineError::Busy { retry_after_seconds: 2 }.into()));
    assert_eq!(response.status, 429);
    assert!(response.headers.contains(&("retry-after", "2".into())));
    let body = r#"{"status":"error","error_id":"api/too-many-logins","message":"Too many logins at once, please try again soon."}"#;
    assert_eq!(response.body, body.as_bytes());
}

#[test]
fn more_keys_than_one_page_are_listed_whole() {
    let mut world = World::new();
    for nth in 0..limits::PAGE_MAX {
        world.create(&format!("more{nth}"), "test", Level::AUTHENTICATE);
    }
    let body = format!("apikey={}", world.texts["full"]);
    let response = world.answer(&form_request("/api/v2/user/apikeys", &body));
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["data"]["apikeys"].as_object().unwrap().len(), limits::PAGE_MAX + 3);
}

#[test]
fn the_site_address_ends_in_one_slash() {
    let world = World::new();
    for site in ["https://keys.example.org", "https://keys.example.org/"] {
        let response = Filebin::new(site).answer(&world.service, &form_request("/api/v2/user/apikeys", ""));
        let body = String::from_utf8(response.body).unwrap();
        assert!(body.contains("homepage at https://keys.example.org/ for"), "{body}");
    }
}

fn form_request(path: &str, body: &str) -> RawRequest {
    RawRequest {
        method: "POST".to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers: vec![("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec())],
        client: None,
        entrance: Entrance::Local,
        body: Body::Whole(body.as_bytes().to_vec()),
    }
}

fn any_path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec![
        "/",
        "api",
        "v2",
        "v2.0.0",
        "v9",
        "user",
        "apikeys",
        "create_apikey",
        "delete_apikey",
        "index.php",
        "%",
        "é",
    ]);
    let words = prop::collection::vec(segment, 0..8).prop_map(|words| words.join("/"));
    let endpoint = prop::sample::select(vec!["apikeys", "create_apikey", "delete_apikey"]);
    prop_oneof![1 => words, 1 => "/.{0,60}", 3 => endpoint.prop_map(|name| format!("/api/v2.0.0/user/{name}"))]
}

/// Bodies that look like forms with the fields of the API; `KEY` and `LOW` stand for real keys.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "apikey",
        "username",
        "password",
        "comment",
        "access_level",
        "delete_key",
        "=",
        "&",
        "[",
        "]",
        "%",
        "%00",
        "+",
        "KEY",
        "LOW",
        "basic",
        "full",
        "test",
        "nobody",
        "--X",
        "--",
        "\r\n",
        "\r\n\r\n",
        "\"",
        ";",
        "name=",
        "Content-Disposition: form-data; name=",
        "=KEY&",
        "=LOW&",
    ]);
    let words = prop::collection::vec(word, 0..40).prop_map(|words| words.concat().into_bytes());
    let pair = (
        prop::sample::select(vec!["apikey", "comment", "access_level", "delete_key", "apikey[]", "username"]),
        prop::sample::select(vec!["KEY", "LOW", "basic", "full", "", "0", "x", "%ff", "%f0%9f%98%80"]),
    );
    let start = prop::sample::select(vec!["", "apikey=KEY", "apikey=LOW", "apikey=KEY&access_level=basic"]);
    let pairs = (start, prop::collection::vec(pair, 0..4)).prop_map(|(start, pairs)| {
        let pair = |(name, value): &(&str, &str)| format!("&{name}={value}");
        (start.to_owned() + &pairs.iter().map(pair).collect::<String>()).into_bytes()
    });
    prop_oneof![1 => words, 3 => pairs, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

#[test]
fn no_request_is_a_server_error_and_refused_ones_change_nothing() {
    let world = RefCell::new(World::new());
    let with_keys = |body: Vec<u8>| match String::from_utf8(body) {
        Ok(text) => {
            let texts = &world.borrow().texts;
            text.replace("KEY", &texts["full"]).replace("LOW", &texts["basic"]).into_bytes()
        }
        Err(bytes) => bytes.into_bytes(),
    };
    let answered = Cell::new(0);
    let method = prop::sample::select(vec!["POST", "POST", "POST", "GET", "DELETE", "post", ""]);
    let content_type = prop_oneof![
        Just("application/x-www-form-urlencoded".to_owned()),
        Just("multipart/form-data; boundary=X".to_owned()),
        ".{0,60}",
    ];
    let inputs = (method, any_path(), content_type, any_body());
    proptest!(ProptestConfig::with_cases(2_000), |((method, path, content_type, body) in inputs)| {
        let request = RawRequest {
            method: method.to_owned(),
            headers: vec![("content-type".to_owned(), content_type.into_bytes())],
            body: Body::Whole(with_keys(body)),
            ..form_request(&path, "")
        };
        let response = world.borrow().answer(&request);
        prop_assert!(matches!(response.status, 200 | 400 | 404), "{response:?}");
        if response.headers.contains(&("content-type", "application/json; charset=UTF-8".into())) {
            let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            prop_assert_eq!(body["status"] == "success", response.status == 200);
            prop_assert_ne!(&body["error_id"], "internal-error");
            answered.set(answered.get() + usize::from(response.status == 200));
            if body["data"].get("deleted_keys").is_some() {
                world.borrow_mut().create("full", "test", Level::OWN);
                world.borrow_mut().create("basic", "test", Level::AUTHENTICATE);
            }
        }
    });
    assert!(answered.get() > 0, "nothing reached past the refusals");
}
