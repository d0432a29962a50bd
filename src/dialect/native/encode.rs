//! Answers as JSON.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::engine::CheckReport;
use crate::http::RawResponse;
use crate::key::{Expiry, IssuedKey, Key, KeyState, Quota, RateLimit, User, UserId, UserKind, Username};

/// One user.
pub(super) fn user(user: &User) -> RawResponse {
    json(200, &UserJson::from(user))
}

/// The user just added.
pub(super) fn added_user(user: &User) -> RawResponse {
    json(201, &UserJson::from(user)).with_header("location", format!("/v1/users/{}", user.username))
}

/// A page of users, and where the next begins.
pub(super) fn users(users: &[User], next: Option<String>) -> RawResponse {
    json(200, &UsersJson { users: users.iter().map(UserJson::from).collect(), next })
}

/// One key.
pub(super) fn key(key: &Key, owner: Option<&Username>, now: Timestamp) -> RawResponse {
    json(200, &KeyJson::of(key, owner, now))
}

/// A page of keys.
pub(super) fn keys(
    keys: &[Key],
    owners: &HashMap<UserId, Username>,
    next: Option<String>,
    now: Timestamp,
) -> RawResponse {
    let keys = keys.iter().map(|key| KeyJson::of(key, owners.get(&key.owner), now)).collect();
    json(200, &KeysJson { keys, next })
}

/// The key that the same request made before, without its text.
pub(super) fn issued_before(key: &Key, owner: Option<&Username>, now: Timestamp) -> RawResponse {
    let body = IssuedJson { key: KeyJson::of(key, owner, now), text: None };
    json(200, &body).with_header("idempotent-replayed", "true")
}

/// The text of a key.
pub(super) fn text(text: IssuedKey) -> RawResponse {
    json(200, &TextJson { text: &text.reveal() })
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    ::hex::encode(bytes)
}

/// A key and its fresh text.
pub(super) fn issued(
    status: u16,
    key: &Key,
    owner: Option<&Username>,
    text: IssuedKey,
    now: Timestamp,
) -> RawResponse {
    let body = IssuedJson { key: KeyJson::of(key, owner, now), text: Some(&text.reveal()) };
    let response = json(status, &body);
    if status == 201 { response.with_header("location", format!("/v1/keys/{}", key.id)) } else { response }
}

/// Done, and nothing to say about it.
pub(super) fn done() -> RawResponse {
    RawResponse { status: 204, headers: vec![("cache-control", "no-store".into())], body: Vec::new() }
}

/// What walking the store found.
pub(super) fn report(report: &CheckReport) -> RawResponse {
    let findings = report.findings.iter();
    let findings =
        findings.map(|finding| FindingJson { place: &finding.place, problem: finding.problem }).collect();
    json(200, &ReportJson { keys: report.keys, users: report.users, events: report.events, findings })
}

pub(super) fn json(status: u16, body: &impl Serialize) -> RawResponse {
    RawResponse::new(status, "application/json", line(body))
}

/// JSON that ends with a newline, so that a shell's prompt begins a line of its own.
pub(super) fn line(body: &impl Serialize) -> Vec<u8> {
    // Strings, numbers and structs always have a JSON form.
    let mut text = serde_json::to_vec(body).unwrap_or_default();
    text.push(b'\n');
    text
}

/// The same answer with what is left of the rate limit (draft-ietf-httpapi-ratelimit-headers-10).
pub(super) fn with_rate_limit(response: RawResponse, quota: &Quota) -> RawResponse {
    let Quota { limit, remaining, reset_ms } = quota;
    let policy = format!("\"{}\";q={};w={}", limit.name, limit.count, limit.seconds);
    let left = format!("\"{}\";r={remaining};t={}", limit.name, reset_ms.div_ceil(1_000));
    response.with_header("ratelimit-policy", policy).with_header("ratelimit", left)
}

