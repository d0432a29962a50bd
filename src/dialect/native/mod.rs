//! keyward's own JSON API under `/v1`: users, keys, verifying and the check of the store.
//!
//! ```text
//! GET POST          /v1/users                     ?after= &limit=
//! GET PATCH DELETE  /v1/users/{username}
//! PUT               /v1/users/{username}/password
//! GET POST          /v1/keys                      ?owner= &keyspace= &after= &limit=
//! GET PATCH DELETE  /v1/keys/{id}
//! POST              /v1/keys/{id}/suspend  resume  rotate  revoke
//! POST              /v1/check
//!
//! POST              /v1/verify                    200 for every verdict; with ?status=true the verdict's own status
//! POST              /v1/verify/batch              up to 1,000 keys
//! GET               /v1/self                      a caller's own key
//! ```
//!
//! The last three are for everyone, the others for the machine's owner alone.
//!
//! Bodies and answers are JSON; a field that is left out keeps its value, `null` clears it, an unknown one is
//! refused. Refusals are `application/problem+json` (RFC 9457) with a stable `code`.

mod body;
mod decode;
mod encode;
mod problem;
mod route;
#[cfg(test)]
mod tests;
mod verdict;
mod verify;
#[cfg(test)]
mod verify_tests;
mod wanted;

use self::body::{KeyPatch, NewKeyBody, NewUserBody, PasswordBody, RevokeBody, RotateBody, UserPatch};
use self::problem::Problem;
use self::route::{KeyAction, Target};
use self::verify::Verify;
use super::{Dialect, Prompt};
use crate::command::{Caller, Command, CommandError, KeyRef, Outcome, Service, UserRef};
use crate::engine::{EngineError, IndexState, KeyChange};
use crate::exchange::{Body, Head, RawRequest, RawResponse};
use crate::key::{Key, KeyId, User, UserId, Username};
use crate::limits;

/// keyward's own JSON API: all of it for the machine's owner, and what is for everyone.
///
/// ```
/// use keyward::dialect::{Dialect, Native};
/// assert!(Native::for_operator().claims("/v1/users/flo"));
/// assert!(!Native::for_operator().claims("/v10"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Native {
    side: Side,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Operator,
    Public { open: bool },
}

impl Native {
    /// The API for whoever owns the machine, who may do everything.
    ///
    /// # Security
    /// Serve it only where nobody else can connect: on the control socket, or in one's own process.
    pub const fn for_operator() -> Self {
        Self { side: Side::Operator }
    }

    /// What is for everyone: verifying, and a look at one's own key.
    ///
    /// # Security
    /// Where others than this machine can connect, verifying takes a service key, unless it is `open`.
    pub const fn for_everyone(open: bool) -> Self {
        Self { side: Side::Public { open } }
    }

    fn verify<'a>(&self, service: &'a Service, head: &'a Head<'a>, body: &'a Body) -> Verify<'a> {
        Verify { side: self.side, service, head, body }
    }
}

impl Dialect for Native {
    fn claims(&self, path: &str) -> bool {
        path.strip_prefix("/v1").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        let head = request.head();
        let verify = self.verify(service, &head, &request.body);
        let answer = match (Target::of(head.path), self.side) {
            (Err(problem), _) => Err(problem),
            (Ok(target), _) if target.is_public() => verify.answer(&target),
            (Ok(target), Side::Operator) => {
                let caller = &Caller::operator();
                Exchange { caller, service, request }.answer(target)
            }
            (Ok(_), Side::Public { .. }) => Err(Problem::NoSuchAddress),
        };
        answer.unwrap_or_else(|problem| problem.response())
    }

    fn prompt(&self, service: &Service, head: &Head<'_>, body: Option<&Body>) -> Prompt {
        let (IndexState::Ready, Ok(target @ (Target::Verify | Target::VerifyBatch))) =
            (service.index_state(), Target::of(head.path))
        else {
            return Prompt::MayBlock;
        };
        match body {
            None => Prompt::WantsBody,
            Some(body) if body.bytes().len() > limits::VERIFY_AT_ONCE_BYTES_MAX => Prompt::MayBlock,
            Some(body) => {
                let answer = self.verify(service, head, body).answer(&target);
                Prompt::Answer(answer.unwrap_or_else(|problem| problem.response()))
            }
        }
    }
}

/// One request on its way to an answer.
struct Exchange<'a> {
    caller: &'a Caller,
    service: &'a Service,
    request: &'a RawRequest,
}

