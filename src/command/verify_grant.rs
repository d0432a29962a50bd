//! Verifying keys on behalf of an API, and who may have keys verified.

use std::net::IpAddr;
use std::sync::Arc;

use thiserror::Error;

use super::{AuthenticateError, Service};
use crate::engine::{EngineError, WaitPolicy};
use crate::http::{Entrance, Head};
use crate::key::{Key, Keyspace, Level, Owner, Prefix, Spend};
use crate::verify::{DenyReason, Identity, Verdict, Verifier, VerifyRequest};

/// Caller who wants keys of other users verified.
#[derive(Clone, Copy)]
pub enum VerifyCaller<'a> {
    /// Operator of the machine.
    Operator,
    /// Client that sent this request, with a service key in `X-Service-Key` or without.
    Sender(&'a Head<'a>),
}

/// A caller may not have keys verified.
#[derive(Debug, Error)]
pub enum VerifyGrantError {
    /// The request needs a service key and has none.
    #[error("a service key is needed")]
    NoServiceKey,
    /// The service key was denied. Dialects answer all reasons alike.
    #[error("the service key was denied: {}", .0.code())]
    ServiceKey(DenyReason),
    /// Verifying the service key failed; never read this as a denial or as a grant.
    #[error(transparent)]
    Undecided(#[from] EngineError),
}

/// Verdict about a key, with the owner of an allowed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerdictWithOwner {
    /// The key is allowed: its identity and its owner.
    Allow(Identity, Arc<Owner>),
    /// The key is denied.
    Deny(DenyReason),
}

/// Right to have keys verified. Only [`Service::verify_grant`] gives it.
#[derive(Clone, Copy)]
pub struct VerifyGrant<'a> {
    verifier: &'a Verifier,
}

impl Service {
    /// Grants the right to have keys verified: to the operator; to clients at a local entrance, or at every entrance when
    /// `open` is set; and to clients with a native key of at least [`Level::SUPPORT`]. The allowlist of such a service key is
    /// compared with the peer, the gateway, and not with the client that the gateway names.
    ///
    /// # Errors
    /// [`VerifyGrantError`]: each variant names the reason.
    ///
    /// # Security
    /// A client with the grant can try key texts, and learns the owners of those that exist.
    pub fn verify_grant(
        &self,
        asker: VerifyCaller<'_>,
        open: bool,
        patience: WaitPolicy,
    ) -> Result<VerifyGrant<'_>, VerifyGrantError> {
        let verifying = VerifyGrant { verifier: &self.node.verifier };
        let Some((head, peer)) = needs_service_key(asker, open) else { return Ok(verifying) };
        let text = head.text("x-service-key").ok_or(VerifyGrantError::NoServiceKey)?;
        self.service_key(&VerifyRequest { patience, ..service_request(text, peer) }).map(|()| verifying)
    }

    /// Whether a request to verify may have to wait: for its service key, or for the key that it is about, as `key_waits`
    /// tells. `key_waits` is called only while there are salted hashes to wait for.
    pub fn may_wait(
        &self,
        asker: VerifyCaller<'_>,
        open: bool,
        key_waits: impl FnOnce() -> Option<bool>,
    ) -> bool {
        if !self.node.verifier.reader().has_salted_hashes() {
            return false;
        }
        let service_key = needs_service_key(asker, open).and_then(|(head, peer)| {
            Some(self.waits_for(&service_request(head.text("x-service-key")?, peer)))
        });
        service_key.unwrap_or(false) || key_waits().unwrap_or(false)
    }

    /// Number of keys with this beginning that still have a salted hash, as
    /// [`Reader::salted_beside`](crate::engine::Reader::salted_beside) counts them.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn salted_beside(&self, beginning: &Prefix) -> Result<usize, EngineError> {
        self.node.verifier.reader().salted_beside(beginning)
    }

    /// Whether verifying this key may have to wait, as [`Verifier::may_wait`] tells.
    pub fn waits_for(&self, request: &VerifyRequest<'_>) -> bool {
        self.node.verifier.may_wait(request)
    }

    /// Returns the identity, the owner and the record of the presented key, at every level of it. Counts as a use, and spends
    /// nothing of its rate limits.
    ///
    /// # Errors
    /// [`AuthenticateError::Key`] when the key is denied, [`AuthenticateError::Undecided`] when verifying failed.
    pub fn own_key(
        &self,
        keyspace: &Keyspace,
        text: &str,
        client: Option<IpAddr>,
    ) -> Result<(Identity, Arc<Owner>, Key), AuthenticateError> {
        let spend = Spend { limit: None, cost: 0 };
        let request = VerifyRequest { client, spend, ..VerifyRequest::new(keyspace, text) };
        match (VerifyGrant { verifier: &self.node.verifier }).verify(&request)? {
            VerdictWithOwner::Deny(reason) => Err(AuthenticateError::Key(reason)),
            VerdictWithOwner::Allow(identity, owner) => match self.node.engine.reader().key(identity.key)? {
                Some(key) => Ok((identity, owner, key)),
                None => Err(AuthenticateError::Key(DenyReason::Unknown)),
            },
        }
    }

    fn service_key(&self, request: &VerifyRequest<'_>) -> Result<(), VerifyGrantError> {
        match self.node.verifier.verify(request)? {
            Verdict::Allow(_) => Ok(()),
            Verdict::Deny(reason) => Err(VerifyGrantError::ServiceKey(reason)),
        }
    }
}

/// Returns the head and the peer of a request that needs a service key; `None` when it needs none.
fn needs_service_key<'a>(asker: VerifyCaller<'a>, open: bool) -> Option<(&'a Head<'a>, IpAddr)> {
    match asker {
        VerifyCaller::Sender(head) if !open => match head.entrance {
            Entrance::Local => None,
            Entrance::Network { peer } => Some((head, peer)),
        },
        VerifyCaller::Sender(_) | VerifyCaller::Operator => None,
    }
}

/// Returns the request that verifies a service key.
fn service_request(text: &str, peer: IpAddr) -> VerifyRequest<'_> {
    let request = VerifyRequest::new(&Keyspace::NATIVE, text);
    VerifyRequest { client: Some(peer), level: Level::SUPPORT, ..request }
}

impl<'a> VerifyGrant<'a> {
    /// Verifies a key, as [`Verifier::verify`] does, and finds its owner.
    ///
    /// # Errors
    /// [`EngineError`] when verifying failed; must never be read as allow.
    pub fn verify(&self, request: &VerifyRequest<'_>) -> Result<VerdictWithOwner, EngineError> {
        self.decision(self.verifier.verify(request)?)
    }

    /// Verifies many keys, as [`Verifier::verify_all`] does, and finds their owners.
    ///
    /// # Errors
    /// For each key as [`VerifyGrant::verify`].
    pub fn verify_all(
        self,
        requests: &'a [VerifyRequest<'a>],
    ) -> impl Iterator<Item = Result<VerdictWithOwner, EngineError>> {
        self.verifier.verify_all(requests).map(move |verdict| self.decision(verdict?))
    }

    fn decision(&self, verdict: Verdict) -> Result<VerdictWithOwner, EngineError> {
        Ok(match verdict {
            Verdict::Deny(reason) => VerdictWithOwner::Deny(reason),
            // Removing the owner between the two reads removed the key, too.
            Verdict::Allow(identity) => match self.verifier.owner(identity.user)? {
                Some(owner) => VerdictWithOwner::Allow(identity, owner),
                None => VerdictWithOwner::Deny(DenyReason::OwnerGone),
            },
        })
    }
}
