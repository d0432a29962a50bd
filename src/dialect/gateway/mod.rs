//! Forward authentication under `/auth/{keyspace}`: a gateway that holds a request asks whether to let it through.
//!
//! ```text
//! any method   /auth/{keyspace}…?for=nginx|traefik|caddy|envoy|haproxy  &level= or &permission=  &limit= &cost=
//! any method   /auth/{keyspace};for=envoy;level=2/the/client's/own/path?and=query
//! ```
//!
//! 200 allows. 401 and 403 say why not as RFC 6750 has it, 429 when to come back; what a gateway cannot pass on is
//! translated. `X-Key-Status` is always the status before translation. 503 means that the key could not be judged. No
//! answer may be stored by a cache.
//!
//! A gateway with a wrong configuration gets 403 and not 500, since some gateways let requests pass at a 5xx. The log
//! says what is wrong.

mod answer;
mod options;
mod preset;
#[cfg(test)]
mod tests;

pub use preset::Preset;

use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::options::GatewayOptions;
use super::denial::{self, CHALLENGE, Denial, key_for};
use super::{Dialect, Specificity, TryAnswer};
use crate::command::{Service, VerdictWithOwner, VerifyCaller, VerifyGrantError};
use crate::engine::{EngineError, WaitPolicy};
use crate::http::{Body, Head, METHODS, Presented, RawRequest, RawResponse, TwoKeys};
use crate::limits;
use crate::verify::{DenyReason, VerifyRequest};

/// The dialect of gateways.
///
/// ```
/// use keyward::dialect::{Dialect, Gateway};
/// assert!(Gateway::default().claims("/auth/native/v1/books"));
/// assert!(!Gateway::default().claims("/authenticate"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    open: bool,
    /// Time of the last logged mistake, in seconds since 1970: clients can cause any number of mistakes.
    warned: Arc<AtomicU64>,
}

impl Gateway {
    /// Asks for no service key, whatever the address.
    ///
    /// # Security
    /// Every client that reaches the server can then guess keys.
    #[must_use]
    pub fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// `None` when it takes more patience than there is.
    fn decide(&self, service: &Service, head: &Head<'_>, patience: WaitPolicy) -> Option<RawResponse> {
        if patience == WaitPolicy::NoWait && self.may_wait(service, head) {
            return None;
        }
        Some(self.decided(service, head, patience))
    }

    fn may_wait(&self, service: &Service, head: &Head<'_>) -> bool {
        service.may_wait(VerifyCaller::Sender(head), self.open, || {
            let wanted = GatewayOptions::of(head.path, head.query).ok()?;
            let key = key_of(&wanted, head).ok()??;
            Some(service.waits_for(&VerifyRequest {
                client: head.client,
                ..VerifyRequest::new(&wanted.keyspace, key.reveal())
            }))
        })
    }

    fn decided(&self, service: &Service, head: &Head<'_>, patience: WaitPolicy) -> RawResponse {
        // Allowing these would open a tunnel, or show the client the fields that the API is told.
        if matches!(head.method, "CONNECT" | "TRACE") {
            return answer::refused(Preset::Plain, 405).with_header("allow", METHODS);
        }
        let wanted = match GatewayOptions::of(head.path, head.query) {
            Ok(wanted) => wanted,
            Err(mistake) => {
                self.warn(service, mistake.problem);
                let mut refused = answer::refused(mistake.preset, 400);
                // Never a status that a gateway takes for our failure.
                refused.status = 403;
                return refused;
            }
        };
        let verifying = match service.verify_grant(VerifyCaller::Sender(head), self.open, patience) {
            Ok(verifying) => verifying,
            Err(VerifyGrantError::Undecided(error)) => return undecided(&wanted, &error),
            Err(refused) => {
                tracing::debug!(reason = %refused, "a gateway was refused");
                self.warn(service, "X-Service-Key is missing or not good");
                let challenge = answer::refused(wanted.preset, 401);
                return challenge.with_header("www-authenticate", CHALLENGE);
            }
        };
        let key = match key_of(&wanted, head) {
            Ok(Some(key)) => key,
            Ok(None) => return answer::denied(wanted.preset, Denial::NoKey),
            Err(_) => return answer::denied(wanted.preset, Denial::TwoKeys),
        };
        let request = VerifyRequest {
            keyspace: &wanted.keyspace,
            text: key.reveal(),
            client: head.client,
            level: wanted.level,
            spend: wanted.spend,
            patience,
        };
        match verifying.verify(&request) {
            Ok(VerdictWithOwner::Allow(identity, owner)) => answer::allowed(&identity, &owner),
            Ok(VerdictWithOwner::Deny(reason)) => {
                tracing::debug!(reason = reason.code(), "denied");
                if reason == DenyReason::NoSuchLimit {
                    self.warn(service, "a key has no rate limit of the name that is asked for");
                }
                answer::denied(wanted.preset, Denial::of(reason, wanted.level))
            }
            Err(error) => undecided(&wanted, &error),
        }
    }

    /// Logs what is wrong with a gateway's configuration, once in a while.
    fn warn(&self, service: &Service, problem: &'static str) {
        let now = service.now().unix_seconds();
        let last = self.warned.load(Ordering::Relaxed);
        let due = last == 0 || now.saturating_sub(last) >= limits::GATEWAY_WARNING_SECONDS;
        if due && self.warned.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            tracing::warn!(problem, "a gateway asks in a wrong way; such requests through it are refused");
        }
    }
}

/// The key that the client sent.
fn key_of<'a>(wanted: &GatewayOptions, head: &'a Head<'a>) -> Result<Option<Presented<'a>>, TwoKeys> {
    let queries = iter::once_with(|| wanted.preset.original_query(head)).chain([head.query]);
    key_for(&wanted.keyspace, head, queries)
}

fn undecided(wanted: &GatewayOptions, error: &EngineError) -> RawResponse {
    denial::log_undecided("gateway", error);
    answer::undecided(wanted.preset, limits::UNDECIDED_RETRY_AFTER_SECONDS)
}

impl Dialect for Gateway {
    fn claims(&self, path: &str) -> bool {
        path.starts_with("/auth/")
    }

    fn specificity(&self, head: &Head<'_>) -> Specificity {
        // Most gateways call this path: the search for other claims ends here.
        if head.path.matches('/').count() == 2 {
            Specificity::Exact
        } else {
            Specificity::Pattern { literals: 1 }
        }
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        self.decided(service, &request.head(), WaitPolicy::MayWait)
    }

    fn try_answer(&self, service: &Service, head: &Head<'_>, _body: Option<&Body>) -> TryAnswer {
        let ready = service.verifies_at_once();
        let answer = ready.then(|| self.decide(service, head, WaitPolicy::NoWait)).flatten();
        answer.map_or(TryAnswer::WouldBlock, TryAnswer::Answer)
    }
}