impl Exchange<'_> {
    fn answer(&self, target: Target) -> Result<RawResponse, Problem> {
        let method = match self.request.method.as_str() {
            // The server leaves the body out.
            "HEAD" => "GET",
            other => other,
        };
        match (target, method) {
            (Target::Users, "GET") => self.users(),
            (Target::Users, "POST") => self.add_user(),
            (Target::User(name), "GET") => self.user(Command::ShowUser(name)),
            (Target::User(name), "PATCH") => {
                let patch: UserPatch = decode::body(self.request)?;
                self.user(Command::UpdateUser(name, patch.into()))
            }
            (Target::User(name), "DELETE") => self.done(Command::RemoveUser(name)),
            (Target::Password(name), "PUT") => {
                let body: PasswordBody = decode::body(self.request)?;
                self.user(Command::SetPassword(name, body.password.0))
            }
            (Target::Keys, "GET") => self.keys(),
            (Target::Keys, "POST") => self.create_key(),
            (Target::Key(id), "GET") => self.key(Command::ShowKey(KeyRef::Id(id))),
            (Target::Key(id), "PATCH") => {
                let patch: KeyPatch = decode::body(self.request)?;
                let change = patch.change(self.service.now())?;
                self.key(Command::UpdateKey(KeyRef::Id(id), change))
            }
            (Target::Key(id), "DELETE") => self.done(Command::DeleteKey(KeyRef::Id(id))),
            (Target::KeyAction(id, action), "POST") => self.act(KeyRef::Id(id), action),
            (Target::Check, "POST") => self.check(),
            (target, _) => Err(Problem::Method { allowed: target.methods() }),
        }
    }

    fn dispatch(&self, command: Command) -> Result<Outcome, Problem> {
        Ok(self.service.dispatch(self.caller, command)?)
    }

    fn users(&self) -> Result<RawResponse, Problem> {
        let [after, limit] = decode::query(&self.request.query, ["after", "limit"])?;
        let limit = decode::limit(limit)?;
        let after = after.map(|after| decode::parsed::<u64>("after", &after).map(UserId)).transpose()?;
        let Outcome::Users(users) = self.dispatch(Command::ListUsers { after, limit })? else {
            return Err(Problem::Unexpected);
        };
        Ok(encode::users(&users, limit))
    }

    fn add_user(&self) -> Result<RawResponse, Problem> {
        let body: NewUserBody = decode::body(self.request)?;
        let Outcome::User(user) = self.dispatch(Command::AddUser(body.draft()?))? else {
            return Err(Problem::Unexpected);
        };
        Ok(encode::added_user(&user))
    }

    fn user(&self, command: Command) -> Result<RawResponse, Problem> {
        let Outcome::User(user) = self.dispatch(command)? else {
            return Err(Problem::Unexpected);
        };
        Ok(encode::user(&user))
    }

    fn done(&self, command: Command) -> Result<RawResponse, Problem> {
        let Outcome::Done = self.dispatch(command)? else {
            return Err(Problem::Unexpected);
        };
        Ok(encode::done())
    }

    fn keys(&self) -> Result<RawResponse, Problem> {
        let [owner, keyspace, after, limit] =
            decode::query(&self.request.query, ["owner", "keyspace", "after", "limit"])?;
        let owner = owner.ok_or_else(|| Problem::invalid("owner is needed: whose keys to list"))?;
        let owner: Username = decode::parsed("owner", &owner)?;
        let command = Command::ListKeys {
            owner: UserRef::Name(owner.clone()),
            keyspace: keyspace.map(|name| decode::parsed("keyspace", &name)).transpose()?,
            after: after.map(|cursor| decode::parsed("after", &cursor)).transpose()?,
            limit: Some(decode::limit(limit)?),
            texts: false,
        };
        let Outcome::Keys(keys, next) = self.dispatch(command)? else {
            return Err(Problem::Unexpected);
        };
        Ok(encode::keys(&keys, &owner, next))
    }

    fn create_key(&self) -> Result<RawResponse, Problem> {
        let body: NewKeyBody = decode::body(self.request)?;
        let owner = self.find_user(UserRef::Name(body.owner.0.clone()))?;
        let draft = body.draft(owner.id, self.service.now())?;
        let Outcome::Issued(key, text) = self.dispatch(Command::CreateKey(draft))? else {
            return Err(Problem::Unexpected);
        };
        Ok(encode::issued(201, &key, Some(&owner.username), text))
    }

    fn key(&self, command: Command) -> Result<RawResponse, Problem> {
        let Outcome::Key(key) = self.dispatch(command)? else {
            return Err(Problem::Unexpected);
        };
        Ok(encode::key(&key, self.owner_of(&key)?.as_ref()))
    }

    fn act(&self, key: KeyRef, action: KeyAction) -> Result<RawResponse, Problem> {
        let switch = |active| KeyChange { active: Some(active), ..KeyChange::default() };
        match action {
            KeyAction::Suspend | KeyAction::Resume => {
                decode::no_body(self.request)?;
                self.key(Command::UpdateKey(key, switch(action == KeyAction::Resume)))
            }
            KeyAction::Revoke => {
                let body: RevokeBody = decode::body_or_default(self.request)?;
                self.key(Command::RevokeKey(key, body.reason()))
            }
            KeyAction::Rotate => {
                let body: RotateBody = decode::body_or_default(self.request)?;
                let command = Command::RotateKey { key, grace_ms: body.grace_ms() };
                let Outcome::Issued(key, text) = self.dispatch(command)? else {
                    return Err(Problem::Unexpected);
                };
                Ok(encode::issued(200, &key, self.owner_of(&key)?.as_ref(), text))
            }
        }
    }

    fn check(&self) -> Result<RawResponse, Problem> {
        decode::no_body(self.request)?;
        let Outcome::Checked(report) = self.dispatch(Command::Check)? else {
            return Err(Problem::Unexpected);
        };
        Ok(encode::report(&report))
    }

    fn find_user(&self, user: UserRef) -> Result<User, Problem> {
        let Outcome::User(user) = self.dispatch(Command::ShowUser(user))? else {
            return Err(Problem::Unexpected);
        };
        Ok(*user)
    }

    /// The login name of a key's owner; `None` when the owner was removed in between.
    fn owner_of(&self, key: &Key) -> Result<Option<Username>, Problem> {
        match self.find_user(UserRef::Id(key.owner)) {
            Ok(user) => Ok(Some(user.username)),
            Err(Problem::Command(CommandError::Engine(EngineError::NoSuchUser))) => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}
