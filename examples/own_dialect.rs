//! An HTTP API of your own over keyward's commands: a dialect. This one has two calls, in plain text:
//!
//! ```text
//! GET  /badge         who is it?          200 with the owner's name, 401 without a good key
//! POST /badge/return  gives the key back  200, and the key is revoked
//! ```
//!
//! A dialect is a pure function from a request to a response: it knows no socket, no store, and no rules about keys. keyward's
//! server calls it with whole, bounded requests (see the example `own_routes` for a server).
//!
//! `cargo run --example own_dialect`

use std::error::Error;

use keyward::command::{CommandError, KeyRef, RevokeKey, Service, ShowUser, UserRef};
use keyward::dialect::Dialect;
use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::http::{Body, Entrance, RawRequest, RawResponse};
use keyward::key::{Actor, Keyspace, Level, PepperRing, RevokeReason, Role};
use keyward::store::MemoryStore;

/// The dialect. It has no state: everything that it answers is in the service.
struct Badge;

impl Dialect for Badge {
    /// Asked for every request. A path that a dialect claims is answered by it alone, refusals included.
    fn claims(&self, path: &str) -> bool {
        matches!(path, "/badge" | "/badge/return")
    }

    /// Called on a thread that may wait for the disk.
    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        badge(service, request).unwrap_or_else(|refusal| refusal)
    }
}

/// Answers a request, or refuses it: decode, authenticate, run a command, encode.
fn badge(service: &Service, request: &RawRequest) -> Result<RawResponse, RawResponse> {
    let key = request.header("x-badge").unwrap_or_default();
    let caller = service.authenticator().by_key(&Keyspace::NATIVE, key, request.client);
    let caller = caller.map_err(|_| text(401, "No such badge"))?;
    // The operator of the machine has neither; a caller by key has both.
    let (Some(owner), Some(key)) = (caller.id(), caller.key()) else {
        return Err(text(401, "No such badge"));
    };
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/badge") => {
            let owner =
                service.run(&caller, ShowUser(UserRef::Id(owner))).map_err(|error| refused(&error))?;
            Ok(text(200, owner.username.as_str()))
        }
        ("POST", "/badge/return") => {
            // The command asks the gate whether this caller may; a dialect has no rules of its own.
            let revoke = RevokeKey { key: KeyRef::Id(key), reason: RevokeReason::CessationOfOperation };
            service.run(&caller, revoke).map_err(|error| refused(&error))?;
            Ok(text(200, "Thank you"))
        }
        _ => Err(text(405, "This address takes another method")),
    }
}

/// Refusal for an error of a command. What is not the client's fault is 503, so that the client tries again.
fn refused(error: &CommandError) -> RawResponse {
    match error {
        CommandError::LevelTooLow { .. } => text(403, "This badge may not do that"),
        _ => text(503, "Try again later"),
    }
}

fn text(status: u16, line: &str) -> RawResponse {
    RawResponse::new(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

/// Runs the example.
///
/// # Errors
/// Any error of keyward; the example handles none of them.
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::open(Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy)?))?;
    let flo = engine.add_user(Actor::Operator, NewUser::person("flo".parse()?, Role::User, None))?;
    let new = NewKey::new(*Keyspace::NATIVE.name(), flo.id, Level::OWN);
    let (_, key) = engine.create_key(Actor::Operator, new)?;
    let service = Service::new(engine.clone());

    // The server does this for each request. A test needs no server.
    let ask = |method: &str, path: &str, key: &str| {
        assert!(Badge.claims(path));
        let request = RawRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: vec![("x-badge".to_owned(), key.as_bytes().to_vec())],
            client: Some([127, 0, 0, 1].into()),
            entrance: Entrance::Local,
            body: Body::Whole(Vec::new()),
        };
        Badge.answer(&service, &request)
    };
    let key = key.reveal();
    assert_eq!(ask("GET", "/badge", "wrong").status, 401);
    let shown = ask("GET", "/badge", &key);
    assert_eq!((shown.status, &shown.body[..]), (200, b"flo\n".as_slice()));
    assert_eq!(ask("POST", "/badge/return", &key).status, 200);
    assert_eq!(ask("GET", "/badge", &key).status, 401, "the key is revoked");
    engine.stop()?;
    Ok(())
}
