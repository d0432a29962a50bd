//! QReserve's dialect: whatever is sent gets one of its answers in its envelope, only who presents a live key gets
//! anything, what is refused changes nothing, and a key is shown once and from then on by its beginning alone.

use std::cell::RefCell;

use keyward::dialect::{Dialect, QReserve};
use keyward::http::{RawRequest, RawResponse};
use keyward::key::{CompanyId, Role, UserId};
use serde_json::{Map, Value};

use super::requests::{self, Said, header};
use super::world::World;

const STATUSES: [u16; 8] = [200, 400, 401, 403, 404, 405, 409, 413];
/// How much of a key may be seen.
const PREFIX: usize = 8;
const USER: [&str; 6] = ["user_id", "display_name", "email", "bot", "role", "site_id"];
const OWN_USER: [&str; 7] = ["user_id", "display_name", "email", "bot", "role", "site_id", "api_key_prefix"];
const KEY: [&str; 3] = ["prefix", "ip_addresses", "created"];
const ISSUED: [&str; 4] = ["prefix", "ip_addresses", "created", "api_key"];

thread_local! {
    /// Made anew after every input that changed it.
    static SITE: RefCell<Site> = RefCell::new(Site::new());
}

/// A world, and the keys of its bots.
struct Site {
    world: World,
    /// Values that requests name literally.
    names: Vec<(String, String)>,
    /// Keys that are good, as far as their allowlists go, and whose they are.
    live: Vec<(UserId, String)>,
    /// Every key there ever was.
    texts: Vec<String>,
}

impl Site {
    fn new() -> Self {
        let mut world = World::new("qreserve", &[]);
        let company = world.company("Company").id;
        let bots = [
            ("bot", Role::User, None),
            ("moderator_bot", Role::Moderator, None),
            ("admin_bot", Role::Administrator, None),
            ("company_bot", Role::User, Some(company)),
            ("company_admin_bot", Role::Administrator, Some(company)),
        ];
        let mut live = Vec::new();
        let mut names = vec![("company".to_owned(), company.to_string())];
        for (name, role, company) in bots {
            let bot = world.member(name, role, company);
            let (_, text) = world.issue(name, World::key("qreserve", bot, 8));
            names.extend([(name.to_owned(), text.clone()), (format!("{name}_id"), bot.to_string())]);
            live.push((bot, text));
        }
        names.extend(world.people.iter().map(|(name, id)| (format!("{name}_id"), id.to_string())));
        let texts = live.iter().map(|(_, text)| text.clone()).collect();
        Self { world, names, live, texts }
    }

    /// Whose live key the request presents: bare, and no other beside it.
    fn caller(&self, request: &RawRequest) -> Option<UserId> {
        let mut sent = request.headers.iter().filter(|(name, _)| name == "authorization");
        let (_, key) = sent.next()?;
        let alone = sent.all(|(_, other)| other == key);
        let found = self.live.iter().find(|(_, text)| text.as_bytes() == key.trim_ascii());
        found.filter(|_| alone).map(|(owner, _)| *owner)
    }
}

/// Answers the requests, as `requests` reads them.
pub fn run(bytes: &[u8]) {
    SITE.with_borrow_mut(|site| {
        let before = site.world.revision();
        let names: Vec<_> = site.names.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let mut said = Said::default();
        for request in requests::requests(bytes, &names) {
            said.hear(&request);
            answer(site, &request, &said);
        }
        if site.world.revision() != before {
            *site = Site::new();
        }
    });
}

