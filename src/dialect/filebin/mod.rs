//! filebin's `/user` API, versions 2 to 2.2.0: a user lists, creates and deletes own keys.
//!
//! Where filebin's behaviour is an accident of its framework this dialect takes the plain way instead: it keeps no
//! session, compares names exactly, and answers an array in the field `apikey` in JSON like every other.

mod decode;
mod encode;
mod path;
mod refusal;

use std::net::IpAddr;

pub use decode::{Request, decode};
pub use encode::{Answer, ListedKey, encode};
pub use refusal::Refusal;

use self::decode::Action;
use super::{Dialect, Failure, Specificity};
use crate::command::{
    Caller, CreateKey, DeleteKey, KeyPage, KeyRef, KeyWithText, ListKeys, Service, UserRef,
};
use crate::engine::NewKey;
use crate::http::{Head, METHODS, RawRequest, RawResponse};
use crate::key::{AccessLevel, Keyspace, UserId};

/// The filebin dialect.
///
/// ```
/// use keyward::dialect::{Dialect, Filebin};
/// let filebin = Filebin::new("https://keys.example.org");
/// assert!(filebin.claims("/api/v2.0.0/user/apikeys"));
/// assert!(!filebin.claims("/v1/keys"));
/// ```
#[derive(Clone, Debug)]
pub struct Filebin {
    site_url: String,
    keyspace: Keyspace,
}

impl Filebin {
    /// The dialect at `site_url`, the address of the home page; its last slash may be left out.
    pub fn new(site_url: &str) -> Self {
        Self { site_url: format!("{}/", site_url.trim_end_matches('/')), keyspace: Keyspace::FILEBIN }
    }

    fn carry_out(
        &self,
        service: &Service,
        client: Option<IpAddr>,
        request: Request,
    ) -> Result<Answer, Refusal> {
        let caller = self.authenticate(service, client, &request)?;
        let have = AccessLevel::of(caller.level());
        if have < AccessLevel::Full {
            return Err(Refusal::LevelTooLow { need: AccessLevel::Full, have });
        }
        let owner = caller.id().ok_or(Refusal::Undecided)?;
        match request.action? {
            Action::List => self.list(service, &caller, owner),
            Action::Create { level, comment } => {
                let key = NewKey::new(*self.keyspace.name(), owner, level.level());
                let command = CreateKey(NewKey { comment, ..key });
                let KeyWithText { text: issued, .. } = service.run(&caller, command)?;
                Ok(Answer::Created(issued.reveal()))
            }
            Action::Delete { key } => {
                let named = KeyRef::OwnText { keyspace: self.keyspace, text: key.clone() };
                service.run(&caller, DeleteKey(named))?;
                Ok(Answer::Deleted(key))
            }
        }
    }

    /// A login that is given has to be right; a key that is given as well then takes its place.
    fn authenticate(
        &self,
        service: &Service,
        client: Option<IpAddr>,
        request: &Request,
    ) -> Result<Caller, Refusal> {
        let by_login = match &request.login {
            None => None,
            Some(login) => {
                let password = login.password.as_ref().ok_or(Refusal::LoginFailed)?;
                Some(service.authenticator().by_password(&login.username, password, client)?.into())
            }
        };
        match &request.key {
            Some(text) => {
                service.authenticator().by_key(&self.keyspace, text, client).map_err(Refusal::of_key)
            }
            None => by_login.ok_or(Refusal::NotAuthenticated),
        }
    }

    fn list(&self, service: &Service, caller: &Caller, owner: UserId) -> Result<Answer, Refusal> {
        let command = ListKeys {
            owner: UserRef::Id(owner),
            keyspace: Some(*self.keyspace.name()),
            after: None,
            limit: None,
            texts: true,
        };
        let KeyPage { keys: rows, .. } = service.run(caller, command)?;
        // The answer is indexed by texts, so it omits a key whose text cannot be shown to this caller.
        let listed = rows.into_iter().filter_map(|(key, text)| Some(ListedKey::new(&key, text?)));
        Ok(Answer::Listed(listed.collect()))
    }
}

impl Dialect for Filebin {
    fn claims(&self, path: &str) -> bool {
        path::claimed(path)
    }

    fn specificity(&self, _head: &Head<'_>) -> Specificity {
        Specificity::Prefix { bytes: "/api".len() }
    }

    fn error_response(&self, _path: &str, failure: Failure) -> RawResponse {
        let refusal = match failure {
            Failure::Busy => Refusal::Unavailable,
            Failure::Broken => Refusal::Undecided,
        };
        encode(&self.site_url, Err(refusal))
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        // PHP looks at no method; what is none of HTTP's own for such requests does not reach it.
        if !METHODS.split(", ").any(|method| method == request.method) {
            return encode(&self.site_url, Err(Refusal::MethodNotAllowed));
        }
        let answer = decode(request).and_then(|asked| self.carry_out(service, request.client, asked));
        encode(&self.site_url, answer)
    }
}
