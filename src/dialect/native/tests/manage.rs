//! Companies, the audit and management over the network, as callers see them.

use serde_json::{Value, json};

use super::{Api, Native};
use crate::http::{Body, Entrance};

#[test]
fn companies_are_added_renamed_and_removed_when_nobody_belongs_to_them() {
    let api = Api::with_flo();
    let id = "faf84d4b-58e0-435c-a4c3-536a00cafabd";
    let missing = api.ask("PATCH", "/v1/users/flo", json!({ "company": id }));
    assert_eq!((missing.0, &missing.1["code"]), (404, &json!("no_such_company")));
    let (status, company) = api.ask("POST", "/v1/companies", json!({ "id": id, "name": "Example" }));
    assert_eq!((status, &company["id"], &company["name"]), (201, &json!(id), &json!("Example")));
    assert_eq!(api.ask("POST", "/v1/companies", json!({ "id": id, "name": "x" })).0, 409);
    assert_eq!(api.ask("PATCH", &format!("/v1/companies/{id}"), json!({ "name": "New" })).1["name"], "New");
    assert_eq!(api.ask("PATCH", "/v1/users/flo", json!({ "company": id })).1["company"], id);
    let (_, members) = api.ask("GET", &format!("/v1/users?company={id}"), Value::Null);
    assert_eq!(members["users"].as_array().unwrap().len(), 2, "flo and the account: {members}");
    let account = format!("/v1/users/company-{id}");
    assert_eq!(api.ask("DELETE", &account, Value::Null).1["code"], "company_account");
    assert_eq!(api.ask("PATCH", &account, json!({ "company": null })).1["code"], "company_account");
    let address = format!("/v1/companies/{id}");
    assert_eq!(api.ask("DELETE", &address, Value::Null).1["code"], "company_not_empty");
    api.ask("PATCH", "/v1/users/flo", json!({ "company": null }));
    assert_eq!(api.ask("DELETE", &address, Value::Null).0, 204);
    assert_eq!(api.ask("GET", &address, Value::Null).0, 404);
    assert_eq!(api.ask("GET", &account, Value::Null).0, 404);
    assert_eq!(api.ask("GET", "/v1/companies", Value::Null).1, json!({ "companies": [], "next": null }));
}

#[test]
fn a_repeated_creation_answers_the_same_key_without_its_text() {
    let api = Api::with_flo();
    let create = |name: &str, body: Value| {
        let headers = [("content-type", "application/json"), ("idempotency-key", name)];
        let response = api.answer("POST", "/v1/keys", &headers, Body::Whole(body.to_string().into_bytes()));
        (response.status, serde_json::from_slice::<Value>(&response.body).unwrap())
    };
    let body = json!({ "keyspace": "native", "owner": "flo" });
    let (status, first) = create("a", body.clone());
    assert!(status == 201 && first["text"].is_string());
    let (status, again) = create("a", body.clone());
    assert_eq!((status, &again["key"]["id"]), (200, &first["key"]["id"]));
    assert!(again.get("text").is_none(), "a text is shown once");
    let other = create("a", json!({ "keyspace": "native", "owner": "flo", "level": 3 }));
    assert_eq!((other.0, &other.1["code"]), (409, &json!("idempotency_key_reused")));
    assert_eq!(create("b", body.clone()).0, 201);
    for name in ["", "two words", "tab\t", &"x".repeat(256)] {
        assert_eq!(create(name, body.clone()).0, 422, "{name:?}");
    }
    api.clock.advance_ms(crate::limits::REQUEST_KEPT_MS);
    assert_eq!(create("a", body).0, 201, "after its time it is a new request");
}

