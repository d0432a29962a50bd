//! Verdicts as JSON, and what is left of a rate limit as header fields.

use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::clock::Timestamp;
use crate::command::VerdictWithOwner;
use crate::dialect::denial::Denial;
use crate::dialect::native::encode::{KeyJson, expires_at, json};
use crate::dialect::native::refusal::{self, Refusal};
use crate::http::RawResponse;
use crate::key::{CompanyId, Key, KeyId, Level, Owner, Quota};
use crate::verify::{DenyReason, Identity};

/// A verdict with its reason.
pub(super) fn client_message(decision: &VerdictWithOwner) -> RawResponse {
    json(200, &VerdictJson::of(decision))
}

/// The answer to a request without a key.
pub(super) fn no_key() -> RawResponse {
    json(200, &DeniedJson { valid: false, code: "no_key", rate_limit: None, retry_after_seconds: None })
}

/// The key is good for what was asked.
pub(super) fn allowed(identity: &Identity, owner: &Owner) -> RawResponse {
    json(200, &AllowedJson::of(identity, owner))
}

/// One verdict or problem for each key, in their order.
pub(super) fn batch(decided: Vec<Result<VerdictWithOwner, Refusal>>) -> RawResponse {
    let results = decided.iter().map(|decided| match decided {
        Ok(decision) => VerdictJson::of(decision),
        Err(problem) => VerdictJson::Problem(problem.body()),
    });
    json(200, &BatchJson { results: results.collect() })
}

/// A caller's own key.
pub(super) fn own(identity: &Identity, owner: &Owner, key: &Key, now: Timestamp) -> RawResponse {
    let key = KeyJson::of(key, Some(&owner.username), now);
    json(200, &OwnJson { verdict: AllowedJson::of(identity, owner), key })
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct BatchJson<'a> {
    results: Vec<VerdictJson<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct OwnJson<'a> {
    #[serde(flatten)]
    verdict: AllowedJson<'a>,
    key: KeyJson<'a>,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum VerdictJson<'a> {
    Allowed(AllowedJson<'a>),
    Denied(DeniedJson<'a>),
    Problem(refusal::Body),
}

impl<'a> VerdictJson<'a> {
    fn of(decision: &'a VerdictWithOwner) -> Self {
        let reason = match decision {
            VerdictWithOwner::Allow(identity, owner) => {
                return Self::Allowed(AllowedJson::of(identity, owner));
            }
            VerdictWithOwner::Deny(reason) => reason,
        };
        let rate_limit = match reason {
            DenyReason::RateLimited { quota, .. } => Some(quota.into()),
            DenyReason::Malformed
            | DenyReason::Unknown
            | DenyReason::WrongKeyspace
            | DenyReason::Suspended
            | DenyReason::Revoked
            | DenyReason::RotatedOut
            | DenyReason::OwnerGone
            | DenyReason::OwnerNotActive
            | DenyReason::Expired
            | DenyReason::AddressNotAllowed
            | DenyReason::LevelTooLow { .. }
            | DenyReason::NoSuchLimit => None,
        };
        let retry_after_seconds = Denial::of(*reason, Level::AUTHENTICATE).retry_after();
        Self::Denied(DeniedJson { valid: false, code: reason.code(), rate_limit, retry_after_seconds })
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct DeniedJson<'a> {
    valid: bool,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<QuotaJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct AllowedJson<'a> {
    valid: bool,
    code: &'static str,
    #[serde(serialize_with = "shown")]
    #[schemars(with = "String")]
    key_id: KeyId,
    user: &'a str,
    user_id: u64,
    #[schemars(with = "Option<String>")]
    company: Option<Shown<CompanyId>>,
    keyspace: &'a str,
    level: u8,
    expires_at: Option<String>,
    rate_limit: Option<QuotaJson<'a>>,
}

impl<'a> AllowedJson<'a> {
    fn of(identity: &'a Identity, owner: &'a Owner) -> Self {
        Self {
            valid: true,
            code: "valid",
            key_id: identity.key,
            user: owner.username.as_str(),
            user_id: identity.user.0,
            company: owner.company.map(Shown),
            keyspace: identity.keyspace.as_str(),
            level: identity.level.number(),
            expires_at: expires_at(identity.expiry),
            rate_limit: identity.quota.as_ref().map(QuotaJson::from),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct QuotaJson<'a> {
    name: &'a str,
    count: u32,
    seconds: u32,
    burst: u32,
    remaining: u32,
    reset_seconds: u64,
}

impl<'a> From<&'a Quota> for QuotaJson<'a> {
    fn from(quota: &'a Quota) -> Self {
        Self {
            name: quota.limit.name.as_str(),
            count: quota.limit.count.get(),
            seconds: quota.limit.seconds.get(),
            burst: quota.limit.burst.get(),
            remaining: quota.remaining,
            reset_seconds: quota.reset_ms.div_ceil(1_000),
        }
    }
}

/// Written as it is shown, without a text in between.
#[derive(Serialize)]
struct Shown<T: Display>(#[serde(serialize_with = "shown")] T);

fn shown<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}
