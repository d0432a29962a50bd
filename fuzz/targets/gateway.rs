//! What gateways and APIs ask from other machines, under `/auth/` and `/v1/verify`, and callers under `/v1/self`:
//! a key is allowed exactly when a model says so, answers are documented ones, nothing is changed, no key is shown.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use keyward::clock::Timestamp;
use keyward::dialect::{Dialect, Gateway, Native, TryAnswer};
use keyward::engine::{KeyChange, NewKey, UserChange};
use keyward::http::{Field, Form, RawRequest, RawResponse};
use keyward::key::{
    Actor, Expiry, Key, Keyspace, Level, LimitName, RateLimit, RateLimits, RevokeReason, Role, Usage,
    UserStatus,
};
use keyward::store::codec::Record;
use keyward::store::{Entry, Revision, Store as _, schema};
use serde_json::Value;
use serde_json::value::RawValue;

use super::requests::{self, header};
use super::verifying::{
    NarrowedBy, PERMISSIONS, Presented, Verdict, Wanted, base64, decide, percent_decoded,
};
use super::world::World;

/// The bursts of the key that has rate limits; each is free again after a second.
const LIMITS: [(&str, u32); 2] = [("default", 3), ("b", 5)];
const IDENTITY: [&str; 6] =
    ["x-key-id", "x-key-user", "x-key-level", "x-key-keyspace", "x-key-expires", "x-key-remaining"];
const EXPIRES: &str = "2099-12-31T23:59:59.999Z";
const FIELDS: [&str; 7] = ["key", "keyspace", "address", "level", "permission", "limit", "cost"];
/// Refusals that have nothing to do with a key.
const REFUSALS: [(u16, &str); 10] = [
    (400, "body_incomplete"),
    (400, "malformed_json"),
    (404, "no_such_address"),
    (404, "no_such_user"),
    (404, "no_such_key"),
    (405, "method_not_allowed"),
    (413, "body_too_large"),
    (415, "unsupported_media_type"),
    (422, "invalid"),
    (422, "no_such_keyspace"),
];

thread_local! {
    /// No input changes it but for uses, which say nothing about later ones.
    static WORLD: RefCell<Asked> = RefCell::new(Asked::new());
}

/// A world, and what is known of its keys.
struct Asked {
    world: World,
    gateway: Gateway,
    keys: Vec<NarrowedBy>,
    revision: Revision,
    /// All that is stored, but for uses.
    stored: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Answers the requests, as `requests` reads them.
pub fn run(bytes: &[u8]) {
    WORLD.with_borrow_mut(|asked| {
        asked.refill();
        let names: Vec<_> = asked.keys.iter().flat_map(names).collect();
        let names: Vec<_> = names.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        for request in requests::requests(bytes, &names) {
            asked.answer(&request);
        }
        asked.check_unchanged();
    });
}

fn names(key: &NarrowedBy) -> [(String, String); 3] {
    let whole = if key.text.contains(':') { key.text.clone() } else { format!("{}:", key.text) };
    [
        (key.name.to_owned(), key.text.clone()),
        (format!("{}_id", key.name), key.id.to_string()),
        (format!("{}_basic", key.name), base64(whole.as_bytes())),
    ]
}

impl Asked {
    fn new() -> Self {
        let world = World::empty();
        let keys = Vec::new();
        let mut asked =
            Self { gateway: Gateway::default(), keys, revision: world.revision(), stored: Vec::new(), world };
        asked.people_and_keys();
        (asked.revision, asked.stored) = (asked.world.revision(), asked.stored());
        asked
    }

