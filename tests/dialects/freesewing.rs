//! FreeSewing's API.

use keyward::dialect::{Dialect as _, FreeSewing};
use keyward::http::{Body, Entrance, RawRequest};
use keyward::key::Keyspace;
use proptest::prelude::*;

use crate::world::{World, field, transcripts};

fn world() -> World {
    World::of(FreeSewing, Keyspace::FREESEWING)
}

transcripts! {
    "freesewing", world();
    story: 22,
    signin: 18,
    create: 47,
    refusals: 34,
    life: 28,
}

fn any_path() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "/signin", "/apikeys/jwt", "/apikeys/key", "/whoami/key", "/whoami/jwt", "/account/key",
            "/apikeys/7ea12968-7758-40b6-8c73-75cc99be762b/key",
        ]).prop_map(str::to_owned),
        1 => "/(signin|account|whoami|apikeys/x)/[^/].{0,20}",
    ]
}

fn any_body() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "null",
        "true",
        "false",
        "0",
        "1",
        "4",
        "4.0",
        "2.5",
        "-1",
        "9",
        "1e20",
        "-5",
        "\"\"",
        "\"4\"",
        "[]",
        "{}",
        "\"a\\u0000b\"",
        "31536000",
        "31536001",
        "0.0001",
    ]);
    let member = prop::sample::select(vec!["name", "level", "expiresIn", "username", "password", "other"]);
    let object = prop::collection::vec((member, value), 0..5).prop_map(|members| {
        // The last one of a name counts.
        let members: String = members.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
        format!(r#"{{"name":"a","level":1,"expiresIn":60{members}}}"#)
    });
    prop_oneof![8 => object, 1 => ".{0,40}"]
}

#[test]
fn every_answer_is_json_in_its_own_shape_whatever_is_asked() {
    use base64::Engine as _;
    let world = world();
    let (path, body) = (any_path(), any_body());
    let method = prop::sample::select(vec!["GET", "POST", "POST", "DELETE", "HEAD", "PUT", "OPTIONS"]);
    let key = prop::sample::select(vec!["full", "full", "full", "apikey", "basic"]);
    let created = std::cell::Cell::new(0);
    let inputs = (method, path, body, key, "(Basic|Bearer|Digest)? ?.{0,10}", 0..5_u8);
    proptest!(ProptestConfig::with_cases(3_000), |((method, path, body, key, odd, which) in inputs)| {
        let basic = base64::engine::general_purpose::STANDARD.encode(&world.texts[key]);
        let authorization = if which == 0 { odd } else { format!("Basic {basic}") };
        let ask = RawRequest {
            method: method.to_owned(),
            path,
            query: String::new(),
            headers: vec![
                ("content-type".to_owned(), b"application/json".to_vec()),
                ("authorization".to_owned(), authorization.into_bytes()),
            ],
            client: None,
            entrance: Entrance::Local,
            body: Body::Whole(body.into_bytes()),
        };
        prop_assert!(FreeSewing.claims(&ask.path));
        let answer = world.answer(&ask);
        prop_assert!(matches!(answer.status, 200 | 201 | 204 | 400 | 401 | 403 | 404 | 405), "{answer:?}");
        prop_assert_eq!(field(&answer, "access-control-allow-origin"), Some("*"));
        if answer.status != 204 {
            prop_assert_eq!(field(&answer, "content-type"), Some("application/json; charset=utf-8"));
            let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            prop_assert_eq!(json["result"] == "success", answer.status < 300);
            prop_assert_eq!(json["error"].is_string(), answer.status >= 400, "{}", json);
        }
        prop_assert_eq!(field(&answer, "allow").is_some(), answer.status == 405);
        prop_assert_eq!(field(&answer, "www-authenticate").is_some(), answer.status == 401);
        created.set(created.get() + u32::from(answer.status == 201));
    });
    assert!(created.get() > 0, "nothing reached past the refusals");
}

#[test]
fn bodies_that_did_not_come_are_told_apart() {
    let world = world();
    let ask = |body| {
        let request = RawRequest {
            method: "POST".to_owned(),
            path: "/signin".to_owned(),
            query: String::new(),
            headers: Vec::new(),
            client: None,
            entrance: Entrance::Local,
            body,
        };
        world.answer(&request).status
    };
    assert_eq!((ask(Body::TooLarge), ask(Body::Incomplete)), (413, 400));
}

#[test]
fn the_documented_example_works_with_axios() {
    let wire = crate::wire::Wire::to(world());
    crate::clients::run_script("freesewing.mjs", "axios", wire.address);
}
