//! Answers to gateways: facts in header fields, and as few as will do.

use std::borrow::Cow;

use super::Preset;
use crate::dialect::denial::Denial;
use crate::http::RawResponse;
use crate::key::{Expiry, Owner};
use crate::verify::Identity;

/// The header fields that name the owner of a key. All of them are in every answer that allows, empty if there is
/// nothing to say: a gateway that copies them would otherwise let those through that its client sent. Of a refusal no
/// gateway copies them, so there they are not.
const IDENTITY: [&str; 6] =
    ["x-key-id", "x-key-user", "x-key-level", "x-key-keyspace", "x-key-expires", "x-key-remaining"];

/// The key may be used.
pub(super) fn allowed(identity: &Identity, owner: &Owner) -> RawResponse {
    let expires = match identity.expiry {
        Expiry::Never => "".into(),
        Expiry::At(at) => at.to_string().into(),
    };
    let values: [Cow<'static, str>; IDENTITY.len()] = [
        identity.key.to_string().into(),
        owner.username.as_str().to_owned().into(),
        identity.level.digit().into(),
        identity.keyspace.as_str().to_owned().into(),
        expires,
        identity.quota.map(|quota| quota.remaining.to_string()).unwrap_or_default().into(),
    ];
    let mut response = answer(200, 200, values.len());
    response.headers.extend(IDENTITY.into_iter().zip(values));
    response
}

/// The key may not be used.
pub(super) fn denied(preset: Preset, denial: Denial) -> RawResponse {
    let mut response = refused(preset, denial.status());
    if let Some(challenge) = denial.challenge() {
        response = response.with_header("www-authenticate", challenge);
    }
    if let Some(seconds) = denial.retry_after() {
        response = response.with_header("retry-after", seconds.to_string());
    }
    if preset.has_body() {
        response = response.with_header("content-type", "application/problem+json");
        response.body = denial.problem();
    }
    response
}

/// The refusal of every request, for a reason that is not the key's.
pub(super) fn refused(preset: Preset, status: u16) -> RawResponse {
    answer(preset.status(status), status, 3)
}

/// The verdict is undecided.
pub(super) fn undecided(preset: Preset, retry_after_seconds: u32) -> RawResponse {
    refused(preset, 503).with_header("retry-after", retry_after_seconds.to_string())
}

/// `real` is what the status would be if the gateway took every status; `more` fields will be added. What was decided
/// holds for one request, so no cache may keep it.
fn answer(status: u16, real: u16, more: usize) -> RawResponse {
    let mut headers = Vec::with_capacity(more + 2);
    headers.push(("x-key-status", if real == 200 { "200".into() } else { real.to_string().into() }));
    headers.push(("cache-control", "no-store".into()));
    RawResponse { status, headers, body: Vec::new() }
}