#[test]
fn keys_are_found_by_state_by_prefix_and_all_together() {
    let api = Api::with_flo();
    let (active, text) = api.key(json!({}));
    let (expired, _) = api.key(json!({ "expires_in_seconds": 1 }));
    let (suspended, _) = api.key(json!({ "keyspace": "filebin" }));
    api.ask("POST", &format!("/v1/keys/{suspended}/suspend"), Value::Null);
    let (revoked, _) = api.key(json!({}));
    api.ask("POST", &format!("/v1/keys/{revoked}/revoke"), Value::Null);
    api.clock.advance_ms(1_000);
    let found = |query: &str| -> Vec<String> {
        let (status, page) = api.ask("GET", &format!("/v1/keys?{query}"), Value::Null);
        assert_eq!(status, 200, "{page}");
        let ids = page["keys"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap().to_owned());
        ids.collect()
    };
    for (state, id) in
        [("active", &active), ("expired", &expired), ("suspended", &suspended), ("revoked", &revoked)]
    {
        assert_eq!(found(&format!("owner=flo&state={state}")), [id.as_str()], "{state}");
        assert_eq!(found(&format!("state={state}")), [id.as_str()], "{state}");
    }
    assert_eq!(found(&format!("prefix={}", text.split_at(15).0)), [active]);
    assert_eq!(found("").len(), 4);
    assert_eq!(found("keyspace=filebin"), [suspended]);
    assert_eq!(api.ask("GET", "/v1/keys?state=gone", Value::Null).0, 422);
}

#[test]
fn a_deleted_key_can_be_brought_back_and_the_audit_tells_everything() {
    let api = Api::with_flo();
    let (id, text) = api.key(json!({}));
    let address = format!("/v1/keys/{id}");
    assert_eq!(api.ask("DELETE", &address, Value::Null).0, 204);
    assert_eq!(api.verify(&text)["code"], "unknown");
    let (status, key) = api.ask("POST", &format!("{address}/undelete"), Value::Null);
    assert_eq!((status, &key["id"]), (200, &json!(id)));
    assert_eq!(api.verify(&text)["valid"], true);
    assert_eq!(api.ask("POST", &format!("{address}/undelete"), Value::Null).0, 404);
    let (_, page) = api.ask("GET", "/v1/audit", Value::Null);
    let actions: Vec<_> =
        page["events"].as_array().unwrap().iter().map(|event| event["action"].clone()).collect();
    assert_eq!(actions, ["key_undeleted", "key_deleted", "key_created", "user_added"].map(Value::from));
    let (_, rest) = api.ask("GET", "/v1/audit?after=2&limit=1", Value::Null);
    assert_eq!((&rest["events"][0]["sequence"], &rest["next"]), (&json!(3), &json!("3")));
    assert_eq!(rest["events"][0]["subject"], json!({ "kind": "key", "id": id }));
}

#[test]
fn a_text_is_shown_again_only_where_its_keyspace_lets_administrators_see_it() {
    let api = Api::with_flo();
    for (keyspace, shown) in [("telvue", true), ("bokamera", true), ("filebin", false), ("native", false)] {
        let (id, text) = api.key(json!({ "keyspace": keyspace }));
        let (status, answer) = api.ask("GET", &format!("/v1/keys/{id}/text"), Value::Null);
        assert_eq!(
            (status, answer["text"] == text.as_str()),
            (if shown { 200 } else { 404 }, shown),
            "{answer}"
        );
    }
    let (_, page) = api.ask("GET", "/v1/keyspaces", Value::Null);
    assert_eq!(page["keyspaces"].as_array().unwrap().len(), 6);
    let (_, telvue) = api.ask("GET", "/v1/keyspaces/telvue", Value::Null);
    let expected = json!({
        "name": "telvue", "viewing": "by_administrators", "in_query": true, "issuing": "with_access",
    });
    assert_eq!(telvue, expected);
    assert_eq!(api.ask("GET", "/v1/keyspaces/nowhere", Value::Null).0, 404);
}

