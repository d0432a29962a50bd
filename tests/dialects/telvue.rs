//! TelVue's API.

use keyward::dialect::{Dialect as _, TelVue};
use keyward::http::Body;
use keyward::key::Keyspace;
use proptest::prelude::*;

use crate::world::{World, field, form_request, transcripts};
use crate::xml::is_document;

fn world() -> World {
    World::of(TelVue, Keyspace::TELVUE)
}

transcripts! {
    "telvue", world();
    calls: 10,
    refusals: 23,
    life: 13,
}

#[test]
fn other_methods_are_named_and_bodies_that_did_not_come_are_told_apart() {
    let world = world();
    let key = format!("api_key={}", world.texts["full"]);
    let refused = world.answer(&form_request("PUT", "/content_api/new", &key, Body::Whole(Vec::new())));
    assert_eq!((refused.status, field(&refused, "allow")), (405, Some("GET, HEAD, POST")));
    for (body, status) in [(Body::TooLarge, 413), (Body::Incomplete, 400)] {
        assert_eq!(world.answer(&form_request("POST", "/content_api/new", &key, body)).status, status);
    }
}

#[test]
fn a_damaged_record_lets_nobody_in() {
    use crate::transcript::Peer as _;
    let mut world = world();
    let query = format!("api_key={}", world.texts["full"]);
    let ask = form_request("GET", "/xml/software_version", &query, Body::Whole(Vec::new()));
    world.act("damage-record full");
    assert_eq!(world.answer(&ask).status, 503);
}

#[test]
fn every_answer_is_xml_whatever_is_asked() {
    let world = world();
    let path = prop_oneof![
        3 => prop::sample::select(vec!["/content_api/new", "/content_api/7/edit", "/xml/software_version"])
            .prop_map(str::to_owned),
        1 => "/(xml|content_api)/.{0,20}",
    ];
    let name = prop::sample::select(vec![
        "program",
        "expected_duration",
        "import_datetime",
        "categories[]",
        "categories",
        "custom_metadata[a]",
        "custom_metadata[<]",
        "custom_metadata[]",
        "episode[a]",
        "api_key",
    ]);
    let value = prop_oneof![
        3 => prop::sample::select(vec!["1", "2011-04-20", "%3C%26%22%5D%5D%3E", "%00", "%ef%bf%bf", "%c3%a4", "%ff", ""])
            .prop_map(str::to_owned),
        1 => "[^&#]{0,20}",
    ];
    let pairs = prop::collection::vec((name, value), 0..6)
        .prop_map(|pairs| pairs.iter().map(|(name, value)| format!("&{name}={value}")).collect::<String>());
    let method = prop::sample::select(vec!["GET", "GET", "POST", "HEAD", "PUT", ""]);
    let key = prop::sample::select(vec!["full", "full", "full", "apikey", "basic"]);
    let allowed = std::cell::Cell::new(0);
    let inputs = (method, path, pairs.clone(), pairs, key);
    proptest!(ProptestConfig::with_cases(2_000), |((method, path, mut query, form, key) in inputs)| {
        query = format!("{query}&api_key={}", world.texts[key]);
        let ask = form_request(method, &path, &query, Body::Whole(form.into_bytes()));
        prop_assert!(TelVue.claims(&ask.path));
        let answer = world.answer(&ask);
        prop_assert!(matches!(answer.status, 200 | 403 | 404 | 405 | 422), "{answer:?}");
        prop_assert_eq!(field(&answer, "content-type"), Some("application/xml; charset=utf-8"));
        prop_assert!(is_document(&answer.body), "{}", answer.body.escape_ascii());
        allowed.set(allowed.get() + u32::from(answer.status == 200));
    });
    assert!(allowed.get() > 0, "nothing reached past the refusals");
}

#[test]
fn the_documented_calls_work_as_curl_sends_them() {
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        crate::skipped::skipped("there is no curl");
        return;
    }
    let wire = crate::wire::Wire::to(world());
    let curl = |args: &[&str], path: &str| {
        let mut command = std::process::Command::new("curl");
        command.args(["-gsS", "--noproxy", "*", "-w", "%{http_code}"]).args(args);
        let output = command.arg(format!("http://{}/{path}", wire.address)).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let key = &wire.world.texts["full"];
    let version = curl(&[], &format!("xml/software_version?api_key={key}"));
    assert!(version.ends_with("</software-version>\n200"), "{version}");
    let denied = curl(&[], "xml/software_version");
    let expected = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<error>Access Denied</error>\n401";
    assert_eq!(denied, expected);
    let fields = "program_code=01&program=a1test&expected_duration=30&import_datetime=2011-04-20";
    let form = format!("api_key={key}");
    let in_address = curl(&[], &format!("content_api/new?{fields}&{form}"));
    assert!(in_address.contains("<program>a1test</program>") && in_address.ends_with("200"), "{in_address}");
    assert_eq!(curl(&["-d", fields, "-d", &form], "content_api/new"), in_address);
    assert_eq!(curl(&["-F", &form], &format!("content_api/new?{fields}")), in_address);
}
