//! The native dialect: whatever the operator sends gets an answer in the documented form, never a server's error;
//! what is refused changes nothing, and no answer but the one that issues a key shows a whole key text.

use std::cell::RefCell;

use keyward::dialect::{Dialect, Native};
use keyward::http::RawRequest;
use serde_json::Value;

use super::requests::{self, header};
use super::world::World;

const SUCCESSES: [u16; 3] = [200, 201, 204];
const REFUSALS: [(u16, &str); 33] = [
    (400, "body_incomplete"),
    (400, "malformed_json"),
    (400, "invalid_request"),
    (400, "wrong_cursor"),
    (401, "no_key"),
    (401, "invalid_token"),
    (403, "insufficient_scope"),
    (403, "level_above_own"),
    (403, "beyond_own"),
    (403, "withheld"),
    (403, "level_too_low"),
    (404, "no_such_address"),
    (404, "no_such_user"),
    (404, "no_such_key"),
    (404, "no_such_company"),
    (405, "method_not_allowed"),
    (409, "username_taken"),
    (409, "email_taken"),
    (409, "last_administrator"),
    (409, "key_revoked"),
    (409, "no_api_access"),
    (409, "lost_by_demotion"),
    (409, "too_many_limits"),
    (409, "has_key"),
    (413, "body_too_large"),
    (415, "unsupported_media_type"),
    (422, "invalid"),
    (422, "no_such_keyspace"),
    (422, "bot_password"),
    (422, "for_bots_only"),
    (422, "expiry_out_of_range"),
    (422, "grace_too_long"),
    (429, "rate_limited"),
];

thread_local! {
    /// Made anew after every input that changed it.
    static WORLD: RefCell<World> = RefCell::new(world());
}

fn world() -> World {
    World::new("native", &[("key", "test", 4), ("other", "other", 2)])
}

/// Answers the requests, as `requests` reads them.
pub fn run(bytes: &[u8]) {
    WORLD.with_borrow_mut(|world| {
        let before = world.revision();
        let ids = world.keys.iter().map(|(name, id, _)| (format!("{name}_id"), id.to_string()));
        let texts = world.keys.iter().map(|(name, _, text)| ((*name).to_owned(), text.clone()));
        let names: Vec<(String, String)> = ids.chain(texts).collect();
        let names: Vec<(&str, String)> =
            names.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        for request in requests::requests(bytes, &names) {
            answer(world, &request);
        }
        if world.revision() != before {
            *world = self::world();
        }
    });
}

fn answer(world: &World, request: &RawRequest) {
    let dialect = Native::for_operator();
    dialect.claims(&request.path);
    let before = world.revision();
    let response = dialect.answer(&world.service, request);
    let changed = world.changed_since(before);
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    if response.status == 204 {
        assert!(response.body.is_empty() && header(&response, "content-type").is_none_or(str::is_empty));
        return;
    }
    let answer: Value = serde_json::from_slice(&response.body).unwrap();
    let fields = answer.as_object().unwrap();
    if !SUCCESSES.contains(&response.status) {
        assert_eq!(header(&response, "content-type"), Some("application/problem+json"));
        let code = fields["code"].as_str().unwrap();
        assert!(REFUSALS.contains(&(response.status, code)), "{answer}");
        assert_eq!((&fields["status"], &fields["type"]), (&response.status.into(), &"about:blank".into()));
        assert!(fields["title"].is_string() && fields["detail"].is_string());
        assert_eq!(header(&response, "allow").is_none_or(str::is_empty), response.status != 405);
        assert!(!changed, "{answer}");
    } else {
        assert_eq!(header(&response, "content-type"), Some("application/json"));
        assert_eq!(header(&response, "location").is_none_or(str::is_empty), response.status != 201);
        assert!(!changed || !["GET", "HEAD"].contains(&request.method.as_str()), "reading changed something");
    }
    let shown = String::from_utf8_lossy(&response.body);
    for (_, _, text) in &world.keys {
        // What is a comment or a name is shown as it is, whatever it looks like.
        assert!(!shown.contains(text.as_str()) || sent(request, text), "a key is shown in {shown}");
    }
    assert_eq!(fields.contains_key("text"), fields.contains_key("key"), "a text comes with its key");
}

fn sent(request: &RawRequest, text: &str) -> bool {
    let body = String::from_utf8_lossy(request.body.bytes());
    // Escapes spell the same text in many ways.
    body.contains(text) || body.contains('\\')
}