#[test]
fn over_the_network_everyone_does_what_they_may() {
    use base64::Engine as _;
    let api = Api::with_flo();
    api.ask("PUT", "/v1/users/flo/password", json!({ "password": "geheim-geheim" }));
    api.ask(
        "POST",
        "/v1/users",
        json!({ "username": "eve", "password": "eve-eve-eve", "role": "administrator" }),
    );
    let (_, low) = api.key(json!({ "level": 2 }));
    let (own, full) = api.key(json!({ "level": 4 }));
    let by = |authorization: &str, method: &str, target: &str, body: Value| {
        let headers = [("content-type", "application/json"), ("authorization", authorization)];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let entrance = Entrance::Network { peer: "198.51.100.1".parse().unwrap() };
        let native = Native::for_everyone(false);
        let answer = api.answer_by(native, entrance, method, target, &headers, Body::Whole(body));
        (answer.status, serde_json::from_slice::<Value>(&answer.body).unwrap_or_default())
    };
    let basic = |login: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login));
    let (flo, eve) = (basic("flo:geheim-geheim"), basic("eve:eve-eve-eve"));
    for nobody in ["", "Bearer x", &basic("nobody:x"), "Digest x"] {
        for target in ["/v1/users", "/v1/keys", "/v1/audit", "/v1/companies", "/v1/keyspaces"] {
            assert_eq!(by(nobody, "GET", target, Value::Null).0, 401, "{nobody} {target}");
        }
    }
    assert_eq!(by(&basic("flo:wrong"), "GET", "/v1/users", Value::Null).0, 401);
    let (status, page) = by(&flo, "GET", "/v1/keys", Value::Null);
    assert_eq!((status, page["keys"].as_array().unwrap().len()), (200, 2), "one's own, if nobody is named");
    assert_eq!(by(&format!("Bearer {low}"), "GET", "/v1/keys", Value::Null).1["code"], "level_too_low");
    let by_key = format!("Bearer {full}");
    let (status, created) = by(&by_key, "POST", "/v1/keys", json!({ "keyspace": "native", "level": 4 }));
    assert_eq!((status, &created["key"]["owner"]), (201, &json!("flo")));
    let above = by(&by_key, "POST", "/v1/keys", json!({ "keyspace": "native", "level": 5 }));
    assert_eq!(above.1["code"], "level_above_own");
    assert_eq!(by(&basic(&format!("{full}:")), "GET", "/v1/users/flo", Value::Null).0, 200);
    for target in ["/v1/users", "/v1/audit", "/v1/companies"] {
        assert_eq!(by(&flo, "GET", target, Value::Null).0, 403, "{target}");
        assert_eq!(by(&eve, "GET", target, Value::Null).0, 200, "{target}");
    }
    assert_eq!(by(&flo, "GET", "/v1/users/eve", Value::Null).0, 404);
    assert_eq!(by(&flo, "GET", "/v1/keyspaces", Value::Null).0, 200);
    assert_eq!(by(&eve, "DELETE", &format!("/v1/keys/{own}"), Value::Null).0, 204);
    assert_eq!(by(&by_key, "GET", "/v1/keys", Value::Null).0, 401, "and then it is nobody's");
}

#[test]
fn what_is_for_the_owner_of_the_machine_is_nowhere_on_the_network() {
    let api = Api::with_flo();
    api.ask("PATCH", "/v1/users/flo", json!({ "role": "administrator" }));
    let (_, text) = api.key(json!({ "level": 8 }));
    let bearer = format!("Bearer {text}");
    for (method, path) in [("POST", "/v1/backup"), ("GET", "/v1/peppers"), ("POST", "/v1/clock/accept")] {
        assert_eq!(api.ask(method, path, Value::Null).0, 200, "{path}");
        for entrance in [Entrance::Local, Entrance::Network { peer: "192.0.2.1".parse().unwrap() }] {
            let headers = [("authorization", bearer.as_str())];
            let everyone = Native::for_everyone(true);
            let answer = api.answer_by(everyone, entrance, method, path, &headers, Body::Whole(Vec::new()));
            assert_eq!(answer.status, 404, "{path}");
        }
    }
}
