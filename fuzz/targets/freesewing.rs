//! FreeSewing's dialect: whatever is sent gets one of its answers, only who proves who they are as the path takes it
//! gets anything, and nothing of others; what is refused changes nothing, and a secret is shown once.

use std::cell::RefCell;

use base64::Engine as _;
use keyward::command::Audience;
use keyward::dialect::{Dialect, FreeSewing};
use keyward::engine::UserChange;
use keyward::http::{RawRequest, RawResponse};
use keyward::key::{Actor, KeyId, Password, Role, UserId, UserStatus};
use serde_json::Value;

use super::requests::{self, BASE64, Said, header};
use super::world::World;

const REFUSALS: [(u16, &str); 24] = [
    (400, "authenticationMalformed"),
    (401, "authenticationMissing"),
    (403, "authenticationFailed"),
    (403, "accountStatusLacking"),
    (403, "insufficientAccessLevel"),
    (401, "signInFailed"),
    (400, "usernameMissing"),
    (400, "passwordMissing"),
    (400, "postBodyMissing"),
    (400, "postBodyInvalid"),
    (400, "nameMissing"),
    (400, "nameNotStringy"),
    (400, "nameTooLong"),
    (400, "levelMissing"),
    (400, "levelNotNumeric"),
    (400, "invalidLevel"),
    (400, "expiresInMissing"),
    (400, "expiresInNotNumeric"),
    (400, "expiresInHigherThanMaximum"),
    (400, "expiresInInvalid"),
    (400, "keyLevelExceedsRoleLevel"),
    (404, "notFound"),
    (405, "methodNotAllowed"),
    (413, "postBodyTooLarge"),
];
const SHOWN: [&str; 5] = ["key", "level", "expiresAt", "name", "userId"];
const CREATED: [&str; 6] = ["key", "secret", "level", "expiresAt", "name", "userId"];
const LISTED: [&str; 9] =
    ["id", "key", "calls", "createdAt", "expiresAt", "name", "lastSeen", "level", "userId"];
const ACCOUNT: [&str; 8] = ["id", "username", "lusername", "email", "role", "status", "consent", "createdAt"];

thread_local! {
    /// Made anew after every input that changed it.
    static TOWN: RefCell<Town> = RefCell::new(Town::new());
}

/// A world, and the credentials of its users.
struct Town {
    world: World,
    /// Values that requests name literally.
    names: Vec<(String, String)>,
    proofs: Vec<Proof>,
    /// Every key and whose it is.
    owners: Vec<(KeyId, UserId)>,
    /// What was shown once.
    secrets: Vec<String>,
}

/// A key, or else a token; and what it is good for.
struct Proof {
    key: Option<KeyId>,
    text: String,
    owner: UserId,
    level: u64,
}

