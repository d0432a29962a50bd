//! QReserve's API as far as its keys go: a bot user's key, bare in `Authorization`, and JSON in one envelope.
//!
//! ```text
//! GET               /                                                   what answers here
//! GET               /users/self                                         the bot whose key it is
//! GET POST          /sites/{site}/bots                                  from here on for administrators
//! GET POST DELETE   /sites/{site}/bots/{user}                           POST sets the role or the name
//! GET POST DELETE   /sites/{site}/bots/{user}/api_key                   POST generates or regenerates
//! POST              /sites/{site}/bots/{user}/api_key/ip_addresses
//! ```
//!
//! A site is a company, named by its id; users without a company belong to the site `main`. A request to any other
//! address that presents a key as this API takes it is answered in the envelope, too, unless another API claims the path.

mod bots;
mod decode;
mod encode;
mod refusal;
mod route;

use self::bots::Bots;
use self::refusal::Refusal;
use self::route::Target;
use super::{Dialect, Failure, Specificity};
use crate::command::{Caller, KeyPage, ListKeys, Service, ShowUser, UserRef};
use crate::http::{Body, Head, RawRequest, RawResponse};
use crate::key::{Keyspace, Level, User};

/// The QReserve dialect.
///
/// ```
/// use keyward::dialect::{Dialect, QReserve};
/// assert!(QReserve.claims("/users/self") && QReserve.claims("/"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct QReserve;

impl Dialect for QReserve {
    fn claims(&self, _path: &str) -> bool {
        true
    }

    fn declines(&self, head: &Head<'_>) -> bool {
        let own = head.path == "/" || ["/users/", "/sites/"].iter().any(|root| head.path.starts_with(root));
        !own && !key(head).trim_start().starts_with(KEY_BEGIN)
    }

    fn specificity(&self, head: &Head<'_>) -> Specificity {
        match head.path {
            "/" if !matches!(head.only("authorization"), Ok(None)) => Specificity::Exact,
            path if path.starts_with("/users/") || path.starts_with("/sites/") => {
                Specificity::Prefix { bytes: "/users/".len() }
            }
            _ => Specificity::Anywhere,
        }
    }

    fn error_response(&self, _path: &str, failure: Failure) -> RawResponse {
        encode::refusal(&match failure {
            Failure::Busy => Refusal::Unavailable,
            Failure::Broken => Refusal::Broken,
        })
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        answer(service, request).unwrap_or_else(|refusal| encode::refusal(&refusal))
    }
}

fn answer(service: &Service, request: &RawRequest) -> Result<RawResponse, Refusal> {
    match request.body {
        Body::Whole(_) => {}
        Body::TooLarge => return Err(Refusal::TooLarge),
        Body::Incomplete => return Err(Refusal::Malformed("The request did not arrive whole".to_owned())),
    }
    // Before anything else: a client without a key learns nothing of what exists.
    let caller = service.authenticator().by_key(&Keyspace::QRESERVE, key(&request.head()), request.client)?;
    let answer = answer_to(service, &caller, request);
    let answer = answer.unwrap_or_else(|refusal| encode::refusal(&refusal));
    service.note_request(&caller, request.client, &request.method, &request.path, answer.status);
    Ok(answer)
}

fn answer_to(service: &Service, caller: &Caller, request: &RawRequest) -> Result<RawResponse, Refusal> {
    let (target, method) = route::read(&request.method, &request.path)?;
    match target {
        Target::Root => Ok(encode::server()),
        Target::OwnUser => own_user(service, caller),
        Target::Managed { site, managed } => {
            if caller.level() < Level::ALL {
                return Err(Refusal::Forbidden);
            }
            Bots { service, caller, request, site }.answer(managed, method)
        }
    }
}

/// First characters of every key of this API.
const KEY_BEGIN: &str = "QR-";

/// The presented key text: all of `Authorization`. Two fields that differ, or none, give the empty text, which is no key.
fn key<'a>(head: &Head<'a>) -> &'a str {
    let key = head.only("authorization").ok().flatten().unwrap_or_default();
    std::str::from_utf8(key).unwrap_or_default()
}

fn own_user(service: &Service, caller: &Caller) -> Result<RawResponse, Refusal> {
    let user = user(service, caller, UserRef::Own)?;
    let list = ListKeys {
        owner: UserRef::Own,
        keyspace: Some(*Keyspace::QRESERVE.name()),
        after: None,
        limit: None,
        texts: false,
    };
    let KeyPage { keys, .. } = service.run(caller, list)?;
    let presented = keys.iter().map(|(key, _)| key).find(|key| caller.key() == Some(key.id));
    Ok(encode::own_user(&user, presented))
}

fn user(service: &Service, caller: &Caller, named: UserRef) -> Result<User, Refusal> {
    let user = service.run(caller, ShowUser(named))?;
    Ok(user)
}
