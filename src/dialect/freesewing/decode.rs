//! Bodies, read as the documented server does: a member that JavaScript calls false counts as left out.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Refusal;
use crate::clock::Timestamp;
use crate::http::{Body, RawRequest};
use crate::key::{Comment, Expiry, Level, Password};
use crate::limits;

/// `POST /signin`.
pub(super) struct SignInBody {
    /// Login name, e-mail address or number. Wiped, since people type passwords into the wrong field.
    pub(super) username: Zeroizing<String>,
    /// `None` when it cannot be anybody's.
    pub(super) password: Option<Password>,
}

/// `POST /apikeys/…`.
#[derive(Debug)]
pub(super) struct NewKeyBody {
    pub(super) name: Comment,
    pub(super) level: Level,
    pub(super) expiry: Expiry,
}

/// The key text that HTTP Basic spells in two parts.
pub(super) fn key_text(key: &str, secret: &str) -> Zeroizing<String> {
    // Enough from the start: growing would leave an unwiped copy behind.
    let mut text = Zeroizing::new(String::with_capacity(key.len() + 1 + secret.len()));
    text.extend([key, ":", secret]);
    text
}

/// Reads the body of a login.
///
/// # Errors
/// Reads the body. The error is its first problem, in the documented order.
pub(super) fn sign_in(request: &RawRequest) -> Result<SignInBody, Refusal> {
    let mut members = members(request)?;
    let username = match members.remove("username").filter(is_given).ok_or(Refusal::UsernameMissing)? {
        Value::String(name) => name,
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    };
    let password = match members.remove("password").filter(is_given).ok_or(Refusal::PasswordMissing)? {
        Value::String(password) => Password::new(Zeroizing::new(password).as_bytes()).ok(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    };
    Ok(SignInBody { username: Zeroizing::new(username), password })
}

/// Reads the body of a creation.
///
/// # Errors
/// Reads the body. The error is its first problem, in the documented order.
pub(super) fn new_key(request: &RawRequest, now: Timestamp) -> Result<NewKeyBody, Refusal> {
    let members = members(request)?;
    let name = given(&members, "name").ok_or(Refusal::NameMissing)?;
    let level = members.get("level").filter(|level| level.is_number() || is_given(level));
    let level = level.ok_or(Refusal::LevelMissing)?.as_f64().ok_or(Refusal::LevelNotNumeric)?;
    let level = whole(level).ok_or(Refusal::InvalidLevel)?;
    let seconds = given(&members, "expiresIn").ok_or(Refusal::ExpiresInMissing)?;
    let seconds = seconds.as_f64().ok_or(Refusal::ExpiresInNotNumeric)?;
    Ok(NewKeyBody {
        name: name.as_str().ok_or(Refusal::NameNotStringy)?.parse().map_err(|_| Refusal::NameTooLong)?,
        level,
        expiry: Expiry::At(now.plus_ms(life_ms(seconds)?)),
    })
}

/// A level, from a number without a fraction.
fn whole(level: f64) -> Option<Level> {
    let found = (0..=Level::ALL.number()).find(|number| f64::from(*number) == level)?;
    Level::new(found).ok()
}

/// Milliseconds of a life; part of one is none.
fn life_ms(seconds: f64) -> Result<u64, Refusal> {
    if seconds > LIFE_SECONDS_MAX {
        return Err(Refusal::ExpiresInHigherThanMaximum);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a year")]
    let ms = (seconds * 1_000.0).max(0.0) as u64;
    if ms == 0 { Err(Refusal::ExpiresInInvalid) } else { Ok(ms) }
}

#[expect(clippy::cast_precision_loss, reason = "a year in seconds is exact")]
const LIFE_SECONDS_MAX: f64 = limits::FREESEWING_LIFE_SECONDS_MAX as f64;

fn given<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| is_given(value))
}

/// Whether JavaScript takes the value for true.
fn is_given(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => true,
    }
}

/// The members of the JSON object that the body is.
fn members(request: &RawRequest) -> Result<Map<String, Value>, Refusal> {
    let bytes = match &request.body {
        Body::Whole(bytes) => bytes,
        Body::TooLarge => return Err(Refusal::TooLarge),
        Body::Incomplete => return Err(Refusal::PostBodyInvalid),
    };
    if !request.media_type().eq_ignore_ascii_case("application/json") || bytes.trim_ascii().is_empty() {
        return Err(Refusal::PostBodyMissing);
    }
    match serde_json::from_slice(bytes).map_err(|_| Refusal::PostBodyInvalid)? {
        Value::Object(members) if !members.is_empty() => Ok(members),
        Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_) => Err(Refusal::PostBodyMissing),
    }
}
