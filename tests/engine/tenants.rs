//! A bot of a company, by the APIs that take its key: it reaches nothing outside the company, whatever its level, and gains
//! nothing that does.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use keyward::command::Service;
use keyward::dialect::{Dialect, Native, QReserve};
use keyward::engine::{Engine, EventFilter, NewCompany, NewKey, NewKind, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::http::{Body, Entrance, RawRequest, RawResponse};
use keyward::key::{Actor, CompanyId, KeyId, Keyspace, Level, PepperRing, Role, UserId};
use keyward::store::MemoryStore;
use serde_json::{Value, json};

struct Town {
    engine: Engine,
    service: Service,
    own: CompanyId,
    other: CompanyId,
}

/// What a bot that may do everything has of its own, and what it asks for.
struct Bot {
    native: String,
    qreserve: String,
}

impl Town {
    fn new() -> Self {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let service = Service::new(engine.clone());
        let company = |name: &str| {
            let new = NewCompany { id: None, name: name.parse().unwrap() };
            engine.add_company(Actor::Operator, new).unwrap().id
        };
        let (own, other) = (company("Own"), company("Other"));
        let town = Self { engine, service, own, other };
        town.person("owner", Role::Administrator, Some(own));
        town.person("peer", Role::User, Some(own));
        town.person("stranger", Role::User, Some(other));
        town.person("root", Role::Administrator, None);
        town.bot("neighbour", Some(other));
        town
    }

    fn person(&self, name: &str, role: Role, company: Option<CompanyId>) -> UserId {
        let new = NewUser { company, ..NewUser::person(name.parse().unwrap(), role, None) };
        self.engine.add_user(Actor::Operator, new).unwrap().id
    }

    fn key(&self, owner: UserId, keyspace: Keyspace, level: Level) -> (KeyId, String) {
        let new = NewKey::new(*keyspace.name(), owner, level);
        let (key, text) = self.engine.create_key(Actor::Operator, new).unwrap();
        (key.id, text.reveal().to_string())
    }

    fn bot(&self, name: &str, company: Option<CompanyId>) -> Bot {
        let new = NewUser::person(name.parse().unwrap(), Role::Administrator, None);
        let bot = self.engine.add_user(Actor::Operator, NewUser { kind: NewKind::Bot, company, ..new });
        let bot = bot.unwrap().id;
        let key = |keyspace| self.key(bot, keyspace, Level::ALL).1;
        Bot { native: key(Keyspace::NATIVE), qreserve: key(Keyspace::QRESERVE) }
    }

    fn id(&self, name: &str) -> UserId {
        self.engine.reader().user_named(&name.parse().unwrap()).unwrap().unwrap().id
    }

    fn changes(&self) -> usize {
        let (events, _) = self.engine.reader().events(&EventFilter::default(), 0, 1_000).unwrap();
        events.iter().filter(|event| event.action.is_change()).count()
    }

    fn ask(
        &self,
        dialect: &dyn Dialect,
        method: &str,
        target: &str,
        key: &str,
        body: &Value,
    ) -> (u16, Value) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = RawRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![
                ("content-type".to_owned(), b"application/json".to_vec()),
                ("authorization".to_owned(), key.as_bytes().to_vec()),
            ],
            client: None,
            entrance: Entrance::Local,
            body: Body::Whole(body),
        };
        let RawResponse { status, body, .. } = dialect.answer(&self.service, &request);
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    fn native(&self, bot: &Bot, method: &str, target: &str, body: &Value) -> (u16, Value) {
        self.ask(&Native::for_everyone(false), method, target, &format!("Bearer {}", bot.native), body)
    }

    fn qreserve(&self, bot: &Bot, method: &str, target: &str, body: &Value) -> (u16, Value) {
        self.ask(&QReserve, method, target, &bot.qreserve, body)
    }

    /// Holds that the request is refused and changes nothing.
    fn refuses(&self, bot: &Bot, method: &str, target: &str, body: &Value) {
        let before = self.changes();
        let (status, answer) = self.native(bot, method, target, body);
        assert!(matches!(status, 403 | 404), "{method} {target} {body}: {status} {answer}");
        assert_eq!(self.changes(), before, "{method} {target} {body}: refused, and changed something");
    }
}