pub(super) fn expires_at(expiry: Expiry) -> Option<String> {
    match expiry {
        Expiry::Never => None,
        Expiry::At(at) => Some(at.to_string()),
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct UsersJson<'a> {
    users: Vec<UserJson<'a>>,
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct UserJson<'a> {
    id: u64,
    username: &'a str,
    display_name: Option<&'a str>,
    email: Option<&'a str>,
    kind: &'static str,
    role: &'static str,
    company: Option<String>,
    status: &'static str,
    api_access: bool,
    created_at: String,
}

impl<'a> From<&'a User> for UserJson<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.0,
            username: user.username.as_str(),
            display_name: user.display_name.as_ref().map(|name| name.as_str()),
            email: user.email.as_ref().map(|email| email.as_str()),
            kind: match user.kind {
                UserKind::Person { .. } => "person",
                UserKind::Bot if user.is_account() => "company",
                UserKind::Bot => "bot",
            },
            role: user.role.name(),
            company: user.company.map(|company| company.to_string()),
            status: user.status.name(),
            api_access: user.api_access,
            created_at: user.created.to_string(),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct KeysJson<'a> {
    keys: Vec<KeyJson<'a>>,
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct IssuedJson<'a> {
    key: KeyJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct TextJson<'a> {
    text: &'a str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct KeyJson<'a> {
    id: String,
    keyspace: &'a str,
    owner: Option<&'a str>,
    prefix: &'a str,
    comment: &'a str,
    contact: Option<&'a str>,
    level: u8,
    allowlist: String,
    rate_limits: Vec<RateLimitJson<'a>>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<RevokedJson>,
    expires_at: Option<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<PreviousJson<'a>>,
    usage: UsageJson,
}

impl<'a> KeyJson<'a> {
    pub(super) fn of(key: &'a Key, owner: Option<&'a Username>, now: Timestamp) -> Self {
        let revoked = match &key.state {
            KeyState::Active | KeyState::Suspended => None,
            KeyState::Revoked { at, by, reason } => {
                Some(RevokedJson { at: at.to_string(), by: by.to_string(), reason: reason.name() })
            }
        };
        let last = key.usage.last;
        Self {
            id: key.id.to_string(),
            keyspace: key.keyspace.as_str(),
            owner: owner.map(|owner| owner.as_str()),
            prefix: key.secrets.current.prefix.as_str(),
            comment: key.comment.as_str(),
            contact: key.contact.as_ref().map(|contact| contact.as_str()),
            level: key.level.number(),
            allowlist: key.allowlist.to_string(),
            rate_limits: key.rate_limits.all().iter().map(RateLimitJson::from).collect(),
            state: key.status(now).name(),
            revoked,
            expires_at: expires_at(key.expiry),
            created_at: key.created.to_string(),
            previous: key.secrets.previous.as_ref().map(|(secret, until): &(_, Timestamp)| PreviousJson {
                prefix: secret.prefix.as_str(),
                until: until.to_string(),
            }),
            usage: UsageJson {
                count: key.usage.count,
                last_at: last.map(|last| last.at.to_the_second()),
                last_from: last.and_then(|last| last.from).map(|from| from.to_string()),
            },
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct RateLimitJson<'a> {
    name: &'a str,
    count: u32,
    seconds: u32,
    burst: u32,
}

impl<'a> From<&'a RateLimit> for RateLimitJson<'a> {
    fn from(limit: &'a RateLimit) -> Self {
        let RateLimit { name, count, seconds, burst } = limit;
        Self { name: name.as_str(), count: count.get(), seconds: seconds.get(), burst: burst.get() }
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct RevokedJson {
    at: String,
    by: String,
    reason: &'static str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct PreviousJson<'a> {
    prefix: &'a str,
    until: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct UsageJson {
    count: u64,
    last_at: Option<String>,
    last_from: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ReportJson<'a> {
    keys: u64,
    users: u64,
    events: u64,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct FindingJson<'a> {
    place: &'a str,
    problem: &'static str,
}
