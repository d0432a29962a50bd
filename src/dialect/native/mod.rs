//! keyward's own JSON API under `/v1`: users, companies, keys, the audit, verifying and the check of the store.
//!
//! ```text
//! GET POST          /v1/users                     ?company= &after= &limit=
//! GET PATCH DELETE  /v1/users/{username}
//! PUT               /v1/users/{username}/password
//! GET POST          /v1/companies                 ?after= &limit=
//! GET PATCH DELETE  /v1/companies/{id}
//! GET               /v1/keyspaces
//! GET               /v1/keyspaces/{name}
//! GET POST          /v1/keys                      ?owner= &keyspace= &state= &prefix= &after= &limit=
//! GET PATCH DELETE  /v1/keys/{id}
//! GET               /v1/keys/{id}/text
//! POST              /v1/keys/{id}/suspend  resume  rotate  revoke  undelete
//! GET               /v1/audit                     ?since= &until= &user= &action= &key= &after= &limit=
//! POST              /v1/audit/verify
//! POST              /v1/import                    ?dry_run= &keyspace= &owner= &level=
//! POST              /v1/check
//!
//! POST              /v1/verify                    200 for every verdict; with ?status=true the verdict's own status
//! POST              /v1/verify/batch              up to 1,000 keys
//! GET               /v1/self                      a caller's own key
//! ```
//!
//! `GET /openapi.json` describes all of it. The last three have rules of their own. The others are for the operator of
//! the machine, and over the network for callers that present a native key, or a name and a password by HTTP Basic,
//! within their rights. Pieces of a backup, the peppers' numbers and the clock have addresses on the control socket
//! alone; over the network no caller has them, whatever its level.
//!
//! Bodies and answers are JSON; a field that is left out keeps its value, `null` clears it, an unknown one is
//! refused. Refusals are `application/problem+json` (RFC 9457) with a stable `code`.

mod caller;
mod decode;
mod encode;
mod manage;
mod openapi;
mod page;
mod refusal;
mod route;
#[cfg(test)]
mod tests;
mod verify;
mod welcome;

pub use welcome::Welcome;

use self::manage::RequestContext;
use self::refusal::Refusal;
use self::route::Target;
use self::verify::Verify;
use super::{Dialect, Failure, Specificity, TryAnswer};
use crate::command::{Caller, Service};
use crate::engine::WaitPolicy;
use crate::http::{Body, Head, RawRequest, RawResponse};
use crate::limits;

/// Where the API describes itself.
const OPENAPI: &str = "/openapi.json";

/// keyward's own JSON API: all of it for the operator of the machine, or the public part.
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
    /// The API for the operator of the machine, who may do everything.
    ///
    /// # Security
    /// Serve it only where no other client can connect: on the control socket, or inside one process.
    pub const fn for_operator() -> Self {
        Self { side: Side::Operator }
    }

    /// The public API, within the rights of each caller.
    ///
    /// # Security
    /// Where others than this machine can connect, verifying takes a service key, unless it is `open`. Everything else
    /// takes a native key or a password wherever it comes from.
    pub const fn for_everyone(open: bool) -> Self {
        Self { side: Side::Public { open } }
    }

    /// The answer to a request that was not carried out. Messages of the system are for the operator alone.
    fn report(&self, problem: Refusal) -> RawResponse {
        match self.side {
            Side::Operator => problem.response(),
            Side::Public { .. } => problem.outside().response(),
        }
    }

    fn verify<'a>(
        &self,
        service: &'a Service,
        head: &'a Head<'a>,
        body: &'a Body,
        patience: WaitPolicy,
    ) -> Verify<'a> {
        Verify { side: self.side, service, head, body, patience }
    }
}

impl Dialect for Native {
    fn claims(&self, path: &str) -> bool {
        path == OPENAPI
            || path.strip_prefix("/v1").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn specificity(&self, head: &Head<'_>) -> Specificity {
        match head.path {
            // The busiest: the search for other claims ends here.
            "/v1/verify" | "/v1/verify/batch" | "/v1/self" | OPENAPI => Specificity::Exact,
            _ => Specificity::Prefix { bytes: "/v1".len() },
        }
    }

    fn error_response(&self, _path: &str, failure: Failure) -> RawResponse {
        match failure {
            Failure::Busy => Refusal::Overloaded.response(),
            Failure::Broken => Refusal::Unexpected.response(),
        }
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        let head = request.head();
        if head.path == OPENAPI {
            return match head.method {
                "GET" | "HEAD" => openapi::answer(),
                _ => Refusal::Method { allowed: "GET, HEAD" }.response(),
            };
        }
        let verify = self.verify(service, &head, &request.body, WaitPolicy::MayWait);
        let answer = match (Target::of(head.path), self.side) {
            (Err(problem), _) => Err(problem),
            // These addresses do not exist over the network.
            (Ok(Target::Backup | Target::Peppers | Target::Clock), Side::Public { .. }) => {
                Err(Refusal::NoSuchAddress)
            }
            (Ok(target), _) if target.is_verifying() => verify.answer(&target),
            (Ok(target), Side::Operator) => {
                let caller = &Caller::operator();
                RequestContext { caller, service, request }.answer(target)
            }
            (Ok(target), Side::Public { .. }) => caller::caller(service, &head)
                .and_then(|caller| RequestContext { caller: &caller, service, request }.answer(target)),
        };
        answer.unwrap_or_else(|problem| self.report(problem))
    }

    fn try_answer(&self, service: &Service, head: &Head<'_>, body: Option<&Body>) -> TryAnswer {
        let (true, Ok(target @ (Target::Verify | Target::VerifyBatch))) =
            (service.verifies_at_once(), Target::of(head.path))
        else {
            return TryAnswer::WouldBlock;
        };
        match body {
            None => TryAnswer::WantsBody,
            Some(body) if body.bytes().len() > limits::VERIFY_AT_ONCE_BYTES_MAX => TryAnswer::WouldBlock,
            Some(body) => {
                let verify = self.verify(service, head, body, WaitPolicy::NoWait);
                if verify.may_wait(&target) {
                    return TryAnswer::WouldBlock;
                }
                let answer = verify.answer(&target);
                TryAnswer::Answer(answer.unwrap_or_else(|problem| self.report(problem)))
            }
        }
    }
}