#[test]
fn a_bot_of_a_company_reaches_nothing_outside_it() {
    let town = Town::new();
    let (bot, other) = (town.bot("bot", Some(town.own)), town.other);
    let (key, _) = town.key(town.id("stranger"), Keyspace::NATIVE, Level::OWN);
    let (deleted, _) = town.key(town.id("stranger"), Keyspace::NATIVE, Level::OWN);
    town.engine.delete_key(Actor::Operator, deleted).unwrap();
    let company = format!("/v1/companies/{other}");
    let of_key = |rest: &str| format!("/v1/keys/{key}{rest}");
    for (method, target, body) in [
        ("GET", "/v1/users".to_owned(), Value::Null),
        ("GET", format!("/v1/users?company={other}"), Value::Null),
        ("GET", "/v1/users/stranger".to_owned(), Value::Null),
        ("GET", "/v1/users/neighbour".to_owned(), Value::Null),
        ("POST", "/v1/users".to_owned(), json!({ "username": "new" })),
        ("POST", "/v1/users".to_owned(), json!({ "username": "new", "company": other.to_string() })),
        ("PATCH", "/v1/users/stranger".to_owned(), json!({ "role": "administrator" })),
        ("PATCH", "/v1/users/peer".to_owned(), json!({ "company": other.to_string() })),
        ("PATCH", "/v1/users/peer".to_owned(), json!({ "company": null })),
        ("PATCH", "/v1/users/bot".to_owned(), json!({ "company": null })),
        ("PUT", "/v1/users/stranger/password".to_owned(), json!({ "password": "correct horse" })),
        ("DELETE", "/v1/users/stranger".to_owned(), Value::Null),
        ("GET", "/v1/companies".to_owned(), Value::Null),
        ("POST", "/v1/companies".to_owned(), json!({ "name": "Third" })),
        ("GET", company.clone(), Value::Null),
        ("PATCH", company.clone(), json!({ "name": "Mine" })),
        ("DELETE", company, Value::Null),
        ("GET", "/v1/keys?owner=stranger".to_owned(), Value::Null),
        ("POST", "/v1/keys".to_owned(), json!({ "keyspace": "native", "owner": "stranger" })),
        ("GET", of_key(""), Value::Null),
        ("PATCH", of_key(""), json!({ "comment": "mine" })),
        ("DELETE", of_key(""), Value::Null),
        ("GET", of_key("/text"), Value::Null),
        ("POST", of_key("/suspend"), Value::Null),
        ("POST", of_key("/rotate"), Value::Null),
        ("POST", of_key("/revoke"), Value::Null),
        ("POST", format!("/v1/keys/{deleted}/undelete"), Value::Null),
        ("GET", "/v1/audit".to_owned(), Value::Null),
        ("POST", "/v1/audit/verify".to_owned(), Value::Null),
        ("POST", "/v1/check".to_owned(), Value::Null),
    ] {
        town.refuses(&bot, method, &target, &body);
    }
    let line = json!({ "keyspace": "native", "owner": "peer", "key": "a-key-of-another-system" });
    town.refuses(&bot, "POST", "/v1/import", &line);
    let (status, listed) = town.native(&bot, "GET", "/v1/keys", &Value::Null);
    assert_eq!(status, 200, "{listed}");
    assert!(listed["keys"].as_array().unwrap().iter().all(|key| key["owner"] == "bot"), "{listed}");
}

#[test]
fn a_bot_of_a_company_comes_by_nothing_that_reaches_beyond_it() {
    let town = Town::new();
    let bot = town.bot("bot", Some(town.own));
    let (of_owner, _) = town.key(town.id("owner"), Keyspace::NATIVE, Level::OWN);
    // Its owner may be promoted later, and would act for everyone with it.
    let (of_peer, _) = town.key(town.id("peer"), Keyspace::BOKAMERA, Level::ALL);
    let (deleted, _) = town.key(town.id("peer"), Keyspace::NATIVE, Level::ALL);
    town.engine.delete_key(Actor::Operator, deleted).unwrap();
    let (low, _) = town.key(town.id("peer"), Keyspace::NATIVE, Level::OWN);
    let own = town.own.to_string();
    let administrator = |more: Value| {
        let mut new = json!({ "username": "new", "company": own, "role": "administrator" });
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        new
    };
    for (method, target, body) in [
        ("PUT", "/v1/users/owner/password".to_owned(), json!({ "password": "correct horse" })),
        ("PATCH", "/v1/users/owner".to_owned(), json!({ "email": "bot@example.org" })),
        ("PATCH", "/v1/users/peer".to_owned(), json!({ "role": "administrator" })),
        ("POST", "/v1/users".to_owned(), administrator(json!({}))),
        ("POST", "/v1/users".to_owned(), administrator(json!({ "password": "correct horse" }))),
        ("POST", "/v1/keys".to_owned(), json!({ "keyspace": "native", "owner": "owner", "level": 1 })),
        ("POST", "/v1/keys".to_owned(), json!({ "keyspace": "native", "owner": "peer", "level": 8 })),
        ("POST", format!("/v1/keys/{of_owner}/rotate"), Value::Null),
        ("POST", format!("/v1/keys/{of_peer}/rotate"), Value::Null),
        ("GET", format!("/v1/keys/{of_peer}/text"), Value::Null),
        ("PATCH", format!("/v1/keys/{low}"), json!({ "level": 8 })),
        ("POST", format!("/v1/keys/{deleted}/undelete"), Value::Null),
    ] {
        town.refuses(&bot, method, &target, &body);
    }
}

