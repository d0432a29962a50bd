//! The API as its callers see it, over an engine in memory.

mod decode;
mod list;
mod manage;
mod verify;

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Native;
use crate::clock::{ManualClock, Timestamp};
use crate::command::Service;
use crate::dialect::Dialect as _;
use crate::engine::{Engine, Parts};
use crate::entropy::{OsEntropy, SeededEntropy};
use crate::http::{Body, Entrance, RawRequest, RawResponse};
use crate::key::PepperRing;
use crate::store::MemoryStore;

pub(super) struct Api {
    pub(super) service: Service,
    pub(super) clock: ManualClock,
}

impl Api {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
        let parts = Parts {
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SeededEntropy::new(1)),
            ..Parts::over(Arc::new(MemoryStore::new()), PepperRing::generate(&OsEntropy).unwrap())
        };
        Self { service: Service::new(Engine::open(parts).unwrap()), clock }
    }

    /// With the user `flo`.
    pub(super) fn with_flo() -> Self {
        let api = Self::new();
        assert_eq!(api.ask("POST", "/v1/users", json!({ "username": "flo" })).0, 201);
        api
    }

    pub(super) fn answer(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> RawResponse {
        self.answer_by(Native::for_operator(), Entrance::Local, method, target, headers, body)
    }

    pub(super) fn answer_by(
        &self,
        native: Native,
        entrance: Entrance,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> RawResponse {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        let request = RawRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.collect(),
            client: None,
            entrance,
            body,
        };
        native.answer(&self.service, &request)
    }

    pub(super) fn ask(&self, method: &str, target: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let response =
            self.answer(method, target, &[("content-type", "application/json")], Body::Whole(body));
        (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
    }

    /// A new key of `flo`: its id and its text.
    pub(super) fn key(&self, fields: Value) -> (String, String) {
        let mut body = json!({ "keyspace": "native", "owner": "flo" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let (status, answer) = self.ask("POST", "/v1/keys", body);
        assert_eq!(status, 201, "{answer}");
        (answer["key"]["id"].as_str().unwrap().to_owned(), answer["text"].as_str().unwrap().to_owned())
    }

    pub(super) fn verify(&self, text: &str) -> Value {
        let (status, verdict) = self.ask("POST", "/v1/verify", json!({ "keyspace": "native", "key": text }));
        assert_eq!(status, 200, "a verdict is never an error: {verdict}");
        verdict
    }
}

#[test]
fn a_user_is_added_changed_and_removed() {
    let api = Api::new();
    let added = json!({ "username": "flo", "role": "administrator", "email": "Flo@example.org", "password": "geheim-geheim" });
    let (status, user) = api.ask("POST", "/v1/users", added);
    let expected = json!({
        "id": 1, "username": "flo", "display_name": null, "email": "Flo@example.org", "kind": "person",
        "role": "administrator", "company": null, "status": "active", "api_access": false,
        "created_at": "2026-01-01T00:00:00.000Z",
    });
    assert_eq!((status, &user), (201, &expected));
    assert_eq!(api.ask("GET", "/v1/users/flo", Value::Null), (200, expected));

    let (status, user) =
        api.ask("PATCH", "/v1/users/flo", json!({ "display_name": "Flo", "api_access": true }));
    assert_eq!((status, &user["display_name"], &user["api_access"]), (200, &json!("Flo"), &json!(true)));
    assert_eq!(user["email"], "Flo@example.org", "what is left out stays");
    let (_, user) = api.ask("PATCH", "/v1/users/flo", json!({ "email": null }));
    assert_eq!((&user["email"], &user["display_name"]), (&Value::Null, &json!("Flo")), "null clears");

    let last = api.ask("DELETE", "/v1/users/flo", Value::Null);
    assert_eq!((last.0, &last.1["code"]), (409, &json!("last_administrator")));
    api.ask("POST", "/v1/users", json!({ "username": "robot", "kind": "bot" }));
    assert_eq!(api.ask("DELETE", "/v1/users/robot", Value::Null), (204, Value::Null));
    assert_eq!(api.ask("GET", "/v1/users/robot", Value::Null).0, 404);
}

#[test]
fn users_come_in_pages_that_end() {
    let api = Api::new();
    for name in ["a", "b", "c"] {
        api.ask("POST", "/v1/users", json!({ "username": name }));
    }
    let (_, first) = api.ask("GET", "/v1/users?limit=2", Value::Null);
    let (_, second) =
        api.ask("GET", &format!("/v1/users?limit=2&after={}", first["next"].as_str().unwrap()), Value::Null);
    let names = |page: &Value| {
        page["users"].as_array().unwrap().iter().map(|u| u["username"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((names(&first), names(&second)), (vec![json!("a"), json!("b")], vec![json!("c")]));
    assert_eq!(second["next"], Value::Null);
}

#[test]
fn a_key_is_shown_with_its_text_once() {
    let api = Api::with_flo();
    let (id, text) =
        api.key(json!({ "comment": "ci", "level": 3, "allowlist": "10.0.0.0/8, 1.2.3.4", "contact": "a@b" }));
    let (status, key) = api.ask("GET", &format!("/v1/keys/{id}"), Value::Null);
    assert_eq!(status, 200);
    let expected = json!({
        "id": id, "keyspace": "native", "owner": "flo", "prefix": text.split_at(15).0, "comment": "ci", "contact": "a@b",
        "level": 3, "allowlist": "10.0.0.0/8,1.2.3.4", "state": "active", "expires_at": null,
        "rate_limits": [],
        "created_at": "2026-01-01T00:00:00.000Z", "usage": { "count": 0, "last_at": null, "last_from": null },
    });
    assert_eq!(key, expected);
    let (_, page) = api.ask("GET", "/v1/keys?owner=flo&keyspace=native&limit=1", Value::Null);
    assert_eq!(page["keys"], json!([expected]));
    assert_eq!(page["next"], Value::Null, "full, and the last");
    for answer in [key, page] {
        assert!(!answer.to_string().contains(text.split_at(15).1), "{answer}");
    }
}

#[test]
fn a_key_changes_only_where_it_is_told_to() {
    let api = Api::with_flo();
    let (id, _) = api.key(json!({ "comment": "ci", "contact": "a@b", "expires_in_seconds": 60 }));
    let address = format!("/v1/keys/{id}");
    let (_, key) = api.ask("PATCH", &address, json!({ "level": 1 }));
    assert_eq!(
        (&key["level"], &key["comment"], &key["contact"], &key["expires_at"]),
        (&json!(1), &json!("ci"), &json!("a@b"), &json!("2026-01-01T00:01:00.000Z")),
    );
    let (_, key) =
        api.ask("PATCH", &address, json!({ "contact": null, "expires_at": null, "allowlist": "" }));
    assert_eq!((&key["contact"], &key["expires_at"], &key["level"]), (&Value::Null, &Value::Null, &json!(1)));
    let (_, key) = api.ask("PATCH", &address, json!({ "expires_at": "2027-01-01T01:00:00+01:00" }));
    assert_eq!(key["expires_at"], "2027-01-01T00:00:00.000Z");
    let both = json!({ "expires_at": null, "expires_in_seconds": 1 });
    assert_eq!(api.ask("PATCH", &address, both).0, 422);
    let past = json!({ "expires_at": "2025-01-01T00:00:00Z" });
    assert_eq!(api.ask("PATCH", &address, past).1["code"], "expiry_out_of_range");
}

#[test]
fn every_step_of_a_keys_life_shows_in_the_verdict() {
    let api = Api::with_flo();
    let (id, text) = api.key(json!({ "level": 4, "expires_in_seconds": 100 }));
    let act = |action: &str, body: Value| api.ask("POST", &format!("/v1/keys/{id}/{action}"), body);
    let verdict = api.verify(&text);
    let expected = json!({
        "valid": true, "code": "valid", "key_id": id, "user": "flo", "user_id": 1, "company": null,
        "keyspace": "native", "level": 4, "expires_at": "2026-01-01T00:01:40.000Z", "rate_limit": null,
    });
    assert_eq!(verdict, expected);
    let high = json!({ "keyspace": "native", "key": text, "level": 5 });
    assert_eq!(api.ask("POST", "/v1/verify", high).1, json!({ "valid": false, "code": "level_too_low" }));

    assert_eq!(act("suspend", Value::Null).1["state"], "suspended");
    assert_eq!(api.verify(&text)["code"], "suspended");
    assert_eq!(act("resume", json!({})).1["state"], "active");

    let (status, rotated) = act("rotate", json!({ "grace_seconds": 10 }));
    let fresh = rotated["text"].as_str().unwrap();
    assert_eq!((status, &rotated["key"]["previous"]["until"]), (200, &json!("2026-01-01T00:00:10.000Z")));
    assert_eq!((&api.verify(&text)["valid"], &api.verify(fresh)["valid"]), (&json!(true), &json!(true)));
    api.clock.advance_ms(10_000);
    assert_eq!((&api.verify(&text)["valid"], &api.verify(fresh)["valid"]), (&json!(false), &json!(true)));
    api.clock.advance_ms(90_000);
    assert_eq!(api.verify(fresh)["code"], "expired");

    let (_, revoked) = act("revoke", json!({ "reason": "keyCompromise" }));
    let expected = json!({ "at": "2026-01-01T00:01:40.000Z", "by": "operator", "reason": "keyCompromise" });
    assert_eq!((&revoked["state"], &revoked["revoked"]), (&json!("revoked"), &expected));
    let (status, problem) = act("resume", Value::Null);
    assert_eq!((status, &problem["code"]), (409, &json!("key_revoked")));
    assert_eq!(api.ask("DELETE", &format!("/v1/keys/{id}"), Value::Null).0, 204);
    assert_eq!(api.verify(fresh)["code"], "unknown");
    assert_eq!(api.verify("nonsense")["code"], "malformed");
    assert_eq!(api.ask("POST", "/v1/check", Value::Null).1["findings"], json!([]));
}

#[test]
fn refusals_have_a_status_and_a_stable_code() {
    let api = Api::with_flo();
    let key = "00000000-0000-4000-8000-000000000000";
    let cases = [
        ("GET", "/v1", "", 404, "no_such_address"),
        ("GET", "/v1/", "", 404, "no_such_address"),
        ("GET", "/v1/users/", "", 404, "no_such_user"),
        ("GET", "/v1/users/%ff", "", 404, "no_such_user"),
        ("GET", "/v1/users/flo/keys", "", 404, "no_such_address"),
        ("GET", &format!("/v1/keys/{key}"), "", 404, "no_such_key"),
        ("POST", &format!("/v1/keys/{key}/explode"), "", 404, "no_such_address"),
        ("GET", "/v1/users?limit=0", "", 422, "invalid"),
        ("GET", "/v1/users?limit=1001", "", 422, "invalid"),
        ("GET", "/v1/users?color=red", "", 422, "invalid"),
        ("GET", "/v1/users?limit=1&limit=2", "", 422, "invalid"),
        ("GET", "/v1/keys?state=gone", "", 422, "invalid"),
        ("GET", "/v1/keys?owner=flo&after=zz", "", 400, "wrong_cursor"),
        ("POST", "/v1/users", "", 400, "malformed_json"),
        ("POST", "/v1/users", "{", 400, "malformed_json"),
        ("POST", "/v1/users", "[]", 422, "invalid"),
        ("POST", "/v1/users", "{}", 422, "invalid"),
        ("POST", "/v1/users", r#"{"username":"flo"}"#, 409, "username_taken"),
        ("POST", "/v1/users", r#"{"username":"a b"}"#, 422, "invalid"),
        ("POST", "/v1/users", r#"{"username":"a","rôle":1}"#, 422, "invalid"),
        ("POST", "/v1/users", r#"{"username":"a","username":"b"}"#, 422, "invalid"),
        ("POST", "/v1/users", r#"{"username":"a","kind":"bot","password":"x-x-x-x-"}"#, 422, "bot_password"),
        ("PUT", "/v1/users/flo/password", r#"{"password":"seven-7"}"#, 422, "invalid"),
        ("POST", "/v1/keys", r#"{"keyspace":"nowhere","owner":"flo"}"#, 422, "no_such_keyspace"),
        ("POST", "/v1/keys", r#"{"keyspace":"native","owner":"nobody"}"#, 404, "no_such_user"),
        ("POST", "/v1/keys", r#"{"keyspace":"native","owner":"flo","level":9}"#, 422, "invalid"),
        ("POST", "/v1/verify", r#"{"keyspace":"nowhere","key":"x"}"#, 422, "no_such_keyspace"),
        ("POST", "/v1/verify", r#"{"key":"x","level":9}"#, 422, "invalid"),
        ("POST", "/v1/verify", r#"{"key":"x","level":2,"permission":"read"}"#, 422, "invalid"),
        ("POST", "/v1/verify", r#"{"key":"x","permission":"fly"}"#, 422, "invalid"),
        ("POST", "/v1/verify", r#"{"key":"x","address":"1.2.3"}"#, 422, "invalid"),
        ("POST", "/v1/verify", r#"{"key":"x","cost":-1}"#, 422, "invalid"),
        ("POST", "/v1/verify", r#"{"key":"x","limit":"No"}"#, 422, "invalid"),
        ("POST", "/v1/verify?status=maybe", r#"{"key":"x"}"#, 422, "invalid"),
        ("POST", "/v1/verify?color=red", r#"{"key":"x"}"#, 422, "invalid"),
        ("POST", "/v1/verify/batch", r#"{"keys":{}}"#, 422, "invalid"),
        ("POST", "/v1/verify/batch", "{}", 422, "invalid"),
        ("GET", "/v1/self", "", 401, "no_key"),
        ("GET", "/v1/self?keyspace=nowhere", "", 422, "no_such_keyspace"),
        ("GET", "/v1/verify/batch", "", 405, "method_not_allowed"),
        ("GET", "/v1/verify/batch/x", "", 404, "no_such_address"),
        ("POST", "/v1/check", r#"{"deep":true}"#, 422, "invalid"),
        ("PUT", "/v1/users/flo", "{}", 405, "method_not_allowed"),
    ];
    for (method, target, body, status, code) in cases {
        let json = [("content-type", "application/json; charset=utf-8")];
        let response = api.answer(method, target, &json, Body::Whole(body.as_bytes().to_vec()));
        let problem: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(
            (response.status, &problem["code"]),
            (status, &json!(code)),
            "{method} {target} {body}: {problem}"
        );
        assert_eq!(response.headers[0], ("content-type", "application/problem+json".into()));
        assert_eq!((&problem["status"], &problem["type"]), (&json!(status), &json!("about:blank")));
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let whole = Body::Whole(b"username=a".to_vec());
    assert_eq!(api.answer("POST", "/v1/users", &form, whole).status, 415);
    assert_eq!(api.answer("POST", "/v1/users", &[], Body::TooLarge).status, 413);
    assert_eq!(api.answer("POST", "/v1/users", &[], Body::Incomplete).status, 400);
}

#[test]
fn fields_come_in_an_object_and_never_in_an_array() {
    let api = Api::with_flo();
    let (id, text) = api.key(json!({}));
    let key = format!("/v1/keys/{id}");
    let limits = json!([[null, 1, 60, null]]);
    // Each would do as an object, its fields in the order in which the code has them.
    let cases = [
        ("POST", "/v1/users", json!(["anna", null, null, null, null, null, null])),
        ("PATCH", "/v1/users/flo", json!([null, null, null, null, null, null, true])),
        ("PUT", "/v1/users/flo/password", json!(["geheim-geheim"])),
        ("POST", "/v1/keys", json!(["native", "flo", null, null, null, null, null, null, 60])),
        ("POST", "/v1/keys", json!({ "keyspace": "native", "owner": "flo", "rate_limits": limits })),
        ("PATCH", &key, json!([null, null, 1, null, null, null, null])),
        ("PATCH", &key, json!({ "rate_limits": limits })),
        ("POST", &format!("{key}/suspend"), json!([])),
        ("POST", &format!("{key}/resume"), json!([])),
        ("POST", &format!("{key}/rotate"), json!([60])),
        ("POST", &format!("{key}/revoke"), json!(["superseded"])),
        ("POST", "/v1/verify", json!([text, null, null, null, null, null, null])),
        ("POST", "/v1/verify/batch", json!([[{ "key": text }]])),
        ("POST", "/v1/check", json!([])),
    ];
    for (method, target, body) in cases {
        let (status, problem) = api.ask(method, target, body.clone());
        assert_eq!((status, &problem["code"]), (422, &json!("invalid")), "{method} {target} {body}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.ends_with(" is wrong: expected an object"), "{detail}");
    }
    let (_, batch) =
        api.ask("POST", "/v1/verify/batch", json!({ "keys": [[text, null, null, null, null, null, null]] }));
    assert_eq!(batch["results"][0]["code"], "invalid");
}

#[test]
fn every_address_takes_the_methods_it_says_and_no_other() {
    let api = Api::with_flo();
    let key = format!("/v1/keys/{}", api.key(json!({})).0);
    let paths = [
        "/v1/users",
        "/v1/users/flo",
        "/v1/users/flo/password",
        "/v1/keys",
        &key,
        "/v1/verify",
        "/v1/verify/batch",
        "/v1/self",
        "/v1/check",
    ];
    let actions = ["suspend", "resume", "rotate", "revoke"].map(|action| format!("{key}/{action}"));
    for path in paths.into_iter().chain(actions.iter().map(String::as_str)) {
        // A body that none of them takes, so that nothing changes under the test.
        let answer = |method: &str| api.answer(method, path, &[], Body::Incomplete);
        let refused = answer("TRACE");
        let allow = refused.headers.iter().find(|(name, _)| *name == "allow").unwrap().1.clone();
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH"] {
            let allowed = allow.split(", ").any(|known| known == method);
            assert_eq!(answer(method).status != 405, allowed, "{method} {path}, which allows {allow}");
        }
    }
    for path in ["/v1/users", "/v1/keys", "/v1/verify", "/v1/check"] {
        assert_eq!(api.answer("DELETE", path, &[], Body::Whole(Vec::new())).status, 405, "{path}");
    }
}

/// JSON with `SECRET` in places where it does not belong.
fn misplaced() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "username",
        "password",
        "key",
        "keyspace",
        "owner",
        "role",
        "level",
        "allowlist",
        "expires_at",
        "kind",
        "address",
        "email",
        "grace_seconds",
        "reason",
        "status",
        "api_access",
        "company",
        "permission",
        "limit",
        "cost",
        "keys",
        SECRET,
    ]);
    let value = prop_oneof![
        Just(json!(SECRET)),
        Just(json!([SECRET])),
        Just(json!({ SECRET: SECRET })),
        Just(json!("flo")),
        Just(json!("native")),
        Just(json!(3)),
        Just(Value::Null),
    ];
    prop::collection::vec((name, value), 0..5).prop_map(|fields| {
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()
    })
}

const SECRET: &str = "kw_S3cr3t, expected nothing";

/// An address that takes a body, with a method it takes.
fn writing() -> impl Strategy<Value = (&'static str, String)> {
    let key = "/v1/keys/00000000-0000-4000-8000-000000000000";
    let targets = [
        ("POST", "/v1/users".to_owned()),
        ("PATCH", "/v1/users/flo".to_owned()),
        ("PUT", "/v1/users/flo/password".to_owned()),
        ("POST", "/v1/keys".to_owned()),
        ("PATCH", key.to_owned()),
        ("POST", format!("{key}/suspend")),
        ("POST", format!("{key}/rotate")),
        ("POST", format!("{key}/revoke")),
        ("POST", "/v1/verify".to_owned()),
        ("POST", "/v1/verify?status=true".to_owned()),
        ("POST", "/v1/verify/batch".to_owned()),
        ("POST", "/v1/check".to_owned()),
    ];
    prop::sample::select(targets.to_vec())
}

fn anything() -> impl Strategy<Value = (&'static str, String)> {
    let methods = vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "get", ""];
    let words =
        vec!["users", "keys", "verify", "batch", "self", "check", "flo", "password", "rotate", "%2e", "%"];
    let segment = prop_oneof![prop::sample::select(words).prop_map(str::to_owned), ".{0,8}"];
    let target = (prop::collection::vec(segment, 0..5), ".{0,20}")
        .prop_map(|(segments, query)| format!("/v1/{}?{query}", segments.join("/")));
    (prop::sample::select(methods), target)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_sent_is_answered_with_a_server_error(
        requests in prop::collection::vec(
            (
                prop_oneof![writing(), anything()],
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..60),
                    misplaced().prop_map(|body| body.to_string().into_bytes()),
                ],
            ),
            1..8,
        ),
    ) {
        let api = Api::with_flo();
        for ((method, target), body) in requests {
            let response = api.answer(method, &target, &[], Body::Whole(body));
            prop_assert!(response.status < 500, "{method} {target} gave {}", response.status);
        }
    }

    #[test]
    fn no_refusal_repeats_a_secret((method, target) in writing(), body in misplaced()) {
        let api = Api::with_flo();
        let response = api.answer(method, &target, &[], Body::Whole(body.to_string().into_bytes()));
        let text = String::from_utf8(response.body).unwrap();
        // A user's or key's own fields come back where the request was carried out.
        prop_assert!(response.status < 400 || !text.contains("S3cr3t"), "{method} {target} {body}: {text}");
    }
}
