//! FreeSewing's API keys: made and managed with a JSON Web Token or with a key and its secret, in JSON.
//!
//! ```text
//! POST         /signin                              a token for a name and a password
//! GET POST     /apikeys/jwt        /apikeys/key     list and create
//! GET DELETE   /apikeys/{key}/jwt  /apikeys/{key}/key
//! GET          /whoami/key                          the key that is presented
//! GET          /whoami/jwt   /account/jwt   /account/key
//! ```
//!
//! The end of a path chooses the proof: `jwt` takes `Authorization: Bearer`, `key` takes HTTP Basic with the key as user
//! name and the secret as password.

mod decode;
mod encode;
mod refusal;
mod route;

use self::decode::{NewKeyBody, SignInBody};
use self::refusal::Refusal;
use self::route::{Proof, Target};
use super::{Dialect, Failure, Specificity};
use crate::command::{
    Audience, Caller, CreateKey, DeleteKey, KeyPage, KeyRef, KeyWithText, ListKeys, Service, ShowKey,
    ShowUser, UserRef,
};
use crate::engine::{EngineError, NewKey};
use crate::http::{Authorization, Head, RawRequest, RawResponse};
use crate::key::{KeyId, Keyspace, Level, User};

/// The FreeSewing dialect.
///
/// ```
/// use keyward::dialect::{Dialect, FreeSewing};
/// assert!(FreeSewing.claims("/apikeys/jwt"));
/// assert!(!FreeSewing.claims("/apikeys"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FreeSewing;

impl Dialect for FreeSewing {
    fn claims(&self, path: &str) -> bool {
        route::is_claimed(path)
    }

    fn specificity(&self, head: &Head<'_>) -> Specificity {
        route::specificity(head.path)
    }

    fn error_response(&self, _path: &str, failure: Failure) -> RawResponse {
        encode::refusal(&match failure {
            Failure::Busy => Refusal::Unavailable,
            Failure::Broken => Refusal::Broken,
        })
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        if request.method == "OPTIONS" {
            return encode::preflight();
        }
        let answer = route::read(&request.method, &request.path)
            .and_then(|(target, method)| RequestContext { service, request }.answer(&target, method));
        answer.unwrap_or_else(|refusal| encode::refusal(&refusal))
    }
}

/// One request, its caller where that is known, and the service that answers it.
struct RequestContext<'a> {
    service: &'a Service,
    request: &'a RawRequest,
}

impl RequestContext<'_> {
    fn answer(&self, target: &Target<'_>, method: route::Method) -> Result<RawResponse, Refusal> {
        match target {
            Target::SignIn => self.sign_in(),
            Target::Keys(proof) if method == route::Method::Post => self.create(&self.caller(*proof)?),
            Target::Keys(proof) => self.list(&self.caller(*proof)?),
            Target::Key(id, proof) if method == route::Method::Delete => {
                self.delete(&self.caller(*proof)?, id)
            }
            Target::Key(id, proof) => self.show(&self.caller(*proof)?, id),
            Target::Account(proof) => self.account(&self.caller(*proof)?),
            Target::OwnKey => self.own_key(),
        }
    }

    fn sign_in(&self) -> Result<RawResponse, Refusal> {
        let SignInBody { username, password } = decode::sign_in(self.request)?;
        let password = password.ok_or(Refusal::SignInFailed)?;
        let caller =
            self.service.authenticator().by_password_loosely(&username, &password, self.request.client);
        let caller = caller.map_err(Refusal::of_sign_in)?;
        let token = self.service.authenticator().token(&caller, Audience::FreeSewing)?;
        Ok(encode::signed_in(&token, &self.user(&caller)?))
    }

    /// The caller, by the proof that the path takes.
    fn caller(&self, proof: Proof) -> Result<Caller, Refusal> {
        let authorization = Authorization::of(&self.request.head());
        let client = self.request.client;
        match (proof, authorization) {
            (Proof::Jwt, Authorization::Bearer(token)) => {
                Ok(self.service.authenticator().by_token(&token, Audience::FreeSewing, client)?)
            }
            (Proof::Key, Authorization::Basic { name, password }) => {
                let text = decode::key_text(&name, &password);
                Ok(self.service.authenticator().by_key(&Keyspace::FREESEWING, &text, client)?)
            }
            (_, Authorization::Malformed) => Err(Refusal::AuthenticationMalformed),
            (proof, Authorization::None | Authorization::Bearer(_) | Authorization::Basic { .. }) => {
                Err(Refusal::AuthenticationMissing(proof))
            }
        }
    }

    fn create(&self, caller: &Caller) -> Result<RawResponse, Refusal> {
        // Before the body is looked at, as documented.
        needs(caller, Level::OWN)?;
        let NewKeyBody { name, level, expiry } = decode::new_key(self.request, self.service.now())?;
        let owner = caller.id().ok_or(Refusal::Broken)?;
        let new = NewKey {
            comment: name,
            expiry: Some(expiry),
            ..NewKey::new(*Keyspace::FREESEWING.name(), owner, level)
        };
        let KeyWithText { key, text } =
            self.service.run(caller, CreateKey(new)).map_err(Refusal::of_create)?;
        Ok(encode::created(&key, text))
    }

    fn list(&self, caller: &Caller) -> Result<RawResponse, Refusal> {
        let command = ListKeys {
            owner: UserRef::Own,
            keyspace: Some(*Keyspace::FREESEWING.name()),
            after: None,
            limit: None,
            texts: false,
        };
        let KeyPage { keys, .. } = self.service.run(caller, command)?;
        Ok(encode::list(keys.iter().map(|(key, _)| key)))
    }

    fn show(&self, caller: &Caller, id: &str) -> Result<RawResponse, Refusal> {
        needs(caller, Level::OWN)?;
        let key = self.service.run(caller, ShowKey(named(id)?))?;
        Ok(encode::shown(&key))
    }

    fn delete(&self, caller: &Caller, id: &str) -> Result<RawResponse, Refusal> {
        needs(caller, Level::OWN)?;
        self.service.run(caller, DeleteKey(named(id)?))?;
        Ok(encode::deleted())
    }

    fn own_key(&self) -> Result<RawResponse, Refusal> {
        let authorization = Authorization::of(&self.request.head());
        match authorization {
            Authorization::Basic { name, password } => {
                let text = decode::key_text(&name, &password);
                let (_, _, key) = self.service.own_key(&Keyspace::FREESEWING, &text, self.request.client)?;
                Ok(encode::shown(&key))
            }
            Authorization::Malformed => Err(Refusal::AuthenticationMalformed),
            Authorization::None | Authorization::Bearer(_) => Err(Refusal::AuthenticationMissing(Proof::Key)),
        }
    }

    fn account(&self, caller: &Caller) -> Result<RawResponse, Refusal> {
        needs(caller, Level::READ_SOME)?;
        Ok(encode::account(&self.user(caller)?))
    }

    fn user(&self, caller: &Caller) -> Result<User, Refusal> {
        let user = self.service.run(caller, ShowUser(UserRef::Own))?;
        Ok(user)
    }
}

fn needs(caller: &Caller, level: Level) -> Result<(), Refusal> {
    if caller.level() < level { Err(Refusal::InsufficientAccessLevel) } else { Ok(()) }
}

/// A key of this API by its id. A text that is no id names no key.
fn named(id: &str) -> Result<KeyRef, Refusal> {
    let id: KeyId = id.parse().map_err(|_| EngineError::NoSuchKey)?;
    Ok(KeyRef::Restriction(Keyspace::FREESEWING, id))
}
