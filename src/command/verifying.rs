//! Verifying keys on behalf of an API, and who may.

use std::net::IpAddr;
use std::sync::Arc;

use thiserror::Error;

use super::{AuthenticateError, Service};
use crate::engine::{EngineError, Patience};
use crate::http::{Entrance, Head};
use crate::key::{Key, Keyspace, Level, Owner, Prefix, Spend};
use crate::verify::{DenyReason, Identity, Verdict, Verifier, VerifyRequest};

/// Who wants other people's keys verified.
#[derive(Clone, Copy)]
pub enum Asker<'a> {
    /// Whoever owns the machine.
    Operator,
    /// Whoever sent this, with a key for the right to ask in `X-Service-Key` or without.
    Sender(&'a Head<'a>),
}

/// Who may not have keys verified, and why.
#[derive(Debug, Error)]
pub enum VerifyingError {
    /// No service key was presented where one is needed.
    #[error("a service key is needed")]
    NoServiceKey,
    /// The one presented is not good for it. Outside, all reasons are one answer.
    #[error("the service key was denied: {}", .0.code())]
    ServiceKey(DenyReason),
    /// It could not be decided; never read it as a refusal or as leave.
    #[error(transparent)]
    Undecided(#[from] EngineError),
}

/// What was decided about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is good for what was asked: whom it stands for.
    Allow(Identity, Arc<Owner>),
    /// It is not.
    Deny(DenyReason),
}

/// The right to have keys verified. Only this layer grants it.
#[derive(Clone, Copy)]
pub struct Verifying<'a> {
    verifier: &'a Verifier,
}

impl Service {
    /// Grants the right to have keys verified: to the owner of the machine; to whoever comes in at a local entrance,
    /// or at any where `open` says so; elsewhere to whoever presents a native key of at least [`Level::SUPPORT`].
    ///
    /// # Errors
    /// [`VerifyingError`]: each variant says why not.
    ///
    /// # Security
    /// Whoever may verify can try out keys, and learns whom they stand for.
    pub fn verifying(
        &self,
        asker: Asker<'_>,
        open: bool,
        patience: Patience,
    ) -> Result<Verifying<'_>, VerifyingError> {
        let verifying = Verifying { verifier: &self.verifier };
        let Some((head, peer)) = needs_service_key(asker, open) else { return Ok(verifying) };
        let text = head.text("x-service-key").ok_or(VerifyingError::NoServiceKey)?;
        self.service_key(&VerifyRequest { patience, ..service_request(text, peer) }).map(|()| verifying)
    }

    /// Whether a request to verify may take waiting: for its service key, or where `key_waits` says so of the key that
    /// it is about. That is asked only where there are keys to wait for.
    pub fn may_wait(&self, asker: Asker<'_>, open: bool, key_waits: impl FnOnce() -> Option<bool>) -> bool {
        if !self.verifier.reader().knows_salted_keys() {
            return false;
        }
        let service_key = needs_service_key(asker, open).and_then(|(head, peer)| {
            Some(self.waits_for(&service_request(head.text("x-service-key")?, peer)))
        });
        service_key.unwrap_or(false) || key_waits().unwrap_or(false)
    }

    /// How many keys that begin so have a salted hash left, as [`Reader::salted_beside`](crate::engine::Reader::salted_beside)
    /// counts them.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn salted_beside(&self, beginning: &Prefix) -> Result<usize, EngineError> {
        self.verifier.reader().salted_beside(beginning)
    }

    /// Whether deciding about this key takes waiting, as [`Verifier::may_wait`] says.
    pub fn waits_for(&self, request: &VerifyRequest<'_>) -> bool {
        self.verifier.may_wait(request)
    }

    /// What a caller may know of their own key, whatever its level: whom it stands for, and its record. Counts as a
    /// use, spends nothing.
    ///
    /// # Errors
    /// [`AuthenticateError::Key`] when it is denied, [`AuthenticateError::Undecided`] when that could not be told.
    pub fn own_key(
        &self,
        keyspace: &Keyspace,
        text: &str,
        client: Option<IpAddr>,
    ) -> Result<(Identity, Arc<Owner>, Key), AuthenticateError> {
        let spend = Spend { limit: None, cost: 0 };
        let request = VerifyRequest { client, spend, ..VerifyRequest::new(keyspace, text) };
        match (Verifying { verifier: &self.verifier }).verify(&request)? {
            Decision::Deny(reason) => Err(AuthenticateError::Key(reason)),
            Decision::Allow(identity, owner) => match self.engine.reader().key(identity.key)? {
                Some(key) => Ok((identity, owner, key)),
                None => Err(AuthenticateError::Key(DenyReason::Unknown)),
            },
        }
    }

    fn service_key(&self, request: &VerifyRequest<'_>) -> Result<(), VerifyingError> {
        match self.verifier.verify(request)? {
            Verdict::Allow(_) => Ok(()),
            Verdict::Deny(reason) => Err(VerifyingError::ServiceKey(reason)),
        }
    }
}

/// Where the sender needs a service key: what was sent, and by whom.
fn needs_service_key<'a>(asker: Asker<'a>, open: bool) -> Option<(&'a Head<'a>, IpAddr)> {
    match asker {
        Asker::Sender(head) if !open => match head.entrance {
            Entrance::Local => None,
            Entrance::Network { peer } => Some((head, peer)),
        },
        Asker::Sender(_) | Asker::Operator => None,
    }
}

/// What a service key has to be good for.
fn service_request(text: &str, peer: IpAddr) -> VerifyRequest<'_> {
    let request = VerifyRequest::new(&Keyspace::NATIVE, text);
    VerifyRequest { client: Some(peer), level: Level::SUPPORT, ..request }
}

impl<'a> Verifying<'a> {
    /// Decides about a key, as [`Verifier::verify`] does, and finds its owner.
    ///
    /// # Errors
    /// [`EngineError`] means "could not decide" and must never be read as allow.
    pub fn verify(&self, request: &VerifyRequest<'_>) -> Result<Decision, EngineError> {
        self.decision(self.verifier.verify(request)?)
    }

    /// Decides about many keys, as [`Verifier::verify_all`] does, and finds their owners.
    ///
    /// # Errors
    /// Of each as [`Verifying::verify`].
    pub fn verify_all(
        self,
        requests: &'a [VerifyRequest<'a>],
    ) -> impl Iterator<Item = Result<Decision, EngineError>> {
        self.verifier.verify_all(requests).map(move |verdict| self.decision(verdict?))
    }

    fn decision(&self, verdict: Verdict) -> Result<Decision, EngineError> {
        Ok(match verdict {
            Verdict::Deny(reason) => Decision::Deny(reason),
            // An owner who was removed in between takes the key along.
            Verdict::Allow(identity) => match self.verifier.owner(identity.user)? {
                Some(owner) => Decision::Allow(identity, owner),
                None => Decision::Deny(DenyReason::OwnerGone),
            },
        })
    }
}
