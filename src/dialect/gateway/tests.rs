//! What each gateway gets, over an engine in memory.

use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::Gateway;
use crate::clock::{ManualClock, Timestamp};
use crate::command::Service;
use crate::dialect::{Dialect as _, TryAnswer};
use crate::engine::{Engine, KeyChange, NewKey, NewKind, NewUser, Parts, UserChange};
use crate::entropy::{OsEntropy, SeededEntropy};
use crate::http::{Body, Entrance, RawRequest, RawResponse};
use crate::key::{
    Actor, KeyId, Keyspace, Level, PepperRing, RateLimit, RateLimits, RevokeReason, Role, UserId, UserStatus,
};
use crate::store::MemoryStore;

const PRESETS: [&str; 6] = ["", "nginx", "traefik", "caddy", "envoy", "haproxy"];
const IDENTITY: [&str; 6] =
    ["x-key-id", "x-key-user", "x-key-level", "x-key-keyspace", "x-key-expires", "x-key-remaining"];
const HOME: &str = "192.0.2.7";

struct World {
    engine: Engine,
    service: Service,
    clock: ManualClock,
    gateway: Gateway,
    flo: UserId,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
        let parts = Parts {
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SeededEntropy::new(1)),
            ..Parts::over(Arc::new(MemoryStore::new()), PepperRing::generate(&OsEntropy).unwrap())
        };
        let engine = Engine::open(parts).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::Administrator, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        Self { service: Service::new(engine.clone()), engine, clock, gateway: Gateway::default(), flo }
    }

    fn key_in(&self, keyspace: &str, level: u8, change: impl FnOnce(&mut NewKey)) -> (KeyId, String) {
        let mut new = NewKey::new(keyspace.parse().unwrap(), self.flo, Level::new(level).unwrap());
        change(&mut new);
        if keyspace == "qreserve" {
            let bot =
                NewUser { kind: NewKind::Bot, ..NewUser::person("bot".parse().unwrap(), Role::User, None) };
            new.owner = self.engine.add_user(Actor::Operator, bot).unwrap().id;
        }
        let (key, text) = self.engine.create_key(Actor::Operator, new).unwrap();
        (key.id, text.reveal().to_string())
    }

    fn key(&self, level: u8) -> (KeyId, String) {
        self.key_in("native", level, |_| {})
    }

    /// The answer to a request from `HOME` through a local entrance; what is answered at once is the same.
    fn ask(&self, target: &str, fields: &[(&str, &str)]) -> RawResponse {
        self.ask_at(Entrance::Local, target, fields)
    }

    fn ask_at(&self, entrance: Entrance, target: &str, fields: &[(&str, &str)]) -> RawResponse {
        let client = Some(HOME.parse().unwrap());
        self.gateway.answer(&self.service, &request("GET", target, fields, client, entrance))
    }

    fn limited(&self) -> String {
        let number = |number| std::num::NonZeroU32::new(number).unwrap();
        let (name, count) = (RateLimit::DEFAULT_NAME, number(1));
        let limit = RateLimit { name, count, seconds: number(60), burst: count };
        self.key_in("native", 2, |new| new.rate_limits = Some(RateLimits::of(vec![limit]).unwrap())).1
    }
}

fn request(
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    client: Option<IpAddr>,
    entrance: Entrance,
) -> RawRequest {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    RawRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: fields.collect(),
        client,
        entrance,
        body: Body::Whole(Vec::new()),
    }
}

fn field<'a>(response: &'a RawResponse, name: &str) -> Option<&'a str> {
    let mut found = response.headers.iter().filter(|(field, _)| *field == name);
    let value = found.next().map(|(_, value)| &**value);
    assert!(found.next().is_none(), "{name} is there twice: {response:?}");
    value
}

fn identity(response: &RawResponse) -> [&str; 6] {
    IDENTITY.map(|name| field(response, name).unwrap_or_else(|| panic!("no {name} in {response:?}")))
}

