//! filebin's `/user` API.

use std::cell::{Cell, RefCell};

use keyward::dialect::filebin::encode;
use keyward::dialect::{Dialect as _, Filebin};
use keyward::engine::EngineError;
use keyward::http::{Body, RawRequest};
use keyward::key::{Keyspace, Level};
use keyward::limits;
use proptest::prelude::*;

use crate::transcript::Peer as _;
use crate::world::{CLIENT, World, form_request, transcripts};

const SITE: &str = "http://127.0.0.1:23200";

fn world() -> World {
    World::of(Filebin::new(SITE), Keyspace::FILEBIN)
}

transcripts! {
    "filebin", world();
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
    let mut world = world();
    for nth in 0..limits::PAGE_MAX {
        world.create(&format!("more{nth}"), "test", Level::AUTHENTICATE);
    }
    let body = format!("apikey={}", world.texts["full"]);
    let response = world.answer(&post("/api/v2/user/apikeys", &body));
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["data"]["apikeys"].as_object().unwrap().len(), limits::PAGE_MAX + 3);
}

#[test]
fn a_key_that_may_be_used_from_fewer_places_lists_no_text_that_is_good_elsewhere() {
    let mut world = world();
    world.act("allow full 192.0.2.0/24");
    let full = world.texts["full"].clone();
    let request = post("/api/v2/user/apikeys", &format!("apikey={full}"));
    let response = world.answer(&RawRequest { client: Some(CLIENT), ..request });
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let listed: Vec<_> = body["data"]["apikeys"].as_object().unwrap().keys().collect();
    assert_eq!(listed, [&full]);
}

#[test]
fn the_site_address_ends_in_one_slash() {
    let world = world();
    for site in ["https://keys.example.org", "https://keys.example.org/"] {
        let response = Filebin::new(site).answer(&world.service, &post("/api/v2/user/apikeys", ""));
        let body = String::from_utf8(response.body).unwrap();
        assert!(body.contains("homepage at https://keys.example.org/ for"), "{body}");
    }
}

fn post(path: &str, body: &str) -> RawRequest {
    form_request("POST", path, "", Body::Whole(body.as_bytes().to_vec()))
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

/// Bodies that look like forms with the fields of the API; `KEY` and `LOW` are replaced by real keys.
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
    let world = RefCell::new(world());
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
            ..post(&path, "")
        };
        let response = world.borrow().answer(&request);
        let odd = !["POST", "GET", "DELETE"].contains(&method);
        prop_assert!(if odd { response.status == 405 } else { matches!(response.status, 200 | 400 | 404) }, "{response:?}");
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
