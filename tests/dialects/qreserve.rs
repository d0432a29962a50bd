//! QReserve's API.

use keyward::dialect::{Dialect as _, QReserve};
use keyward::http::{Body, Entrance, RawRequest};
use keyward::key::Keyspace;
use proptest::prelude::*;

use crate::world::{World, field, transcripts};

fn world() -> World {
    World::of(QReserve, Keyspace::QRESERVE)
}

transcripts! {
    "qreserve", world();
    calls: 9,
    refusals: 30,
    bots: 50,
    addresses: 39,
}

fn ask(method: &str, path: &str, key: &str, body: Body) -> RawRequest {
    RawRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers: vec![
            ("content-type".to_owned(), b"application/json".to_vec()),
            ("authorization".to_owned(), key.as_bytes().to_vec()),
        ],
        client: None,
        entrance: Entrance::Local,
        body,
    }
}

#[test]
fn every_answer_is_in_the_envelope_whatever_is_asked() {
    use crate::transcript::Peer as _;
    let mut world = world();
    for what in ["role bot-full administrator", "level full 8"] {
        world.act(what);
    }
    let path = prop_oneof![
        4 => prop::sample::select(vec![
            "/", "/users/self", "/sites/main/bots", "/sites/main/bots/4", "/sites/main/bots/4/api_key",
            "/sites/main/bots/4/api_key/ip_addresses", "/sites/main/bots/1",
            "/sites/7ea12968-7758-40b6-8c73-75cc99be762b/bots",
        ]).prop_map(str::to_owned),
        1 => "/(users|sites)/.{0,20}",
    ];
    let body = prop::sample::select(vec![
        "{}",
        "",
        "[]",
        "{\"role\":\"user\"}",
        "{\"role\":7}",
        "{\"display_name\":\"\"}",
        "{\"display_name\":\"B\"}",
        "{\"ip_addresses\":\"\"}",
        "{\"ip_addresses\":\"x\"}",
        "{\"ip_addresses\":\"1.2.3.4\"}",
        "null",
        "{",
    ]);
    let method = prop::sample::select(vec!["GET", "POST", "POST", "DELETE", "HEAD", "PUT"]);
    let key = prop::sample::select(vec!["full", "full", "full", "other", "none"]);
    let done = std::cell::Cell::new(0);
    proptest!(ProptestConfig::with_cases(3_000), |((method, path, body, key) in (method, path, body, key))| {
        let key = world.texts.get(key).map_or("", String::as_str);
        let request = ask(method, &path, key, Body::Whole(body.as_bytes().to_vec()));
        prop_assert!(QReserve.claims(&request.path) && !QReserve.declines(&request.head()));
        let answer = world.answer(&request);
        prop_assert!(matches!(answer.status, 200 | 400 | 401 | 403 | 404 | 405 | 409), "{answer:?}");
        prop_assert_eq!(field(&answer, "content-type"), Some("application/json"));
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        prop_assert_eq!((&json["version"], json["status"] == "success"), (&2.into(), answer.status == 200));
        prop_assert_eq!(json["errors"].is_array(), answer.status != 200);
        prop_assert_eq!(field(&answer, "allow").is_some(), answer.status == 405);
        prop_assert_eq!(field(&answer, "www-authenticate").is_some(), answer.status == 401);
        done.set(done.get() + u32::from(answer.status == 200 && method == "POST"));
    });
    assert!(done.get() > 0, "nothing reached past the refusals");
}

#[test]
fn other_addresses_are_its_own_only_where_its_credential_is_shown() {
    for (path, key, passes) in [
        ("/users/self", "", false),
        ("/", "Basic YTpi", false),
        ("/reservations", "QR-x", false),
        ("/reservations", "  QR-x", false),
        ("/reservations", "", true),
        ("/reservations", "Bearer QR-x", true),
        ("/users", "kw_x", true),
    ] {
        let request = ask("GET", path, key, Body::Whole(Vec::new()));
        assert_eq!(QReserve.declines(&request.head()), passes, "{path} {key}");
    }
}

#[test]
fn bodies_that_did_not_come_are_told_apart() {
    let world = world();
    for (body, status) in [(Body::TooLarge, 413), (Body::Incomplete, 400)] {
        assert_eq!(world.answer(&ask("GET", "/users/self", &world.texts["full"], body)).status, status);
    }
}

#[test]
fn the_documented_examples_work_with_curl_and_with_requests() {
    let wire = crate::wire::Wire::to(world());
    let key = &wire.world.texts["full"];
    let url = format!("http://{}/users/self", wire.address);
    let curl = ["-sS", "--noproxy", "*", "-H", &format!("Authorization: {key}"), &url];
    let python = format!(
        "import requests\n\
         url = '{url}'\n\
         api_key = '{key}'\n\
         r = requests.get(url, headers={{'Authorization': api_key}})\n\
         assert r.status_code == 200\n\
         print(r.text, end='')\n\
         r = requests.get(url, headers={{'Authorization': api_key + 'x'}})\n\
         assert r.status_code == 401 and r.json()['errors'] == ['Invalid API key']\n"
    );
    let has_requests = crate::clients::succeeds("python3", &["-c", "import requests"]);
    for (program, there, args) in [
        ("curl", crate::clients::succeeds("curl", &["--version"]), &curl[..]),
        ("python3 with requests", has_requests, &["-c", &python]),
    ] {
        if !there {
            crate::skipped::skipped(&format!("there is no {program}"));
            continue;
        }
        let mut command = std::process::Command::new(program.split(' ').next().unwrap());
        let output = command.args(args).env("NO_PROXY", "*").output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&answer["status"], &answer["data"]["api_key_prefix"]),
            (&"success".into(), &key[..8].into())
        );
    }
}
