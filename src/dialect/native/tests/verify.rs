//! Verifying for others and a look at one's own key, as callers see them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Api, Native};
use crate::dialect::{Dialect as _, TryAnswer};
use crate::http::{Body, Entrance, RawRequest, RawResponse};

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

impl Api {
    /// What everyone gets to a `POST` through a local entrance.
    fn post(&self, target: &str, headers: &[(&str, &str)], body: &str) -> RawResponse {
        let body = Body::Whole(body.as_bytes().to_vec());
        self.answer_by(Native::for_everyone(false), Entrance::Local, "POST", target, headers, body)
    }

    fn own(&self, target: &str, headers: &[(&str, &str)]) -> RawResponse {
        let body = Body::Whole(Vec::new());
        self.answer_by(Native::for_everyone(false), Entrance::Local, "GET", target, headers, body)
    }
}

fn read(response: &RawResponse) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

fn field<'a>(response: &'a RawResponse, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(field, _)| *field == name).map(|(_, value)| &**value)
}

#[test]
fn a_key_is_asked_about_in_json_in_a_form_or_in_the_header_fields() {
    let api = Api::with_flo();
    let (_, text) = api.key(json!({ "level": 3, "allowlist": "10.0.0.0/8" }));
    let json = json!({ "key": text, "keyspace": "native", "address": "10.1.1.1", "level": 3, "cost": 0 });
    let permission = json!({ "key": text, "address": "10.1.1.1", "permission": "write-some" });
    let form = format!("key={text}&address=10.1.1.1&permission=write-some&cost=2");
    let multipart = format!(
        "--B\r\nContent-Disposition: form-data; name=key\r\n\r\n{text}\r\n\
         --B\r\nContent-Disposition: form-data; name=address\r\n\r\n10.1.1.1\r\n--B--\r\n"
    );
    let bearer = format!("Bearer {text}");
    for (headers, body) in [
        (&[JSON][..], json.to_string()),
        (&[], json.to_string()),
        (&[JSON], permission.to_string()),
        (&[JSON], permission.to_string().replacen('k', "\\u006b", 2)),
        (&[FORM], form),
        (&[("content-type", "multipart/form-data; boundary=B")], multipart),
        (&[("authorization", &bearer), FORM], "address=10.1.1.1".to_owned()),
        (&[("x-api-key", &text), JSON], permission.to_string()),
    ] {
        let response = api.post("/v1/verify", headers, &body);
        assert_eq!((response.status, &read(&response)["code"]), (200, &json!("valid")), "{body}");
    }
    let nobody = api.post("/v1/verify", &[("x-api-key", &text)], "");
    assert_eq!(read(&nobody)["code"], "address_not_allowed", "an address that is not told is unknown");
    assert_eq!(read(&api.post("/v1/verify", &[], "")), json!({ "valid": false, "code": "no_key" }));
    for (headers, body, status) in [
        (&[FORM][..], "key=x&levle=2", 422),
        (&[FORM], "key[]=x", 422),
        (&[FORM], "key=x&level=two", 422),
        (&[("content-type", "text/plain")], "key=x", 415),
        (&[JSON, ("x-api-key", "y")], r#"{"key":"x"}"#, 400),
        (&[("x-api-key", "y"), ("authorization", "x")], "", 400),
    ] {
        assert_eq!(api.post("/v1/verify", headers, body).status, status, "{body}");
    }
}

#[test]
fn what_is_left_of_a_rate_limit_is_told() {
    let api = Api::with_flo();
    let limit = json!([{ "count": 2, "seconds": 60 }, { "name": "day", "count": 100, "seconds": 86_400, "burst": 4 }]);
    let (_, text) = api.key(json!({ "rate_limits": limit }));
    let ask = |target: &str, more: &str| api.post(target, &[], &format!(r#"{{"key":"{text}"{more}}}"#));
    let first = read(&ask("/v1/verify", ""));
    let quota = json!({ "name": "default", "count": 2, "seconds": 60, "burst": 2, "remaining": 1, "reset_seconds": 30 });
    assert_eq!(first["rate_limit"], quota);
    let second = ask("/v1/verify?status=true", "");
    assert_eq!(field(&second, "ratelimit-policy"), Some(r#""default";q=2;w=60"#));
    assert_eq!(field(&second, "ratelimit"), Some(r#""default";r=0;t=60"#));
    assert_eq!(read(&second)["rate_limit"]["remaining"], 0);

    let over = read(&ask("/v1/verify", ""));
    assert_eq!((&over["valid"], &over["code"]), (&json!(false), &json!("rate_limited")));
    assert_eq!((&over["rate_limit"]["remaining"], &over["retry_after_seconds"]), (&json!(0), &json!(30)));
    let over = ask("/v1/verify?status=true", "");
    assert_eq!((over.status, field(&over, "retry-after")), (429, Some("30")));
    assert_eq!(field(&over, "ratelimit"), Some(r#""default";r=0;t=60"#));
    assert_eq!(read(&over)["code"], "rate_limited");
    let never = ask("/v1/verify?status=true", r#","cost":3"#);
    assert_eq!((never.status, field(&never, "retry-after")), (429, None));

    let misspelt = read(&ask("/v1/verify", r#","limit":"dya""#));
    assert_eq!(misspelt, json!({ "valid": false, "code": "no_such_limit" }));
    let misspelt = ask("/v1/verify?status=true", r#","limit":"dya""#);
    assert_eq!((misspelt.status, &read(&misspelt)["code"]), (403, &json!("no_such_limit")));
    let day = read(&ask("/v1/verify", r#","limit":"day""#));
    assert_eq!((&day["valid"], &day["rate_limit"]["name"]), (&json!(true), &json!("day")));
    assert_eq!(read(&ask("/v1/verify", r#","cost":0"#))["valid"], true, "looking costs nothing");
    assert_eq!(api.own("/v1/self", &[("authorization", &text)]).status, 200, "nor does looking at oneself");
}

#[test]
fn a_status_says_no_more_than_may_be_told() {
    let api = Api::with_flo();
    let (id, suspended) = api.key(json!({ "level": 4 }));
    api.ask("POST", &format!("/v1/keys/{id}/suspend"), Value::Null);
    let (_, good) = api.key(json!({ "level": 2, "allowlist": "10.0.0.0/8" }));
    let filebin = json!({ "keyspace": "filebin", "owner": "flo" });
    let filebin = api.ask("POST", "/v1/keys", filebin).1["text"].as_str().unwrap().to_owned();
    let ask = |key: &str, more: &str| {
        api.post("/v1/verify?status=true", &[], &format!(r#"{{"key":"{key}"{more}}}"#))
    };
    assert_eq!(ask(&good, r#","address":"10.0.0.1""#).status, 200);
    let mut unknown = good.clone().into_bytes();
    unknown.swap(20, 21);
    let unknown = ask(std::str::from_utf8(&unknown).unwrap(), "");
    assert_eq!((unknown.status, &read(&unknown)["code"]), (401, &json!("invalid_token")));
    let challenge = r#"Bearer realm="keyward", error="invalid_token""#;
    assert_eq!(field(&unknown, "www-authenticate"), Some(challenge));
    for key in ["", "nonsense", &suspended, &filebin, &good] {
        assert!(ask(key, "") == unknown, "{:?}", ask(key, ""));
    }
    let own = api.own("/v1/self", &[("x-api-key", &suspended)]);
    assert!(own == unknown, "{own:?}");

    let low = ask(&good, r#","address":"10.0.0.1","permission":"write""#);
    let challenge = r#"Bearer realm="keyward", error="insufficient_scope", scope="write""#;
    assert_eq!((low.status, field(&low, "www-authenticate")), (403, Some(challenge)));
    let none = api.post("/v1/verify?status=true", &[], "");
    assert_eq!((none.status, field(&none, "www-authenticate")), (401, Some(r#"Bearer realm="keyward""#)));
    for response in [unknown, low, none] {
        assert_eq!(field(&response, "content-type"), Some("application/problem+json"));
        assert_eq!(field(&response, "cache-control"), Some("no-store"));
        assert_eq!(read(&response)["status"], response.status);
    }
}

#[test]
fn a_batch_is_answered_key_by_key() {
    let api = Api::with_flo();
    let (_, text) = api.key(json!({ "level": 2 }));
    let body = json!({ "keys": [
        { "key": text, "level": 2 }, { "key": text, "level": 3 }, { "key": "x" }, { "key": 7 }, {}, "x",
        { "key": text, "keyspace": "nowhere" }, { "key": text },
    ] });
    let response = api.post("/v1/verify/batch", &[JSON], &body.to_string());
    let answer = read(&response);
    let codes: Vec<_> = answer["results"].as_array().unwrap().iter().map(|result| &result["code"]).collect();
    let expected =
        ["valid", "level_too_low", "malformed", "invalid", "invalid", "invalid", "no_such_keyspace", "valid"];
    assert_eq!((response.status, codes), (200, expected.map(Value::from).iter().collect()));
    let many = |count: usize| json!({ "keys": vec![json!({ "key": text }); count] }).to_string();
    let full = read(&api.post("/v1/verify/batch", &[], &many(1_000)));
    assert_eq!(full["results"].as_array().unwrap().len(), 1_000);
    assert!(full["results"].as_array().unwrap().iter().all(|result| result["valid"] == true));
    assert_eq!(api.post("/v1/verify/batch", &[], &many(1_001)).status, 422);
    assert_eq!(read(&api.post("/v1/verify/batch", &[], &many(0))), json!({ "results": [] }));
    assert_eq!(api.post("/v1/verify/batch", &[FORM], "keys[]=x").status, 415);
}

#[test]
fn a_caller_looks_at_their_own_key_whatever_its_level() {
    let api = Api::with_flo();
    let (id, text) = api.key(json!({ "level": 0, "comment": "ci" }));
    let answer = api.own("/v1/self", &[("authorization", &format!("Bearer {text}"))]);
    let own = read(&answer);
    assert_eq!((answer.status, &own["valid"], &own["key_id"]), (200, &json!(true), &json!(id)));
    assert_eq!((&own["key"]["comment"], &own["key"]["usage"]["count"]), (&json!("ci"), &json!(1)));
    assert_eq!((&own["user"], &own["key"]["owner"]), (&json!("flo"), &json!("flo")));
    assert!(!own.to_string().contains(text.split_at(15).1));
    let telvue = json!({ "keyspace": "telvue", "owner": "flo" });
    let telvue = api.ask("POST", "/v1/keys", telvue).1["text"].as_str().unwrap().to_owned();
    assert_eq!(api.own(&format!("/v1/self?keyspace=telvue&api_key={telvue}"), &[]).status, 200);
    assert_eq!(api.own(&format!("/v1/self?api_key={text}"), &[]).status, 401);
    assert_eq!(api.own("/v1/self", &[("authorization", &text), ("x-api-key", "x")]).status, 400);
}

#[test]
fn others_than_the_owner_of_the_machine_get_three_addresses_and_need_a_service_key() {
    let api = Api::with_flo();
    for target in ["/v1/users", "/v1/keys?owner=flo", "/v1/check", "/v1/users/flo", "/v1/users/nobody", "/v1"]
    {
        for method in ["GET", "POST", "PATCH", "PUT", "DELETE"] {
            let body = Body::Whole(b"{}".to_vec());
            let answer =
                api.answer_by(Native::for_everyone(true), Entrance::Local, method, target, &[], body);
            let expected = if target == "/v1" { 404 } else { 401 };
            assert_eq!(answer.status, expected, "{method} {target}");
        }
    }
    api.ask("PATCH", "/v1/users/flo", json!({ "role": "support" }));
    let (_, good) = api.key(json!({}));
    let (_, service) = api.key(json!({ "level": 7 }));
    let entrance = Entrance::Network { peer: "198.51.100.1".parse().unwrap() };
    let body = json!({ "key": good }).to_string();
    let ask = |native: Native, target: &str, service_key: &str| {
        let body = if target.ends_with("batch") { format!(r#"{{"keys":[{body}]}}"#) } else { body.clone() };
        let headers = [JSON, ("x-service-key", service_key)];
        api.answer_by(native, entrance, "POST", target, &headers, Body::Whole(body.into_bytes()))
    };
    for target in ["/v1/verify", "/v1/verify?status=true", "/v1/verify/batch"] {
        assert_eq!(ask(Native::for_everyone(false), target, &service).status, 200);
        assert_eq!(ask(Native::for_everyone(true), target, "").status, 200);
        for wrong in ["", "x", &good] {
            let refused = ask(Native::for_everyone(false), target, wrong);
            assert_eq!((refused.status, &read(&refused)["code"]), (401, &json!("service_key_needed")));
            assert_eq!(field(&refused, "www-authenticate"), Some(r#"Bearer realm="keyward""#));
        }
    }
    let headers = [("authorization", good.as_str())];
    let own = api.answer_by(
        Native::for_everyone(false),
        entrance,
        "GET",
        "/v1/self",
        &headers,
        Body::Whole(Vec::new()),
    );
    assert_eq!(own.status, 200, "one's own key is no secret to oneself");
}

#[test]
fn verifying_is_answered_at_once_and_the_rest_is_not() {
    let api = Api::with_flo();
    let (_, text) = api.key(json!({}));
    let request = |path: &str, body: &str| RawRequest {
        method: "POST".to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers: Vec::new(),
        client: None,
        entrance: Entrance::Local,
        body: Body::Whole(body.as_bytes().to_vec()),
    };
    let native = Native::for_everyone(false);
    let asked = request("/v1/verify", &json!({ "key": text }).to_string());
    assert!(matches!(native.try_answer(&api.service, &asked.head(), None), TryAnswer::WantsBody));
    let TryAnswer::Answer(answer) = native.try_answer(&api.service, &asked.head(), Some(&asked.body)) else {
        panic!("it waits")
    };
    assert!(answer == native.answer(&api.service, &asked));
    let large = request("/v1/verify", &" ".repeat(crate::limits::VERIFY_AT_ONCE_BYTES_MAX + 1));
    assert!(matches!(
        native.try_answer(&api.service, &large.head(), Some(&large.body)),
        TryAnswer::WouldBlock
    ));
    let own = request("/v1/self", "");
    assert!(matches!(native.try_answer(&api.service, &own.head(), None), TryAnswer::WouldBlock));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_to_verify_is_our_fault(
        path in "/v1/(verify|verify/batch|self)",
        query in "(status=true|status=.{0,5}|api_key=x|.{0,20})",
        content_type in "(application/json|application/x-www-form-urlencoded|multipart/form-data; boundary=B|.{0,20})",
        authorization in ".{0,30}",
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            r#"\{"(key|keys|level|cost|address)":(\[\{"key":"x"\}\]|"[^"]{0,9}"|[0-9]{1,3}|null)\}"#
                .prop_map(String::into_bytes),
            "(key|level|cost|permission)(=|\\[\\]=)[a-z0-9&=]{0,20}".prop_map(String::into_bytes),
        ],
        network: bool,
    ) {
        let api = Api::with_flo();
        let entrance = if network {
            Entrance::Network { peer: "192.0.2.1".parse().unwrap() }
        } else {
            Entrance::Local
        };
        let headers = [("content-type", content_type.as_str()), ("authorization", authorization.as_str())];
        for method in ["POST", "GET"] {
            let body = Body::Whole(body.clone());
            let target = format!("{path}?{query}");
            let answer =
                api.answer_by(Native::for_everyone(false), entrance, method, &target, &headers, body);
            prop_assert!(answer.status < 500, "{method} {path}: {answer:?}");
        }
    }
}