    fn people_and_keys(&mut self) {
        let now = Timestamp::from_unix_ms(World::START_MS);
        self.key("service", "native", ("admin", Role::Administrator, 8), |_| {});
        self.key("limited", "native", ("admin", Role::Administrator, 7), |new| {
            let one_second = 1.try_into().unwrap();
            let limits = LIMITS.map(|(name, burst)| RateLimit {
                name: name.parse().unwrap(),
                count: burst.try_into().unwrap(),
                seconds: one_second,
                burst: burst.try_into().unwrap(),
            });
            new.rate_limits = Some(RateLimits::of(limits.to_vec()).unwrap());
        });
        self.key("good", "native", ("test", Role::User, 3), |_| {});
        self.key("expires", "native", ("test", Role::User, 4), |new| {
            new.expiry = Some(Expiry::At(Timestamp::parse(EXPIRES).unwrap()));
        });
        self.key("capped", "native", ("reader", Role::ReadOnly, 8), |_| {});
        self.key("home", "native", ("admin", Role::Administrator, 8), |new| {
            new.allowlist = Some("192.0.2.0/24".parse().unwrap());
        });
        self.key("elsewhere", "native", ("admin", Role::Administrator, 8), |new| {
            new.allowlist = Some("198.51.100.0/24".parse().unwrap());
        });
        for keyspace in ["filebin", "qreserve", "telvue", "bokamera", "freesewing"] {
            let owner = if keyspace == "qreserve" { "bot" } else { "test" };
            self.key(keyspace, keyspace, (owner, Role::User, 4), |_| {});
        }
        for name in ["suspended", "revoked", "blocked"] {
            let owner = if name == "blocked" { "blocked" } else { "admin" };
            self.key(name, "native", (owner, Role::Administrator, 8), |_| {});
        }
        self.key("expired", "native", ("admin", Role::Administrator, 8), |new| {
            new.expiry = Some(Expiry::At(now.plus_ms(1)));
        });
        let engine = &self.world.engine;
        let id = |name: &str| self.keys.iter().find(|key| key.name == name).unwrap().id;
        let change = KeyChange { active: Some(false), ..KeyChange::default() };
        engine.update_key(Actor::Operator, id("suspended"), change).unwrap();
        engine.revoke_key(Actor::Operator, id("revoked"), RevokeReason::Unspecified).unwrap();
        let (_, blocked) = self.world.people.iter().find(|(name, _)| *name == "blocked").unwrap();
        let change = UserChange { status: Some(UserStatus::Blocked), ..UserChange::default() };
        engine.update_user(Actor::Operator, *blocked, change).unwrap();
        for (name, fault) in [
            ("suspended", "suspended"),
            ("revoked", "revoked"),
            ("blocked", "owner_not_active"),
            ("expired", "expired"),
        ] {
            self.keys.iter_mut().find(|key| key.name == name).unwrap().fault = Some(fault);
        }
    }