#[test]
fn a_bot_of_a_company_administers_what_is_in_it() {
    let town = Town::new();
    let (bot, own) = (town.bot("bot", Some(town.own)), town.own);
    for (method, target, body, status) in [
        ("POST", "/v1/users".to_owned(), json!({ "username": "new", "company": own.to_string() }), 201),
        ("PATCH", "/v1/users/peer".to_owned(), json!({ "role": "support" }), 200),
        ("GET", format!("/v1/users?company={own}"), Value::Null, 200),
        ("PUT", "/v1/users/peer/password".to_owned(), json!({ "password": "correct horse" }), 200),
        ("PATCH", format!("/v1/companies/{own}"), json!({ "name": "Ours" }), 200),
        ("POST", "/v1/keys".to_owned(), json!({ "keyspace": "native", "owner": "peer", "level": 7 }), 201),
        ("POST", "/v1/keys".to_owned(), json!({ "keyspace": "native", "owner": "bot", "level": 8 }), 201),
        ("DELETE", "/v1/users/new".to_owned(), Value::Null, 204),
    ] {
        let (found, answer) = town.native(&bot, method, &target, &body);
        assert_eq!(found, status, "{method} {target} {body}: {answer}");
    }
}

#[test]
fn a_site_s_bot_manages_the_bots_of_its_site_alone() {
    let town = Town::new();
    let bot = town.bot("bot", Some(town.own));
    let neighbour = town.id("neighbour");
    let at = |site: &str, rest: &str| format!("/sites/{site}/bots{rest}");
    let (own, other) = (town.own.to_string(), town.other.to_string());
    let of = |site: &str, rest: &str| at(site, &format!("/{neighbour}{rest}"));
    let before = town.changes();
    for site in [&other, &own, "main"] {
        for (method, target, body) in [
            ("GET", of(site, ""), Value::Null),
            ("POST", of(site, ""), json!({ "role": "administrator" })),
            ("DELETE", of(site, ""), Value::Null),
            ("GET", of(site, "/api_key"), Value::Null),
            ("POST", of(site, "/api_key"), Value::Null),
            ("DELETE", of(site, "/api_key"), Value::Null),
            ("POST", of(site, "/api_key/ip_addresses"), json!({ "ip_addresses": "192.0.2.7" })),
        ] {
            let (status, answer) = town.qreserve(&bot, method, &target, &body);
            assert!(matches!(status, 403 | 404), "{method} {target}: {status} {answer}");
        }
    }
    for site in [&other, "main"] {
        for (method, body) in [("GET", Value::Null), ("POST", json!({ "display_name": "Mine" }))] {
            let (status, answer) = town.qreserve(&bot, method, &at(site, ""), &body);
            assert!(matches!(status, 403 | 404), "{method} {site}: {status} {answer}");
        }
    }
    assert_eq!(town.changes(), before);
    let (status, listed) = town.qreserve(&bot, "GET", &at(&own, ""), &Value::Null);
    assert_eq!(status, 200, "{listed}");
    assert!(listed.to_string().contains(&town.id("bot").to_string()), "{listed}");
    let (status, added) = town.qreserve(&bot, "POST", &at(&own, ""), &json!({ "display_name": "Helper" }));
    assert!(matches!(status, 200 | 201), "{status} {added}");
}
