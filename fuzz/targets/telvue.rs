//! TelVue's dialect: whatever is sent gets one of its answers, in XML; only who presents a key gets one that is not a
//! refusal; nothing changes, and no key is shown.

use keyward::dialect::{Dialect, TelVue};
use keyward::http::RawRequest;

use super::requests::{self, header};
use super::world::World;
use super::xml::is_document;

thread_local! {
    static WORLD: World =
        World::new("telvue", &[("basic", "basic", 0), ("read", "read", 2), ("full", "test", 4), ("other", "other", 4)]);
}

/// Answers the requests, as `requests` reads them.
pub fn run(bytes: &[u8]) {
    WORLD.with(|world| {
        let names: Vec<_> = world.keys.iter().map(|(name, _, text)| (*name, text.clone())).collect();
        for request in requests::requests(bytes, &names) {
            answer(world, &request, &names);
        }
    });
}

fn answer(world: &World, request: &RawRequest, keys: &[(&str, String)]) {
    TelVue.claims(&request.path);
    let before = world.revision();
    let response = TelVue.answer(&world.service, request);
    assert!(!world.changed_since(before), "something changed");
    assert!([200, 400, 401, 403, 404, 405, 413, 422].contains(&response.status), "{response:?}");
    assert_eq!(header(&response, "content-type"), Some("application/xml; charset=utf-8"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "allow").is_some(), response.status == 405);
    assert_eq!(header(&response, "www-authenticate").is_some(), response.status == 401);
    assert!(is_document(&response.body), "{}", response.body.escape_ascii());

    // Percent-encoded, a key need not stand in the request as it is.
    let plain = |text: &[u8]| !text.contains(&b'%');
    let sent = [request.query.as_bytes(), request.body.bytes()];
    let presents = |name: &str| {
        let (_, text) = keys.iter().find(|(key, _)| *key == name).unwrap();
        sent.iter().any(|part| part.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    if sent.iter().all(|part| plain(part)) {
        let needed: &[&str] = match (response.status, request.path.as_str()) {
            (200, "/xml/software_version") => &["read", "full", "other"],
            (200 | 422, _) => &["full", "other"],
            (403..=405, _) => &["basic", "read", "full", "other"],
            _ => return,
        };
        assert!(needed.iter().any(|name| presents(name)), "{response:?} without a key that may");
        let shown = |text: &str| response.body.windows(text.len()).any(|window| window == text.as_bytes());
        for (name, text) in keys {
            assert!(presents(name) || !shown(text), "a key is shown");
        }
    }
}