    /// Makes a key of a user of this name, role and level.
    fn key(
        &mut self,
        name: &'static str,
        keyspace: &str,
        (owner, role, level): (&'static str, Role, u8),
        set: impl Fn(&mut NewKey),
    ) {
        let person = self.world.person(owner, role);
        let keyspace = Keyspace::named(&keyspace.parse().unwrap()).unwrap();
        let mut new = NewKey::new(*keyspace.name(), person, Level::new(level).unwrap());
        // Otherwise the limits of one key of a user bind the next.
        new.rate_limits = Some(RateLimits::none());
        set(&mut new);
        let (id, text) = self.world.issue(name, new);
        self.keys.push(NarrowedBy {
            name,
            id,
            text,
            keyspace,
            owner,
            level: level.min(role.level().number()),
            fault: None,
            network: match name {
                "home" => Some([192, 0, 2]),
                "elsewhere" => Some([198, 51, 100]),
                _ => None,
            },
            limits: Vec::new(),
        });
    }

    /// Lets so much time pass that all rate limits are free.
    fn refill(&mut self) {
        self.world.clock.advance_ms(1_000);
        self.keys.iter_mut().find(|key| key.name == "limited").unwrap().limits = LIMITS.to_vec();
    }

    fn stored(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let places: Vec<_> = self.keys.iter().map(|key| schema::key(&key.id.to_bytes())).collect();
        let but_for_uses = |entry: Entry| {
            if !places.contains(&entry.key) {
                return (entry.key, entry.value);
            }
            let key = Key { usage: Usage::default(), ..Key::from_entry(&entry).unwrap() };
            (entry.key, key.encode().unwrap())
        };
        self.world.store.scan(b"", None, usize::MAX).unwrap().into_iter().map(but_for_uses).collect()
    }

    fn check_unchanged(&mut self) {
        let revision = self.world.revision();
        // Uses are written behind.
        if revision != self.revision {
            assert!(self.stored() == self.stored, "something was changed");
            self.revision = revision;
        }
    }

    fn answer(&mut self, request: &RawRequest) {
        let native = Native::for_everyone(false);
        let is_gateways = self.gateway.claims(&request.path);
        // What is not about verifying is the native target's.
        let verifying = ["/v1/verify", "/v1/verify/batch", "/v1/self"].contains(&request.path.as_str());
        if !is_gateways && !verifying {
            return;
        }
        let dialect: &dyn Dialect = if is_gateways { &self.gateway } else { &native };
        let response = self.response(dialect, request);
        let body = String::from_utf8(response.body.clone()).unwrap();
        for key in &self.keys {
            let shown = |text: &str| text.contains(&key.text);
            assert!(!shown(&body), "a key is shown in {body}");
            assert!(!response.headers.iter().any(|(_, value)| shown(value)), "a key is shown");
        }
        assert!(!response.headers.iter().any(|(_, value)| value.contains(char::is_control)));
        if is_gateways {
            self.check_gateway(request, &response);
        } else {
            self.check_native(request, &response);
        }
    }

    fn response(&self, dialect: &dyn Dialect, request: &RawRequest) -> RawResponse {
        let (service, head) = (&self.world.service, request.head());
        let prompt = match dialect.try_answer(service, &head, None) {
            TryAnswer::WantsBody => dialect.try_answer(service, &head, Some(&request.body)),
            prompt => prompt,
        };
        match prompt {
            TryAnswer::Answer(response) => response,
            TryAnswer::WouldBlock => dialect.answer(service, request),
            TryAnswer::WantsBody => panic!("it has the body"),
        }
    }

    fn check_gateway(&mut self, request: &RawRequest, response: &RawResponse) {
        let identity = IDENTITY.map(|name| header(response, name));
        assert_eq!(header(response, "cache-control"), Some("no-store"));
        let real: u16 = header(response, "x-key-status").unwrap().parse().unwrap();
        let told = (response.status, real, response.body.is_empty());
        if ["CONNECT", "TRACE"].contains(&request.method.as_str()) {
            assert_eq!((told, identity), ((405, 405, true), [None; 6]));
            return;
        }
        let Some((wanted, preset)) = configured(&request.path, &request.query) else {
            assert_eq!((told, identity), ((403, 400, true), [None; 6]));
            return;
        };
        let nginx = preset == Some("nginx");
        assert!(!nginx || [200, 401, 403].contains(&response.status) && response.body.is_empty());
        if !self.may_ask(request) {
            assert_eq!((told, identity), ((401, 401, true), [None; 6]));
            assert_eq!(header(response, "www-authenticate"), Some(r#"Bearer realm="keyward""#));
            return;
        }
        let original = match preset {
            Some("envoy") => None,
            Some("nginx") => request.header("x-original-uri"),
            _ => request.header("x-forwarded-uri"),
        };
        let original = original.and_then(|target| target.split_once('?')).map_or("", |(_, query)| query);
        let presented = Presented::of(request, wanted.keyspace, &[original, &request.query]);
        let verdict = decide(&mut self.keys, &presented, &wanted);
        let (status, code) = verdict.outside();
        let translated = if nginx && [400, 429].contains(&status) { 403 } else { status };
        assert_eq!(told, (translated, status, nginx || status == 200), "{verdict:?}");
        let Verdict::Allowed(at, left) = verdict else {
            assert_eq!(identity, [None; 6]);
            assert!(nginx || parsed(response)["code"] == code);
            let challenged = status != 429 && code != "no_such_limit";
            assert_eq!(header(response, "www-authenticate").is_some(), challenged);
            return;
        };
        let key = &self.keys[at];
        let id = key.id.to_string();
        let (level, left) = (key.level.to_string(), left.map(|left| left.to_string()).unwrap_or_default());
        let expires = if key.name == "expires" { EXPIRES } else { "" };
        let expected = [&id, key.owner, &level, key.keyspace.name().as_str(), expires, &left];
        assert_eq!(identity, expected.map(Some));
    }

    /// Whether the caller has a service key.
    fn may_ask(&mut self, request: &RawRequest) -> bool {
        let Some(text) = request.header("x-service-key") else { return false };
        let wanted = Wanted { level: 7, ..Wanted::nothing(Keyspace::NATIVE, request.client) };
        let presented = Presented::One(text.as_bytes().to_vec());
        matches!(decide(&mut self.keys, &presented, &wanted), Verdict::Allowed(..))
    }

    fn check_native(&mut self, request: &RawRequest, response: &RawResponse) {
        assert_eq!(header(response, "cache-control"), Some("no-store"));
        let answer = parsed(response);
        let kind = if response.status == 200 { "application/json" } else { "application/problem+json" };
        assert_eq!(header(response, "content-type"), Some(kind));
        let verifies = ["/v1/verify", "/v1/verify/batch"].contains(&request.path.as_str());
        let told = (response.status, answer["code"].as_str().unwrap_or_default());
        if verifies && request.method == "POST" && !self.may_ask(request) {
            assert_eq!(told, (401, "service_key_needed"));
            return;
        }
        if REFUSALS.contains(&told) {
            assert_eq!(header(response, "allow").is_some(), response.status == 405);
            return;
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v1/verify") => {
                let fields = fields(request.header("content-type"), request.body.bytes());
                let (key, wanted) = wanted(&fields).unwrap();
                let mut presented = Presented::of(request, wanted.keyspace, &[&request.query]);
                key.into_iter().for_each(|key| presented.put(key));
                let verdict = decide(&mut self.keys, &presented, &wanted);
                let by_status = parameter(&request.query, "status") == Some(b"true".to_vec());
                if by_status || verdict == Verdict::TwoKeys {
                    assert_eq!(told, verdict.outside(), "{verdict:?}");
                    self.check_allowed(verdict, &answer);
                } else {
                    assert_eq!(response.status, 200);
                    self.check_verdict(verdict, &answer);
                }
            }
            ("POST", "/v1/verify/batch") => self.check_batch(request, &answer),
            ("GET" | "HEAD", "/v1/self") => {
                let keyspace = parameter(&request.query, "keyspace").unwrap_or_else(|| b"native".to_vec());
                let keyspace = named(&keyspace).unwrap();
                let presented = Presented::of(request, keyspace, &[&request.query]);
                let wanted = Wanted { cost: 0, ..Wanted::nothing(keyspace, request.client) };
                let verdict = decide(&mut self.keys, &presented, &wanted);
                assert_eq!(told, verdict.outside(), "{verdict:?}");
                self.check_allowed(verdict, &answer);
            }
            _ => panic!("{told:?}"),
        }
    }

    fn check_batch(&mut self, request: &RawRequest, answer: &Value) {
        let keys = batch(request.body.bytes());
        let results = answer["results"].as_array().unwrap();
        assert_eq!(results.len(), keys.len());
        for (raw, result) in keys.iter().zip(results) {
            let status = result["status"].as_u64().map(|status| u16::try_from(status).unwrap());
            if let Some(status) = status {
                assert!(REFUSALS.contains(&(status, result["code"].as_str().unwrap())), "{result}");
                continue;
            }
            let fields = fields(None, raw.get().as_bytes());
            let (key, wanted) = wanted(&fields).unwrap();
            let verdict = decide(&mut self.keys, &Presented::One(key.unwrap()), &wanted);
            self.check_verdict(verdict, result);
        }
    }

    /// An answer that tells the holder of a service key everything.
    fn check_verdict(&self, verdict: Verdict, answer: &Value) {
        let code = answer["code"].as_str().unwrap();
        let expected = match verdict {
            Verdict::Allowed(..) | Verdict::NoKey => verdict.outside().1,
            Verdict::Denied("unknown") if code == "malformed" => "malformed",
            Verdict::Denied(reason) => reason,
            Verdict::TwoKeys => panic!("{answer}"),
        };
        assert_eq!(code, expected);
        assert_eq!(answer["valid"], matches!(verdict, Verdict::Allowed(..)));
        self.check_allowed(verdict, answer);
    }

    /// If the key is allowed, that it is the right one.
    fn check_allowed(&self, verdict: Verdict, answer: &Value) {
        let Verdict::Allowed(at, left) = verdict else { return };
        let key = &self.keys[at];
        let expected: [(&str, Value); 5] = [
            ("valid", true.into()),
            ("key_id", key.id.to_string().into()),
            ("user", key.owner.into()),
            ("keyspace", key.keyspace.name().as_str().into()),
            ("level", key.level.into()),
        ];
        for (name, value) in expected {
            assert_eq!(answer[name], value, "{answer}");
        }
        assert_eq!(answer["rate_limit"]["remaining"], left.map_or(Value::Null, Value::from));
    }
}

/// What a gateway's address asks for, and of which gateway; `None` when it is a mistake.
fn configured<'a>(path: &'a str, query: &'a str) -> Option<(Wanted, Option<&'a str>)> {
    let rest = path.strip_prefix("/auth/")?;
    let segment = rest.split('/').next()?;
    let (name, list, clients) = match segment.split_once(';') {
        Some((name, list)) => (name, list.split(';').collect::<Vec<_>>(), false),
        None => (segment, query.split('&').collect(), rest.contains('/')),
    };
    let mut given = BTreeMap::new();
    for option in list.into_iter().filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let known = ["for", "level", "permission", "limit", "cost"].contains(&name);
        if name == "api_key" || !known && clients {
            continue;
        }
        let lets_off = clients && ["limit", "cost"].contains(&name);
        if !known || lets_off || given.insert(name, value).is_some() {
            return None;
        }
    }
    let preset = given.get("for").copied();
    if preset.is_some_and(|name| !["nginx", "traefik", "caddy", "envoy", "haproxy"].contains(&name)) {
        return None;
    }
    let level = match (given.get("level"), given.get("permission")) {
        (None, None) => 0,
        (Some(level), None) => (0..=8).find(|number: &u8| number.to_string() == **level)?,
        (None, Some(permission)) => level(permission.as_bytes())?,
        (Some(_), Some(_)) => return None,
    };
    let limit = given.get("limit").map(|limit| limit.parse::<LimitName>().map(|name| name.to_string()));
    let wanted = Wanted {
        level,
        limit: limit.transpose().ok()?,
        cost: given.get("cost").map_or(Ok(1), |cost| cost.parse()).ok()?,
        ..Wanted::nothing(named(name.as_bytes())?, Some([192, 0, 2, 7].into()))
    };
    Some((wanted, preset))
}

type Fields = BTreeMap<&'static str, Vec<u8>>;

fn fields(content_type: Option<&str>, body: &[u8]) -> Fields {
    let content_type = content_type.unwrap_or("application/json");
    let form = Form::of(content_type.as_bytes(), body);
    let in_form = |name: &str| match form.field(name)? {
        Field::Text(text) => Some(text.to_vec()),
        Field::Array(_) => panic!("{name} is an array"),
    };
    let is_form = Form::is_form(content_type.as_bytes());
    let json: Value =
        if is_form || body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap() };
    let in_json = |nth: usize, name: &str| match json.get(name).or_else(|| json.get(nth))? {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Number(number) => Some(number.to_string().into_bytes()),
        Value::Null => None,
        other => panic!("{name} is {other}"),
    };
    let field = |(nth, name): (usize, &'static str)| {
        let value = if is_form { in_form(name) } else { in_json(nth, name) };
        value.map(|value| (name, value))
    };
    FIELDS.into_iter().enumerate().filter_map(field).collect()
}

