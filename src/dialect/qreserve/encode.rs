//! Answers in the envelope that all have.

use serde::Serialize;

use super::Refusal;
use super::route::MAIN_SITE;
use crate::http::RawResponse;
use crate::key::{IssuedKey, Key, Level, Role, User, UserKind};

/// The version of the envelope.
const VERSION: u8 = 2;

#[derive(Serialize)]
struct Envelope<'a, T> {
    version: u8,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    numitems: Option<usize>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
}

/// What answers here.
pub(super) fn server() -> RawResponse {
    #[derive(Serialize)]
    struct Server {
        name: &'static str,
        version: &'static str,
    }
    success(None, Some(Server { name: "keyward", version: env!("CARGO_PKG_VERSION") }))
}

/// The user whose key was presented.
pub(super) fn own_user(user: &User, key: Option<&Key>) -> RawResponse {
    #[derive(Serialize)]
    struct OwnUser<'a> {
        #[serde(flatten)]
        user: UserJson<'a>,
        api_key_prefix: Option<&'a str>,
    }
    let api_key_prefix = key.map(|key| key.secrets.current.prefix.as_str());
    success(None, Some(OwnUser { user: UserJson::of(user), api_key_prefix }))
}

/// One bot.
pub(super) fn bot(bot: &User) -> RawResponse {
    success(None, Some(UserJson::of(bot)))
}

/// All bots of a site.
pub(super) fn bots(bots: &[User]) -> RawResponse {
    let bots: Vec<_> = bots.iter().map(UserJson::of).collect();
    success(Some(bots.len()), Some(bots))
}

/// A bot's key, as much as may be seen of it.
pub(super) fn key(key: &Key) -> RawResponse {
    success(None, Some(KeyJson::of(key, None)))
}

/// A key with its text, shown this once.
pub(super) fn issued(key: &Key, text: IssuedKey) -> RawResponse {
    success(None, Some(KeyJson::of(key, Some(&text.reveal()))))
}

/// Done, and nothing to say about it.
pub(super) fn done() -> RawResponse {
    success::<()>(None, None)
}

/// A refusal.
pub(super) fn refusal(refusal: &Refusal) -> RawResponse {
    let (status, error) = refusal.kind();
    let envelope =
        Envelope::<()> { version: VERSION, status: "error", numitems: None, errors: &[error], data: None };
    let response = json(status, &envelope);
    match refusal {
        // RFC 9110 asks for one; a bare key has no scheme.
        Refusal::InvalidKey => response.with_header("www-authenticate", "QReserve"),
        Refusal::MethodNotAllowed(methods) => response.with_header("allow", *methods),
        Refusal::RateLimited { retry_after_seconds: Some(seconds) } => {
            response.with_header("retry-after", seconds.to_string())
        }
        Refusal::RateLimited { retry_after_seconds: None }
        | Refusal::Forbidden
        | Refusal::NotFound
        | Refusal::Malformed(_)
        | Refusal::Conflict(_)
        | Refusal::TooLarge
        | Refusal::Unavailable
        | Refusal::Broken => response,
    }
}

fn success<T: Serialize>(numitems: Option<usize>, data: Option<T>) -> RawResponse {
    json(200, &Envelope { version: VERSION, status: "success", numitems, errors: &[], data })
}

fn json(status: u16, body: &impl Serialize) -> RawResponse {
    // Strings, numbers and structs always have a JSON form.
    RawResponse::new(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
}

#[derive(Serialize)]
struct UserJson<'a> {
    user_id: String,
    display_name: &'a str,
    email: Option<&'a str>,
    bot: bool,
    role: &'static str,
    site_id: String,
}

impl<'a> UserJson<'a> {
    fn of(user: &'a User) -> Self {
        Self {
            user_id: user.id.to_string(),
            display_name: user.display_name.as_ref().map_or(user.username.as_str(), |name| name.as_str()),
            email: user.email.as_ref().map(|email| email.as_str()),
            bot: user.kind == UserKind::Bot,
            role: role(user.role),
            site_id: user.company.map_or_else(|| MAIN_SITE.to_owned(), |company| company.to_string()),
        }
    }
}

/// The nearest of the three roles that this API has.
fn role(role: Role) -> &'static str {
    match role.level() {
        level if level >= Level::ALL => "administrator",
        level if level >= Level::ADMINISTER => "moderator",
        _ => "user",
    }
}

#[derive(Serialize)]
struct KeyJson<'a> {
    prefix: &'a str,
    ip_addresses: String,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'a str>,
}

impl<'a> KeyJson<'a> {
    fn of(key: &'a Key, api_key: Option<&'a str>) -> Self {
        Self {
            prefix: key.secrets.current.prefix.as_str(),
            ip_addresses: key.allowlist.to_string(),
            created: key.created.to_string(),
            api_key,
        }
    }
}
