//! Verify requests, and a caller's look at its own key.

pub(super) mod body;
pub(super) mod verdict;

use self::body::VerifyBody;
use super::encode::with_rate_limit;
use super::{Refusal, Side, Target, decode};
use crate::command::{AuthenticateError, Service, VerdictWithOwner, VerifyCaller, VerifyGrant};
use crate::dialect::denial::{Denial, key_for};
use crate::engine::{EngineError, WaitPolicy};
use crate::http::{Body, Form, Head, RawResponse};
use crate::key::Keyspace;
use crate::verify::VerifyRequest;

/// One request to verify.
pub(super) struct Verify<'a> {
    pub(super) side: Side,
    pub(super) service: &'a Service,
    pub(super) head: &'a Head<'a>,
    pub(super) body: &'a Body,
    pub(super) patience: WaitPolicy,
}

/// Form of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    /// In the body alone, with every reason.
    Body,
    /// By the status, and no more than may be told outside.
    Status,
}

impl Verify<'_> {
    pub(super) fn answer(&self, target: &Target) -> Result<RawResponse, Refusal> {
        match (target, self.head.method) {
            (Target::Verify, "POST") => self.one(),
            (Target::VerifyBatch, "POST") => self.batch(),
            (Target::Own, "GET" | "HEAD") => self.own(),
            (target, _) => Err(Refusal::Method { allowed: target.methods() }),
        }
    }

    /// Whether deciding takes waiting. What is wrong with the request is not looked at here.
    pub(super) fn may_wait(&self, target: &Target) -> bool {
        let (asker, open) = self.asker();
        self.service.may_wait(asker, open, || {
            if matches!(target, Target::VerifyBatch) { self.batch_waits() } else { self.one_waits() }
        })
    }

    fn one_waits(&self) -> Option<bool> {
        let mut form = Form::default();
        let bytes = decode::whole(self.body).ok()?;
        let wanted = body::one(self.head.text("content-type"), bytes, &mut form).ok()?;
        let sent = key_for(&wanted.keyspace, self.head, [self.head.query]).ok()?;
        let key = wanted.key.as_ref().or(sent.as_ref())?;
        Some(self.service.waits_for(&self.request(&wanted, key.reveal())))
    }

    fn batch_waits(&self) -> Option<bool> {
        let bytes = decode::whole(self.body).ok()?;
        let asked = body::batch(self.head.text("content-type"), bytes).ok()?;
        let mut keys = asked.iter().flatten().filter_map(|wanted| Some((wanted, wanted.key.as_ref()?)));
        Some(keys.any(|(wanted, key)| self.service.waits_for(&self.request(wanted, key.reveal()))))
    }

    fn one(&self) -> Result<RawResponse, Refusal> {
        let verifying = self.verify_grant()?;
        let [status, _] = decode::query(self.head.query, ["status", "api_key"])?;
        let telling = match status.as_deref() {
            None | Some("false") => Telling::Body,
            Some("true") => Telling::Status,
            Some(_) => return Err(Refusal::invalid("status must be true or false")),
        };
        let mut form = Form::default();
        let wanted = body::one(self.head.text("content-type"), decode::whole(self.body)?, &mut form)?;
        let decision = self.decide(verifying, &wanted)?;
        Ok(match (telling, decision) {
            (Telling::Body, None) => verdict::no_key(),
            (Telling::Body, Some(decision)) => verdict::client_message(&decision),
            (Telling::Status, None) => return Err(Refusal::Denied(Denial::NoKey)),
            (Telling::Status, Some(VerdictWithOwner::Deny(reason))) => {
                return Err(Refusal::Denied(Denial::of(reason, wanted.level)));
            }
            (Telling::Status, Some(VerdictWithOwner::Allow(identity, owner))) => {
                let response = verdict::allowed(&identity, &owner);
                match &identity.quota {
                    Some(quota) => with_rate_limit(response, quota),
                    None => response,
                }
            }
        })
    }

    fn batch(&self) -> Result<RawResponse, Refusal> {
        let verifying = self.verify_grant()?;
        let [] = decode::query(self.head.query, [])?;
        let asked = body::batch(self.head.text("content-type"), decode::whole(self.body)?)?;
        let request_of = |wanted| Some(self.request(wanted, wanted.key.as_ref()?.reveal()));
        let requests: Vec<_> = asked.iter().flatten().filter_map(request_of).collect();
        // All together: in less time than one after the other.
        let decided: Vec<_> = verifying.verify_all(&requests).map(logged).collect();
        let mut decided = decided.into_iter();
        let decided = asked.into_iter().map(|wanted| {
            wanted?;
            decided.next().unwrap_or(Err(Refusal::Unexpected))
        });
        Ok(verdict::batch(decided.collect()))
    }

    fn own(&self) -> Result<RawResponse, Refusal> {
        let [keyspace, _] = decode::query(self.head.query, ["keyspace", "api_key"])?;
        let keyspace = keyspace.map(|name| decode::parsed("keyspace", &name)).transpose()?;
        let keyspace = match keyspace {
            None => Keyspace::NATIVE,
            Some(name) => Keyspace::named(&name).ok_or(EngineError::NoSuchKeyspace)?,
        };
        let key = key_for(&keyspace, self.head, [self.head.query]);
        let key = key.map_err(|_| Refusal::Denied(Denial::TwoKeys))?.ok_or(Refusal::Denied(Denial::NoKey))?;
        match self.service.own_key(&keyspace, key.reveal(), self.head.client) {
            Ok((identity, owner, key)) => Ok(verdict::own(&identity, &owner, &key, self.service.now())),
            Err(AuthenticateError::Key(reason)) => {
                Err(Refusal::Denied(Denial::of(reason, crate::key::Level::AUTHENTICATE)))
            }
            Err(AuthenticateError::Password | AuthenticateError::NotActive(_)) => Err(Refusal::Unexpected),
            Err(AuthenticateError::Undecided(error)) => Err(Refusal::undecided(&error)),
        }
    }

    fn verify_grant(&self) -> Result<VerifyGrant<'_>, Refusal> {
        let (asker, open) = self.asker();
        Ok(self.service.verify_grant(asker, open, self.patience)?)
    }

    const fn asker(&self) -> (VerifyCaller<'_>, bool) {
        match self.side {
            Side::Operator => (VerifyCaller::Operator, false),
            Side::Public { open } => (VerifyCaller::Sender(self.head), open),
        }
    }

    const fn request<'w>(&self, wanted: &'w VerifyBody<'_>, text: &'w str) -> VerifyRequest<'w> {
        let VerifyBody { key: _, keyspace, address, level, spend } = wanted;
        let (client, patience) = (*address, self.patience);
        VerifyRequest { keyspace, text, client, level: *level, spend: *spend, patience }
    }

    /// `None` when there is no key.
    fn decide(
        &self,
        verifying: VerifyGrant<'_>,
        wanted: &VerifyBody<'_>,
    ) -> Result<Option<VerdictWithOwner>, Refusal> {
        let two = || Refusal::Denied(Denial::TwoKeys);
        let sent = key_for(&wanted.keyspace, self.head, [self.head.query]).map_err(|_| two())?;
        let key = match (&wanted.key, &sent) {
            (Some(given), Some(sent)) if !given.is(sent) => return Err(two()),
            (Some(key), _) | (None, Some(key)) => key,
            (None, None) => return Ok(None),
        };
        logged(verifying.verify(&self.request(wanted, key.reveal()))).map(Some)
    }
}

fn logged(decided: Result<VerdictWithOwner, EngineError>) -> Result<VerdictWithOwner, Refusal> {
    if let Ok(VerdictWithOwner::Deny(reason)) = &decided {
        tracing::debug!(reason = reason.code(), "denied");
    }
    decided.map_err(|error| Refusal::undecided(&error))
}