impl Town {
    fn new() -> Self {
        let keys = [("none", "test", 0), ("read", "test", 2), ("full", "test", 4), ("other", "other", 4)];
        let mut world = World::new("freesewing", &keys);
        let (admin, blocked) =
            (world.person("admin", Role::Administrator), world.person("blocked", Role::User));
        world.issue("all", World::key("freesewing", admin, 8));
        let (mut names, mut proofs, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for (name, id, text) in &world.keys {
            names.extend([
                ((*name).to_owned(), id.to_string()),
                (format!("{name}_basic"), BASE64.encode(text)),
            ]);
            let key = world.engine.reader().key(*id).unwrap().unwrap();
            let level = key.level.number().into();
            owners.push((*id, key.owner));
            proofs.push(Proof { key: Some(*id), text: text.clone(), owner: key.owner, level });
        }
        for person in ["test", "other", "admin", "blocked"] {
            let caller = world.login(person);
            let text =
                world.service.authenticator().token(&caller, Audience::FreeSewing).unwrap().to_string();
            names.push((format!("{person}_token"), text.clone()));
            let level = caller.level().number().into();
            proofs.push(Proof { key: None, text, owner: caller.id().unwrap(), level });
        }
        let block = UserChange { status: Some(UserStatus::Blocked), ..UserChange::default() };
        world.engine.update_user(Actor::Operator, blocked, block).unwrap();
        proofs.retain(|proof| proof.owner != blocked);
        let secrets = world.keys.iter().map(|(_, _, text)| secret(text).to_owned()).collect();
        Self { world, names, proofs, owners, secrets }
    }

    /// The proof that the request has, if its path takes it and it counts.
    fn proof(&self, request: &RawRequest) -> Option<&Proof> {
        let (_, sent) = request.headers.iter().find(|(name, _)| name == "authorization")?;
        let (scheme, credentials) = std::str::from_utf8(sent).ok()?.trim().split_once(' ')?;
        let path = request.path.strip_suffix('/').unwrap_or(&request.path).to_ascii_lowercase();
        let credentials = credentials.trim();
        if scheme.eq_ignore_ascii_case("bearer") && path.ends_with("/jwt") {
            // The last letter has bits that say nothing.
            let is_it = |text: &str| {
                text.len() == credentials.len() && credentials.starts_with(text.split_at(text.len() - 1).0)
            };
            self.proofs.iter().find(|proof| proof.key.is_none() && is_it(&proof.text))
        } else if scheme.eq_ignore_ascii_case("basic") && path.ends_with("/key") {
            let text = BASE64.decode(credentials).ok()?;
            self.proofs.iter().find(|proof| proof.key.is_some() && proof.text.as_bytes() == text)
        } else {
            None
        }
    }
}

/// The part of a key's text that proves it.
fn secret(text: &str) -> &str {
    text.split_once(':').unwrap().1
}

/// Answers the requests, as `requests` reads them.
pub fn run(bytes: &[u8]) {
    TOWN.with_borrow_mut(|town| {
        let before = town.world.revision();
        let names: Vec<_> = town.names.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let mut said = Said::default();
        for request in requests::requests(bytes, &names) {
            said.hear(&request);
            answer(town, &request, &said);
        }
        if town.world.revision() != before {
            *town = Town::new();
        }
    });
}

fn answer(town: &mut Town, request: &RawRequest, said: &Said) {
    if !FreeSewing.claims(&request.path) || tries_a_password(request) {
        // A password costs as much as hundreds of other requests, and no user here has one.
        return;
    }
    let before = town.world.revision();
    let response = FreeSewing.answer(&town.world.service, request);
    let changed = town.world.changed_since(before);
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));
    assert_eq!(header(&response, "www-authenticate").is_some(), response.status == 401);
    assert_eq!(header(&response, "allow").is_some(), response.status == 405);
    let shown = String::from_utf8(response.body.clone()).unwrap();
    for secret in &town.secrets {
        assert!(!shown.contains(secret) || said.contains(secret), "a secret is shown in {shown}");
    }
    if request.method == "OPTIONS" {
        assert!(response.status == 204 && shown.is_empty() && !changed, "{response:?}");
        return;
    }
    if response.status >= 400 {
        let answer: Value = serde_json::from_slice(&response.body).unwrap();
        let error = answer["error"].as_str().unwrap();
        assert!(answer["result"] == "error" && REFUSALS.contains(&(response.status, error)), "{answer}");
        assert!(!changed, "{answer}");
        return;
    }
    let proof = town.proof(request).unwrap_or_else(|| panic!("{response:?} without a proof"));
    let foreign = |key: KeyId| town.owners.iter().any(|(id, owner)| *id == key && *owner != proof.owner);
    let named = request.path.split('/').nth(2).and_then(|id| id.parse::<KeyId>().ok());
    assert!(
        named.is_none_or(|key| proof.level == 8 || !foreign(key)),
        "{response:?} about somebody else's key"
    );
    if response.status == 204 {
        assert!(
            shown.is_empty() && changed && request.method == "DELETE" && proof.level >= 4,
            "{response:?}"
        );
        town.proofs.retain(|proof| proof.key.is_none() || proof.key != named);
    } else if let Some((key, secret)) = succeeded(proof, named, &response, changed) {
        town.owners.push((key, proof.owner));
        town.secrets.push(secret);
    }
}

/// What came of a request that was carried out for `proof`, about the key that is `named`; the key that it created.
fn succeeded(
    proof: &Proof,
    named: Option<KeyId>,
    response: &RawResponse,
    changed: bool,
) -> Option<(KeyId, String)> {
    assert_eq!(header(response, "content-type"), Some("application/json; charset=utf-8"));
    let answer: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(answer["result"], "success");
    assert_eq!(changed, response.status == 201, "{answer}");
    let own = |record: &Value| record["userId"] == proof.owner.0;
    let (what, found) = answer.as_object().unwrap().iter().nth(1).unwrap();
    match (response.status, what.as_str()) {
        (201, "apikey") => {
            assert!(has_members(found, &CREATED) && own(found) && proof.level >= 4, "{answer}");
            assert!(found["level"].as_u64().unwrap() <= proof.level, "{answer} from level {}", proof.level);
            let text = |name: &str| found[name].as_str().unwrap();
            return Some((text("key").parse().unwrap(), text("secret").to_owned()));
        }
        (200, "apikey") => {
            assert!(has_members(found, &SHOWN) && (own(found) || proof.level == 8), "{answer}");
            assert!(named.is_none() || proof.level >= 4, "{answer} for level {}", proof.level);
        }
        (200, "apikeys") => {
            let mut listed = found.as_array().unwrap().iter();
            assert!(listed.all(|key| has_members(key, &LISTED) && own(key)), "{answer}");
        }
        (200, "account") => {
            assert!(
                has_members(found, &ACCOUNT) && found["id"] == proof.owner.0 && proof.level >= 1,
                "{answer}"
            );
        }
        _ => panic!("{answer}"),
    }
    None
}

fn has_members(record: &Value, names: &[&str]) -> bool {
    record.as_object().is_some_and(|members| members.keys().eq(names))
}

fn tries_a_password(request: &RawRequest) -> bool {
    let Ok(Value::Object(members)) = serde_json::from_slice(request.body.bytes()) else { return false };
    let password = members.get("password").and_then(Value::as_str);
    request.path.to_ascii_lowercase().starts_with("/signin")
        && password.is_some_and(|text| Password::new(text.as_bytes()).is_ok())
}