/// The key that is asked about, if it is named here, and what it is to be good for.
fn wanted(fields: &Fields) -> Option<(Option<Vec<u8>>, Wanted)> {
    let text = |name: &str| fields.get(name).map(|value| std::str::from_utf8(value).unwrap());
    let address = text("address").map(str::parse::<IpAddr>).transpose().ok()?;
    let keyspace = fields.get("keyspace").map_or(Some(Keyspace::NATIVE), |name| named(name))?;
    let level = match (text("level"), fields.get("permission")) {
        (None, None) => 0,
        (Some(level), None) => level.parse().ok().filter(|level| *level <= 8)?,
        (None, Some(permission)) => level(permission)?,
        (Some(_), Some(_)) => return None,
    };
    let cost = text("cost").map_or(Ok(1), str::parse).ok()?;
    let limit = text("limit").map(str::to_owned);
    Some((fields.get("key").cloned(), Wanted { level, limit, cost, ..Wanted::nothing(keyspace, address) }))
}

fn batch(body: &[u8]) -> Vec<Box<RawValue>> {
    let named = serde_json::from_slice::<BTreeMap<String, Vec<Box<RawValue>>>>(body);
    match named {
        Ok(mut named) => named.remove("keys").unwrap(),
        Err(_) => {
            let [keys] = serde_json::from_slice::<[Vec<Box<RawValue>>; 1]>(body).unwrap();
            keys
        }
    }
}

fn level(permission: &[u8]) -> Option<u8> {
    (0..).zip(PERMISSIONS).find(|(_, name)| name.as_bytes() == permission).map(|(level, _)| level)
}

fn named(name: &[u8]) -> Option<Keyspace> {
    Keyspace::all().find(|keyspace| keyspace.name().as_str().as_bytes() == name)
}

fn parameter(query: &str, name: &str) -> Option<Vec<u8>> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.into_iter().find(|(other, _)| *other == name)?;
    Some(percent_decoded(&value.replace('+', " ")))
}

fn parsed(response: &RawResponse) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}