fn answer(site: &mut Site, request: &RawRequest, said: &Said) {
    if !QReserve.claims(&request.path) {
        return;
    }
    let before = site.world.revision();
    let caller = site.caller(request);
    let is_administrator = caller.is_some_and(|caller| {
        let user = site.world.engine.reader().user(caller).unwrap();
        user.is_some_and(|user| user.role == Role::Administrator)
    });
    let response = QReserve.answer(&site.world.service, request);
    let changed = site.world.changed_since(before);
    assert!(STATUSES.contains(&response.status), "{response:?}");
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "www-authenticate").is_some(), response.status == 401);
    assert_eq!(header(&response, "allow").is_some(), response.status == 405);
    // Before anything but a body that is not there.
    assert!(caller.is_some() || [400, 401, 413].contains(&response.status), "{response:?} without a key");
    let envelope: Map<String, Value> = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(envelope["version"], 2);
    let shown = String::from_utf8_lossy(&response.body);
    for text in &site.texts {
        let beginning = text.split_at(PREFIX + 1).0;
        assert!(!shown.contains(beginning) || said.contains(beginning), "more than its beginning in {shown}");
    }
    if response.status != 200 {
        let errors = envelope["errors"].as_array().unwrap();
        assert!(envelope["status"] == "error" && errors.iter().all(Value::is_string) && errors.len() == 1);
        assert!(!envelope.contains_key("data") && !changed, "{shown}");
        return;
    }
    assert!(envelope["status"] == "success" && !envelope.contains_key("errors"), "{shown}");
    assert!(!request.path.starts_with("/sites/") || is_administrator, "{shown} for no administrator");
    let reads = ["GET", "HEAD"].contains(&request.method.as_str());
    assert!(!reads || !changed, "reading changed something");
    if request.path.starts_with("/sites/") {
        managed(site, request, &envelope, &response, changed);
    } else {
        assert!(reads && !envelope.contains_key("numitems"), "{shown}");
        let root = has_members(&envelope["data"], &["name", "version"]);
        assert!(
            if request.path == "/" { root } else { has_members(&envelope["data"], &OWN_USER) },
            "{shown}"
        );
    }
}

/// What came of a request of an administrator about the bots of a site.
fn managed(
    site: &mut Site,
    request: &RawRequest,
    envelope: &Map<String, Value>,
    response: &RawResponse,
    changed: bool,
) {
    let path: Vec<_> = request.path.split('/').skip(3).collect();
    let data = envelope.get("data");
    let id = path.get(1).map(|id| UserId(id.parse().unwrap()));
    match (request.method.as_str(), path.as_slice()) {
        ("POST", ["bots", _, "api_key"]) => {
            let data = data.unwrap();
            assert!(has_members(data, &ISSUED) && changed, "{response:?}");
            let text = data["api_key"].as_str().unwrap();
            assert_eq!(data["prefix"], text.split_at(PREFIX).0);
            assert!(!site.texts.iter().any(|known| known == text), "a key is shown twice");
            site.live.retain(|(owner, _)| Some(*owner) != id);
            site.live.push((id.unwrap(), text.to_owned()));
            site.texts.push(text.to_owned());
        }
        ("DELETE", _) => {
            assert!(data.is_none() && changed, "{response:?}");
            site.live.retain(|(owner, _)| Some(*owner) != id);
        }
        (_, ["bots", _, "api_key", ..]) => assert!(has_members(data.unwrap(), &KEY), "{response:?}"),
        ("GET" | "HEAD", ["bots"]) => {
            let bots = data.unwrap().as_array().unwrap();
            assert_eq!(envelope["numitems"], bots.len());
            assert!(bots.iter().all(|bot| has_members(bot, &USER) && bot["bot"] == true), "{response:?}");
        }
        _ => {
            let bot = data.unwrap();
            assert!(has_members(bot, &USER) && bot["bot"] == true, "{response:?}");
            let site = |id: &str| id.parse::<CompanyId>().ok();
            let named = request.path.split('/').nth(2).unwrap();
            assert_eq!(site(bot["site_id"].as_str().unwrap()), site(named), "{response:?}");
        }
    }
}

fn has_members(record: &Value, names: &[&str]) -> bool {
    record.as_object().is_some_and(|members| members.keys().eq(names))
}