/// Whether a refusal may not be cached, and has no field about the key.
fn is_bare(response: &RawResponse) -> bool {
    field(response, "cache-control") == Some("no-store")
        && IDENTITY.iter().all(|name| field(response, name).is_none())
        && response.headers.iter().all(|(_, value)| !value.is_empty())
}

/// Status, `X-Key-UserStatus`, challenge, `Retry-After`, and whether there is a body.
type Told = (u16, String, Option<String>, Option<String>, bool);

/// One request to every preset.
fn client_message(world: &World, query: &str, fields: impl Fn() -> Vec<(&'static str, String)>) -> Vec<Told> {
    let ask = |preset: &str| {
        let preset = if preset.is_empty() { String::new() } else { format!("for={preset}&") };
        let fields = fields();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let response = world.ask(&format!("/auth/native?{preset}{query}"), &fields);
        if response.status != 200 {
            assert!(is_bare(&response), "{response:?}");
        }
        let own = |name| field(&response, name).map(str::to_owned);
        let status = own("x-key-status").unwrap();
        (response.status, status, own("www-authenticate"), own("retry-after"), !response.body.is_empty())
    };
    PRESETS.into_iter().map(ask).collect()
}

/// What every preset but nginx gets, and what nginx gets.
fn all(plain: (u16, &str, Option<&str>, Option<&str>, bool), nginx: u16) -> Vec<Told> {
    let (status, real, challenge, retry, body) = plain;
    let row = |status, body| {
        (status, real.to_owned(), challenge.map(str::to_owned), retry.map(str::to_owned), body)
    };
    PRESETS.map(|preset| if preset == "nginx" { row(nginx, false) } else { row(status, body) }).to_vec()
}

#[test]
fn every_preset_gets_what_it_can_pass_on() {
    let world = World::new();
    let (_, good) = world.key(2);
    let with = |key: &str| {
        let key = key.to_owned();
        move || vec![("x-api-key", key.clone())]
    };
    assert_eq!(client_message(&world, "level=2", with(&good)), all((200, "200", None, None, false), 200));

    let bare = Some(r#"Bearer realm="keyward""#);
    assert_eq!(client_message(&world, "", Vec::new), all((401, "401", bare, None, true), 401));

    let invalid = Some(r#"Bearer realm="keyward", error="invalid_token""#);
    assert_eq!(client_message(&world, "", with("nonsense")), all((401, "401", invalid, None, true), 401));

    let scope = Some(r#"Bearer realm="keyward", error="insufficient_scope", scope="write""#);
    assert_eq!(client_message(&world, "level=4", with(&good)), all((403, "403", scope, None, true), 403));
    assert_eq!(
        client_message(&world, "permission=write", with(&good)),
        all((403, "403", scope, None, true), 403)
    );

    let two = || vec![("x-api-key", good.clone()), ("authorization", "Bearer other".to_owned())];
    let request = Some(r#"Bearer realm="keyward", error="invalid_request""#);
    assert_eq!(client_message(&world, "", two), all((400, "400", request, None, true), 403));

    let limited = world.limited();
    assert_eq!(world.ask("/auth/native", &[("x-api-key", &limited)]).status, 200);
    let over = client_message(&world, "", with(&limited));
    assert_eq!(over, all((429, "429", None, Some("60"), true), 403));
    let never = client_message(&world, "cost=2", with(&limited));
    assert_eq!(never, all((429, "429", None, None, true), 403), "what never fits needs no second try");

    let misspelt = client_message(&world, "limit=defualt", with(&world.limited()));
    assert_eq!(misspelt, all((403, "403", None, None, true), 403), "a limit that no key has is not no limit");
    assert_eq!(client_message(&world, "limit=default", with(&good)), misspelt);
}

#[test]
fn a_question_that_would_be_a_tunnel_is_none() {
    let world = World::new();
    let (_, good) = world.key(8);
    for method in ["CONNECT", "TRACE", "get", "PRI", "X"] {
        let request = request(method, "/auth/native", &[("x-api-key", &good)], None, Entrance::Local);
        let response = world.gateway.answer(&world.service, &request);
        let expected = if matches!(method, "CONNECT" | "TRACE") { 405 } else { 200 };
        assert_eq!(
            (response.status, field(&response, "allow").is_some()),
            (expected, expected == 405),
            "{method}"
        );
    }
}

#[test]
fn an_allowed_key_is_named_in_every_field() {
    let world = World::new();
    let until = Timestamp::parse("2026-02-01T00:00:00Z").unwrap();
    let (id, text) = world.key_in("native", 3, |new| {
        new.expiry = Some(crate::key::Expiry::At(until));
        new.allowlist = Some(format!("{HOME},10.0.0.0/8").parse().unwrap());
    });
    let forged: Vec<_> = IDENTITY.map(|name| (name, "forged")).to_vec();
    let fields = [&[("authorization", text.as_str())][..], &forged].concat();
    let response = world.ask("/auth/native/any/path?for=caddy&level=3", &fields);
    let id = id.to_string();
    assert_eq!(identity(&response), [&id, "flo", "3", "native", "2026-02-01T00:00:00.000Z", ""]);
    assert_eq!((response.status, response.body.len(), response.headers.len()), (200, 0, 8));
    assert_eq!(field(&response, "cache-control"), Some("no-store"));

    let refused = world.ask("/auth/native?level=4", &fields);
    assert!(is_bare(&refused), "what a client sends never comes back: {refused:?}");
    let limited = world.limited();
    let response = world.ask("/auth/native", &[("x-api-key", &limited)]);
    assert_eq!(field(&response, "x-key-remaining"), Some("0"));
}

#[test]
fn all_that_is_wrong_with_a_key_is_one_answer() {
    let world = World::new();
    let update = |id, change| world.engine.update_key(Actor::Operator, id, change).unwrap();
    let (suspended, suspended_text) = world.key(8);
    update(suspended, KeyChange { active: Some(false), ..KeyChange::default() });
    let (revoked, revoked_text) = world.key(8);
    world.engine.revoke_key(Actor::Operator, revoked, RevokeReason::Unspecified).unwrap();
    let (rotated, rotated_text) = world.key(8);
    world.engine.rotate_key(Actor::Operator, rotated, 0).unwrap();
    let (deleted, deleted_text) = world.key(8);
    world.engine.delete_key(Actor::Operator, deleted).unwrap();
    let soon = crate::key::Expiry::At(world.clock_now().plus_ms(1));
    let (_, expired) = world.key_in("native", 8, |new| new.expiry = Some(soon));
    world.clock.advance_ms(1);
    let (_, elsewhere) = world.key_in("native", 8, |new| new.allowlist = Some("192.0.2.8".parse().unwrap()));
    let (_, other_keyspace) = world.key_in("filebin", 8, |_| {});
    let (_, blocked) = world.key_of("bo", Some(UserStatus::Blocked));
    let (_, inactive) = world.key_of("mo", Some(UserStatus::Inactive));
    let (_, orphan) = world.key_of("jo", None);

    for preset in PRESETS {
        let ask = |text: &str| {
            let target = format!("/auth/native;for={preset};level=2");
            let target = if preset.is_empty() { "/auth/native?level=2" } else { &target };
            world.ask(target, &[("x-api-key", text)])
        };
        let unknown = ask(&text_of_nobody());
        assert_eq!(unknown.status, 401);
        for (what, text) in [
            ("malformed", "x"),
            ("empty", ""),
            ("suspended", &suspended_text),
            ("revoked", &revoked_text),
            ("rotated out", &rotated_text),
            ("deleted", &deleted_text),
            ("expired", &expired),
            ("from elsewhere", &elsewhere),
            ("of another keyspace", &other_keyspace),
            ("of a blocked user", &blocked),
            ("of an inactive user", &inactive),
            ("of a removed user", &orphan),
        ] {
            assert!(ask(text) == unknown, "a key {what} is told apart from an unknown one: {:?}", ask(text));
        }
    }
}

/// A native key of the right form, made by another engine.
fn text_of_nobody() -> String {
    crate::key::KeyFormat::Native
        .issue(KeyId::generate(&OsEntropy).unwrap(), &OsEntropy)
        .unwrap()
        .0
        .reveal()
        .to_string()
}

impl World {
    fn clock_now(&self) -> Timestamp {
        self.service.now()
    }

    /// A key of a user who then gets this status, or is removed.
    fn key_of(&self, name: &str, status: Option<UserStatus>) -> (KeyId, String) {
        let user = NewUser::person(name.parse().unwrap(), Role::Administrator, None);
        let user = self.engine.add_user(Actor::Operator, user).unwrap().id;
        let (id, text) = self.key_in("native", 8, |new| new.owner = user);
        match status {
            None => self.engine.remove_user(Actor::Operator, user).unwrap(),
            status => {
                let change = UserChange { status, ..UserChange::default() };
                self.engine.update_user(Actor::Operator, user, change).unwrap();
            }
        }
        (id, text)
    }
}

#[test]
fn a_key_is_taken_from_an_address_only_where_its_keyspace_allows() {
    let world = World::new();
    let (_, telvue) = world.key_in("telvue", 2, |_| {});
    let (_, native) = world.key(2);
    let query = format!("/watch?id=7&api_key={telvue}");
    for (target, name) in [
        ("/auth/telvue?for=nginx", "x-original-uri"),
        ("/auth/telvue?for=traefik", "x-forwarded-uri"),
        ("/auth/telvue?for=caddy", "x-forwarded-uri"),
        ("/auth/telvue?for=haproxy", "x-forwarded-uri"),
        ("/auth/telvue", "x-forwarded-uri"),
    ] {
        assert_eq!(world.ask(target, &[(name, &query)]).status, 200, "{target}");
    }
    assert_eq!(world.ask(&format!("/auth/telvue;for=envoy{query}"), &[]).status, 200);
    assert_eq!(world.ask(&format!("/auth/telvue?api_key={telvue}"), &[]).status, 200);
    let other = [("x-original-uri", query.as_str()), ("x-api-key", "7e14204fcce1e00152b4")];
    assert_eq!(field(&world.ask("/auth/telvue?for=nginx", &other), "x-key-status"), Some("400"));
    let same = [("x-original-uri", query.as_str()), ("x-api-key", telvue.as_str())];
    assert_eq!(world.ask("/auth/telvue?for=nginx", &same).status, 200, "the same key twice is one");

    assert_eq!(world.ask(&format!("/auth/native?api_key={native}"), &[]).status, 401);
    let both = world.ask("/auth/native?api_key=other", &[("x-api-key", &native)]);
    assert_eq!(both.status, 200, "what is no key there is not looked at");
}

#[test]
fn every_keyspace_takes_its_keys_in_every_header_field() {
    let world = World::new();
    for keyspace in Keyspace::all() {
        let (_, text) = world.key_in(keyspace.name().as_str(), 2, |_| {});
        let basic = base64(&if text.contains(':') { text.clone() } else { format!("{text}:") });
        let (bearer, basic) = (format!("Bearer {text}"), format!("Basic {basic}"));
        let (api_key, token) = (format!("Api-Key {text}"), format!("token {text}"));
        for (name, value) in [
            ("authorization", bearer.as_str()),
            ("authorization", text.as_str()),
            ("authorization", basic.as_str()),
            ("authorization", api_key.as_str()),
            ("authorization", token.as_str()),
            ("x-api-key", text.as_str()),
            ("apikey", text.as_str()),
        ] {
            let response = world.ask(&format!("/auth/{}?level=2", keyspace.name()), &[(name, value)]);
            assert_eq!(response.status, 200, "{} {name}", keyspace.name());
            assert_eq!(field(&response, "x-key-keyspace"), Some(keyspace.name().as_str()));
        }
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn a_mistake_in_the_configuration_lets_nobody_through() {
    let world = World::new();
    let (_, good) = world.key(8);
    for target in [
        "/auth/",
        "/auth/nowhere?for=nginx",
        "/auth/native?for=apache",
        "/auth/native?for=nginx&level=9",
        "/auth/native;level=2;permission=read/x",
        "/auth/native/x?cost=0",
    ] {
        let response = world.ask(target, &[("x-api-key", &good)]);
        assert_eq!((response.status, field(&response, "x-key-status")), (403, Some("400")), "{target}");
        assert!(is_bare(&response) && response.body.is_empty(), "{target}: {response:?}");
    }
}

#[test]
fn from_other_machines_it_takes_a_service_key() {
    let world = World::new();
    let (_, good) = world.key(2);
    let (_, service) = world.key(7);
    let (_, too_low) = world.key(6);
    let (_, at_home) = world.key_in("native", 8, |new| new.allowlist = Some("198.51.100.1".parse().unwrap()));
    let (_, at_client) = world.key_in("native", 8, |new| new.allowlist = Some(HOME.parse().unwrap()));
    let (_, filebin) = world.key_in("filebin", 8, |_| {});
    let entrance = Entrance::Network { peer: "198.51.100.1".parse().unwrap() };
    let ask = |world: &World, service_key: Option<&str>| {
        let mut fields = vec![("x-api-key", good.as_str())];
        fields.extend(service_key.map(|key| ("x-service-key", key)));
        world.ask_at(entrance, "/auth/native?for=nginx", &fields)
    };
    assert_eq!(ask(&world, Some(&service)).status, 200);
    assert_eq!(ask(&world, Some(&at_home)).status, 200, "the gateway's own address counts, not the client's");
    for wrong in [None, Some(""), Some("x"), Some(&good), Some(&too_low), Some(&filebin), Some(&at_client)] {
        let response = ask(&world, wrong.map(|key: &str| key));
        assert_eq!((response.status, response.body.len()), (401, 0));
        assert!(is_bare(&response), "{response:?}");
        assert_eq!(field(&response, "www-authenticate"), Some(r#"Bearer realm="keyward""#));
    }
    let open = World { gateway: world.gateway.clone().open(), ..world };
    assert_eq!(ask(&open, None).status, 200);
}

fn anything() -> impl Strategy<Value = (String, String, Vec<(&'static str, String)>)> {
    let names = prop::sample::select(vec![
        "authorization",
        "x-api-key",
        "x-service-key",
        "x-original-uri",
        "x-forwarded-uri",
        "x-key-id",
    ]);
    let value = prop_oneof![".{0,40}", "(Bearer|Basic|bearer) [a-zA-Z0-9=]{0,40}", "/x\\?api_key=.{0,9}"];
    let option = prop_oneof![
        "(for|level|permission|limit|cost|api_key|x)=[a-z0-9]{0,8}",
        Just("for=nginx".to_owned()),
        Just("for=envoy".to_owned()),
        ".{0,9}",
    ];
    let options = prop::collection::vec(option, 0..4);
    let start =
        prop::sample::select(vec!["/auth/native", "/auth/telvue", "/auth/freesewing", "/auth/", "/auth"]);
    let target = (start, options.clone(), ".{0,9}", options).prop_map(|(start, behind, path, query)| {
        let behind: String = behind.iter().map(|option| format!(";{option}")).collect();
        format!("{start}{behind}{path}?{}", query.join("&"))
    });
    ("[A-Z]{0,7}", target, prop::collection::vec((names, value), 0..4))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_is_let_through_or_is_our_fault((method, target, fields) in anything(), local: bool) {
        let world = World::new();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let entrance =
            if local { Entrance::Local } else { Entrance::Network { peer: HOME.parse().unwrap() } };
        let request = request(&method, &target, &fields, None, entrance);
        let response = world.gateway.answer(&world.service, &request);
        prop_assert!(matches!(response.status, 400 | 401 | 403), "{method} {target} {fields:?}: {response:?}");
        prop_assert!(is_bare(&response), "{response:?}");
    }
}

#[test]
fn it_answers_at_once() {
    let world = World::new();
    let (_, good) = world.key(2);
    let request = request("PUT", "/auth/native?level=2", &[("x-api-key", &good)], None, Entrance::Local);
    let TryAnswer::Answer(response) = world.gateway.try_answer(&world.service, &request.head(), None) else {
        panic!("it waits")
    };
    assert!(response == world.gateway.answer(&world.service, &request));
}
