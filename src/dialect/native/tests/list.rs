//! Lists in pages, as callers see them: whose they are, what is left out, and where they go on.

use base64::Engine as _;
use serde_json::{Value, json};

use super::{Api, Native};
use crate::http::{Body, Entrance};

impl Api {
    fn list(&self, target: &str) -> (u16, Value) {
        self.ask("GET", target, Value::Null)
    }

    /// Lists over the network, with login name and password.
    fn list_as(&self, name: &str, target: &str) -> Value {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{PASSWORD}"));
        let headers = [("authorization", format!("Basic {basic}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let entrance = Entrance::Network { peer: "198.51.100.1".parse().unwrap() };
        let native = Native::for_everyone(false);
        let answer = self.answer_by(native, entrance, "GET", target, &headers, Body::Whole(Vec::new()));
        assert_eq!(answer.status, 200, "{name} {target}");
        serde_json::from_slice(&answer.body).unwrap()
    }
}

const PASSWORD: &str = "correct horse";

fn owners(page: &Value) -> Vec<&str> {
    page["keys"].as_array().unwrap().iter().map(|key| key["owner"].as_str().unwrap()).collect()
}

#[test]
fn an_expired_key_says_so_wherever_it_is_shown() {
    let api = Api::with_flo();
    let (id, _) = api.key(json!({ "expires_in_seconds": 60 }));
    let address = format!("/v1/keys/{id}");
    let states =
        || [&api.list(&address).1["state"], &api.list("/v1/keys").1["keys"][0]["state"]].map(Value::clone);
    assert_eq!(states(), ["active", "active"]);
    api.clock.advance_ms(60_000);
    assert_eq!(states(), ["expired", "expired"]);
    let changed = api.ask("PATCH", &address, json!({ "comment": "late" })).1;
    assert_eq!(changed["state"], "expired");
    assert_eq!(api.ask("POST", &format!("{address}/suspend"), Value::Null).1["state"], "suspended");
}

#[test]
fn a_filter_is_applied_before_the_page_is_cut_and_the_last_page_says_so() {
    let api = Api::with_flo();
    let ids: Vec<String> = (0..7).map(|_| api.key(json!({})).0).collect();
    for old in [&ids[0], &ids[1]] {
        api.ask("POST", &format!("/v1/keys/{old}/revoke"), Value::Null);
    }
    for owner in ["", "owner=flo&"] {
        let (_, page) = api.list(&format!("/v1/keys?{owner}state=revoked&limit=2"));
        let found: Vec<_> = page["keys"].as_array().unwrap().iter().map(|key| key["id"].clone()).collect();
        assert_eq!((found, &page["next"]), (vec![json!(ids[1]), json!(ids[0])], &Value::Null));
        let (_, page) = api.list(&format!("/v1/keys?{owner}state=active&limit=5"));
        assert_eq!((owners(&page).len(), &page["next"]), (5, &Value::Null), "full, and the last");
        let (_, page) = api.list(&format!("/v1/keys?{owner}state=active&limit=3"));
        let next = page["next"].as_str().unwrap();
        let (_, rest) = api.list(&format!("/v1/keys?{owner}state=active&limit=3&after={next}"));
        assert_eq!((owners(&rest).len(), &rest["next"]), (2, &Value::Null));
        for other in ["", "state=revoked&", "state=active&keyspace=native&", "state=active&owner=eve&"] {
            let (status, problem) = api.list(&format!("/v1/keys?{other}after={next}"));
            let refused = (status, problem["code"].as_str());
            assert!(matches!(refused, (400, Some("wrong_cursor")) | (404, _)), "{other}: {problem}");
        }
    }
}

#[test]
fn without_an_owner_everyone_lists_what_they_may() {
    let api = Api::with_flo();
    let company = api.ask("POST", "/v1/companies", json!({ "name": "One" })).1["id"].clone();
    for (name, role, company) in [
        ("mod", "moderator", &company),
        ("member", "user", &company),
        ("boss", "administrator", &company),
        ("admin", "administrator", &Value::Null),
    ] {
        let user = json!({ "username": name, "role": role, "company": company, "password": PASSWORD });
        assert_eq!(api.ask("POST", "/v1/users", user).0, 201, "{name}");
        assert_eq!(api.ask("POST", "/v1/keys", json!({ "keyspace": "native", "owner": name })).0, 201);
    }
    api.key(json!({}));
    for (name, seen) in [
        ("member", &["member"][..]),
        ("mod", &["mod", "member"]),
        ("boss", &["flo", "mod", "member", "boss", "admin"]),
        ("admin", &["flo", "mod", "member", "boss", "admin"]),
    ] {
        let page = api.list_as(name, "/v1/keys");
        assert_eq!(owners(&page), seen, "{name}");
        let prefix = page["keys"][0]["prefix"].as_str().unwrap();
        let found = api.list_as(name, &format!("/v1/keys?prefix={prefix}"));
        assert_eq!(owners(&found), seen[..1], "{name}");
    }
    assert_eq!(owners(&api.list("/v1/keys").1).len(), 5);
    assert_eq!(owners(&api.list_as("admin", "/v1/keys?owner=admin")), ["admin"]);
    let flo = api.list("/v1/keys?owner=flo").1["keys"][0]["prefix"].clone();
    let hidden = api.list_as("mod", &format!("/v1/keys?prefix={}", flo.as_str().unwrap()));
    assert_eq!(owners(&hidden), [""; 0], "not the company's");
}

fn sequences(page: &Value) -> Vec<u64> {
    page["events"].as_array().unwrap().iter().map(|event| event["sequence"].as_u64().unwrap()).collect()
}

#[test]
fn the_audit_comes_newest_first_and_after_a_number_by_rising_numbers() {
    let api = Api::with_flo();
    let (key, _) = api.key(json!({}));
    api.key(json!({}));
    api.clock.advance_ms(60_000);
    api.ask("PATCH", &format!("/v1/keys/{key}"), json!({ "level": 3 }));
    api.ask("POST", "/v1/users", json!({ "username": "eve" }));
    let list = |query: &str| api.list(&format!("/v1/audit?{query}"));
    let (_, first) = list("limit=3");
    assert_eq!(sequences(&first), [5, 4, 3]);
    let next = first["next"].as_str().unwrap();
    let (_, rest) = list(&format!("limit=3&after={next}"));
    assert_eq!((sequences(&rest), &rest["next"]), (vec![2, 1], &Value::Null));
    let (_, rising) = list("after=0&limit=2");
    assert_eq!((sequences(&rising), &rising["next"]), (vec![1, 2], &json!("2")));
    assert_eq!(list("after=2&limit=3").1["next"], Value::Null, "full, and the last");
    for (filter, found) in [
        ("user=flo", &[4, 3, 2, 1][..]),
        ("user=eve", &[5]),
        ("user=1", &[4, 3, 2, 1]),
        ("action=key_created", &[3, 2]),
        (&format!("key={key}"), &[4, 2]),
        ("since=2026-01-01T00:00:30Z", &[5, 4]),
        ("until=2026-01-01T00:00:30Z", &[3, 2, 1]),
        ("since=2027-01-01", &[]),
        ("user=flo&action=key_updated", &[4]),
    ] {
        assert_eq!(sequences(&list(filter).1), found, "{filter}");
        let rising: Vec<_> = found.iter().rev().copied().collect();
        assert_eq!(sequences(&list(&format!("after=0&{filter}")).1), rising, "{filter}");
    }
    let refused = |query: &str| list(query).1["code"].clone();
    for (query, code) in [
        (format!("user=flo&after={next}").as_str(), "wrong_cursor"),
        ("after=p00", "wrong_cursor"),
        ("action=exploded", "invalid"),
        ("since=yesterday", "invalid"),
        ("user=nobody", "no_such_user"),
    ] {
        assert_eq!(refused(query), code, "{query}");
    }
    let (_, page) = list("action=key_updated");
    let event = &page["events"][0];
    assert_eq!(event["changes"], json!([{ "field": "level", "old": "2", "new": "3" }]));
    assert_eq!(
        (&event["by"], &event["times"], &event["reason"]),
        (&json!("operator"), &json!(1), &Value::Null)
    );
}

#[test]
fn whose_a_key_was_is_known_after_it_went() {
    let api = Api::with_flo();
    let (key, _) = api.key(json!({}));
    api.ask("DELETE", &format!("/v1/keys/{key}"), Value::Null);
    assert_eq!(sequences(&api.list("/v1/audit?user=flo").1), [3, 2, 1]);
    api.ask("DELETE", "/v1/users/flo", Value::Null);
    assert_eq!(sequences(&api.list("/v1/audit?user=1").1), [4, 3, 2, 1]);
}

#[test]
fn users_and_companies_come_in_full_pages_and_each_list_has_its_own_cursors() {
    let api = Api::with_flo();
    let company = api.ask("POST", "/v1/companies", json!({ "name": "One" })).1["id"].clone();
    api.ask("POST", "/v1/companies", json!({ "name": "Two" }));
    for name in ["ann", "bob", "cid"] {
        api.ask("POST", "/v1/users", json!({ "username": name, "company": company }));
    }
    let company = company.as_str().unwrap();
    let lists =
        ["users".to_owned(), format!("users?company={company}"), "companies".to_owned(), "keys".to_owned()];
    api.key(json!({}));
    api.key(json!({}));
    let address =
        |list: &str, more: &str| format!("/v1/{list}{}{more}", if list.contains('?') { '&' } else { '?' });
    let mut cursors = Vec::new();
    for (list, count) in lists.iter().zip([6, 4, 2, 2]) {
        let name = list.split('?').next().unwrap();
        let (mut seen, mut pages, mut after) = (Vec::new(), 0, String::new());
        loop {
            let (status, page) = api.list(&address(list, &format!("limit=2{after}")));
            assert_eq!((status, page[name].as_array().unwrap().len()), (200, 2), "{list}: {page}");
            seen.extend(page[name].as_array().unwrap().iter().map(|record| record["id"].to_string()));
            pages += 1;
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        seen.sort();
        seen.dedup();
        assert_eq!((seen.len(), pages), (count, count / 2), "{list}");
        let (_, page) = api.list(&address(list, "limit=1"));
        cursors.push(page["next"].as_str().unwrap().to_owned());
    }
    for (at, list) in lists.iter().enumerate() {
        for (of, cursor) in cursors.iter().enumerate() {
            let (status, answer) = api.list(&address(list, &format!("after={cursor}")));
            assert_eq!(
                status,
                if at == of { 200 } else { 400 },
                "{list} with that of {}: {answer}",
                lists[of]
            );
        }
        for wrong in ["1", "x", "p", &cursors[at].replace('p', "")] {
            let (status, problem) = api.list(&address(list, &format!("after={wrong}")));
            assert_eq!((status, &problem["code"]), (400, &json!("wrong_cursor")), "{list} after {wrong}");
        }
    }
}
