//! Answers in JSON, open to web pages of any origin.

use serde::Serialize;

use super::Refusal;
use super::route::Proof;
use crate::http::RawResponse;
use crate::key::{Expiry, IssuedKey, Key, Role, User, UserStatus};

/// What says that it worked, as the page about creating a key has it.
const SUCCESS: &str = "success";

/// The token of a login, and whose it is.
pub(super) fn signed_in(token: &str, user: &User) -> RawResponse {
    json(200, &SignedIn { result: SUCCESS, token, account: AccountJson::of(user) })
}

/// A key with its secret, shown this once.
pub(super) fn created(key: &Key, text: IssuedKey) -> RawResponse {
    let text = text.reveal();
    let secret = text.split_once(':').map(|(_, secret)| secret);
    json(201, &KeyAnswer { result: SUCCESS, apikey: KeyJson::of(key, secret) })
}

/// A key.
pub(super) fn shown(key: &Key) -> RawResponse {
    json(200, &KeyAnswer { result: SUCCESS, apikey: KeyJson::of(key, None) })
}

/// All keys of the caller.
pub(super) fn list<'a>(keys: impl Iterator<Item = &'a Key>) -> RawResponse {
    json(200, &ListAnswer { result: SUCCESS, apikeys: keys.map(ListedKey::of).collect() })
}

/// An account.
pub(super) fn account(user: &User) -> RawResponse {
    json(200, &AccountAnswer { result: SUCCESS, account: AccountJson::of(user) })
}

/// A key is gone.
pub(super) fn deleted() -> RawResponse {
    empty()
}

/// What a browser asks before it sends a page's request.
pub(super) fn preflight() -> RawResponse {
    empty()
        .with_header("access-control-allow-methods", "GET, HEAD, POST, DELETE")
        .with_header("access-control-allow-headers", "authorization, content-type")
}

/// A refusal.
pub(super) fn refusal(refusal: &Refusal) -> RawResponse {
    let (status, error) = refusal.kind();
    let response = json(status, &ErrorAnswer { result: "error", error });
    if let Refusal::AuthenticationMissing(Proof::Key) = refusal {
        response.with_header("www-authenticate", r#"Basic realm="Users""#)
    } else if status == 401 {
        response.with_header("www-authenticate", "Bearer")
    } else if let Refusal::MethodNotAllowed(methods) = refusal {
        response.with_header("allow", *methods)
    } else if let Refusal::RateLimited { retry_after_seconds: Some(seconds) } = refusal {
        response.with_header("retry-after", seconds.to_string())
    } else {
        response
    }
}

fn json(status: u16, body: &impl Serialize) -> RawResponse {
    // Strings, numbers and structs always have a JSON form.
    let body = serde_json::to_vec(body).unwrap_or_default();
    open(RawResponse::new(status, "application/json; charset=utf-8", body))
}

fn empty() -> RawResponse {
    open(RawResponse { status: 204, headers: vec![("cache-control", "no-store".into())], body: Vec::new() })
}

fn open(response: RawResponse) -> RawResponse {
    response.with_header("access-control-allow-origin", "*")
}

#[derive(Serialize)]
struct ErrorAnswer {
    result: &'static str,
    error: &'static str,
}

#[derive(Serialize)]
struct SignedIn<'a> {
    result: &'static str,
    token: &'a str,
    account: AccountJson<'a>,
}

#[derive(Serialize)]
struct AccountAnswer<'a> {
    result: &'static str,
    account: AccountJson<'a>,
}

#[derive(Serialize)]
struct KeyAnswer<'a> {
    result: &'static str,
    apikey: KeyJson<'a>,
}

#[derive(Serialize)]
struct ListAnswer<'a> {
    result: &'static str,
    apikeys: Vec<ListedKey<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountJson<'a> {
    id: u64,
    username: &'a str,
    /// In lower case, for looking up.
    lusername: String,
    email: &'a str,
    role: &'static str,
    /// 1 active, 0 inactive, -2 blocked.
    status: i8,
    /// 1: keyward asks for none beyond the account itself.
    consent: u8,
    created_at: String,
}

impl<'a> AccountJson<'a> {
    fn of(user: &'a User) -> Self {
        Self {
            id: user.id.0,
            username: user.username.as_str(),
            lusername: user.username.as_str().to_lowercase(),
            email: user.email.as_ref().map_or("", |email| email.as_str()),
            role: role(user.role),
            status: match user.status {
                UserStatus::Active => 1,
                UserStatus::Inactive => 0,
                UserStatus::Blocked => -2,
            },
            consent: 1,
            created_at: user.created.to_string(),
        }
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::ReadNone => "readNone",
        Role::ReadSome => "readSome",
        Role::ReadOnly => "readOnly",
        Role::WriteSome => "writeSome",
        Role::User => "user",
        Role::Bughunter => "bughunter",
        Role::Moderator => "moderator",
        Role::Support => "support",
        Role::Administrator => "admin",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyJson<'a> {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    level: u8,
    expires_at: Option<String>,
    name: &'a str,
    user_id: u64,
}

impl<'a> KeyJson<'a> {
    fn of(key: &'a Key, secret: Option<&'a str>) -> Self {
        Self {
            key: key.id.to_string(),
            secret,
            level: key.level.number(),
            expires_at: expires_at(key),
            name: key.comment.as_str(),
            user_id: key.owner.0,
        }
    }
}

/// A key as the list has it: there it is called `id`, and `key` as everywhere else.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedKey<'a> {
    id: String,
    key: String,
    calls: u64,
    created_at: String,
    expires_at: Option<String>,
    name: &'a str,
    last_seen: Option<String>,
    level: u8,
    user_id: u64,
}

impl<'a> ListedKey<'a> {
    fn of(key: &'a Key) -> Self {
        Self {
            id: key.id.to_string(),
            key: key.id.to_string(),
            calls: key.usage.count,
            created_at: key.created.to_string(),
            expires_at: expires_at(key),
            name: key.comment.as_str(),
            last_seen: key.usage.last.map(|last| last.at.to_string()),
            level: key.level.number(),
            user_id: key.owner.0,
        }
    }
}

/// `None` only of keys that were made elsewhere: this API gives every key an end.
fn expires_at(key: &Key) -> Option<String> {
    match key.expiry {
        Expiry::Never => None,
        Expiry::At(end) => Some(end.to_string()),
    }
}
