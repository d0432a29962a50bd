//! filebin's dialect: whatever is sent gets one of its documented answers, only who holds a key gets anything, and
//! what is refused changes nothing.

use std::cell::RefCell;

use keyward::dialect::{Dialect, Filebin, filebin};
use keyward::http::{Field, Form, METHODS, RawRequest};
use serde_json::Value;

use super::requests::{self, header};
use super::world::World;

const ERRORS: [&str; 18] = [
    "api/method-not-allowed",
    "api/invalid-version",
    "api/invalid-endpoint",
    "api/version-not-supported",
    "api/unknown-endpoint",
    "api/not-authenticated",
    "api/insufficient-permissions",
    "api/invalid-accesslevel",
    "input/invalid-form-field",
    "user/api-login-failed",
    "user/login-failed",
    "user/validation/access_level/invalid",
    "user/validation/comment/too-long",
    "user/validation/comment/invalid-utf8",
    "user/delete_apikey/failed",
    "page-not-found",
    "disallowed-character",
    "api/too-many-logins",
];
/// What only a failed store or too many at once lead to.
const UNREACHABLE: [&str; 2] = ["api/too-many-logins", "api/invalid-accesslevel"];

thread_local! {
    /// Made anew after every input that changed it.
    static WORLD: RefCell<World> = RefCell::new(world());
}

fn world() -> World {
    let keys = [("basic", "test", 0), ("apikey", "test", 2), ("full", "test", 4), ("other", "other", 4)];
    World::new("filebin", &keys)
}

/// Answers the requests, as `requests` reads them.
pub fn run(bytes: &[u8]) {
    WORLD.with_borrow_mut(|world| {
        let before = world.revision();
        let names: Vec<_> = world.keys.iter().map(|(name, _, text)| (*name, text.clone())).collect();
        let mut texts: Vec<_> =
            names.iter().filter(|(name, _)| ["full", "other"].contains(name)).cloned().collect();
        let mut said = Vec::new();
        for request in requests::requests(bytes, &names) {
            if let Some(Field::Text(comment)) = Form::read(&request).field("comment") {
                said.push(String::from_utf8_lossy(comment).into_owned());
            }
            if let Some(created) = answer(world, &request, &texts, &said) {
                texts.push(("created", created));
            }
        }
        if world.revision() != before {
            *world = self::world();
        }
    });
}

/// Answers one request of a client that holds some of `texts` and has `said` so much in comments; the text of a key it
/// created.
fn answer(world: &World, request: &RawRequest, texts: &[(&str, String)], said: &[String]) -> Option<String> {
    let dialect = Filebin::new("http://127.0.0.1/");
    dialect.claims(&request.path);
    let _ = filebin::decode(request);
    let form = Form::read(request);
    if given(&form, "username") && given(&form, "password") {
        // A login costs as much as hundreds of other requests, and no user here has a password.
        return None;
    }
    let before = world.revision();
    let response = dialect.answer(&world.service, request);
    let changed = world.changed_since(before);
    let kind = header(&response, "content-type").unwrap_or_default();
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    if kind.starts_with("text/html") {
        assert!([400, 404].contains(&response.status), "{response:?}");
        assert!(!changed);
        return None;
    }
    assert_eq!(kind, "application/json; charset=UTF-8");
    let answer: Value = serde_json::from_slice(&response.body).unwrap();
    if response.status != 200 {
        let status = if METHODS.split(", ").any(|method| method == request.method) { 400 } else { 405 };
        assert_eq!((response.status, &answer["status"]), (status, &Value::from("error")), "{answer}");
        let error = answer["error_id"].as_str().unwrap();
        assert_eq!(error == "api/method-not-allowed", status == 405);
        assert!(ERRORS.contains(&error) && !UNREACHABLE.contains(&error), "{answer}");
        assert!(!changed, "{answer}");
        return None;
    }
    assert_eq!(answer["status"], "success");
    let Some(Field::Text(presented)) = form.field("apikey") else { panic!("{answer} without a key") };
    let presented = String::from_utf8_lossy(presented);
    assert!(texts.iter().any(|(_, text)| presented.contains(text)), "{answer} without a key that may");
    let (what, data) = answer["data"].as_object().unwrap().iter().next().unwrap();
    match what.as_str() {
        "apikeys" => assert!(!changed, "a listing changed something"),
        "new_key" | "deleted_keys" => assert!(changed, "{what} changed nothing"),
        _ => panic!("{answer}"),
    }
    let shows = |name: &str| {
        let (_, _, text) = world.keys.iter().find(|(key, ..)| *key == name).unwrap();
        let own_words = said.iter().any(|comment| comment.contains(text.as_str()));
        let found = answer["data"].to_string().contains(text.as_str());
        found && !own_words && !presented.contains(text.as_str())
    };
    let owner = ["full", "other"]
        .into_iter()
        .find(|name| texts.iter().any(|(n, text)| n == name && presented.contains(text)));
    assert!(owner != Some("full") || !shows("other"), "somebody else's key is shown");
    (what == "new_key").then(|| data.as_str().unwrap().to_owned())
}

fn given(form: &Form, name: &str) -> bool {
    matches!(form.field(name), Some(Field::Text(text)) if !text.is_empty() && **text != *b"0")
}
