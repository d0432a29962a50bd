//! Answers in filebin's envelope.

use serde::{Serialize, Serializer};
use serde_json::Value;
use zeroize::Zeroizing;

use super::Refusal;
use crate::http::RawResponse;
use crate::key::{AccessLevel, IssuedKey, Key, UncheckedKey};

/// What a request led to; the names are those of its JSON members.
#[derive(Serialize)]
pub enum Answer {
    /// All keys of the caller, newest first.
    #[serde(rename = "apikeys", serialize_with = "by_key")]
    Listed(Vec<ListedKey>),
    /// The text of a new key.
    #[serde(rename = "new_key", serialize_with = "plain")]
    Created(Zeroizing<String>),
    /// The text of a key that is no more.
    #[serde(rename = "deleted_keys", serialize_with = "deleted")]
    Deleted(UncheckedKey),
}

/// One row of a listing.
#[derive(Serialize)]
pub struct ListedKey {
    #[serde(serialize_with = "plain")]
    key: Zeroizing<String>,
    /// Seconds since 1970.
    created: u64,
    comment: String,
    access_level: &'static str,
}

impl ListedKey {
    /// The row of a key with this text.
    pub fn new(key: &Key, text: IssuedKey) -> Self {
        Self {
            key: text.reveal(),
            created: key.created.unix_seconds(),
            comment: key.comment.as_str().to_owned(),
            access_level: AccessLevel::of(key.level).name(),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Envelope<'a> {
    Success {
        data: &'a Answer,
    },
    Error {
        error_id: &'static str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<InvalidField<'a>>,
    },
}

#[derive(Serialize)]
struct InvalidField<'a> {
    key: &'static str,
    ret: &'a Value,
}

/// The answer as HTTP. `site_url` ends in a slash.
pub fn encode(site_url: &str, answer: Result<Answer, Refusal>) -> RawResponse {
    let refusal = match answer {
        Ok(data) => return json(200, &Envelope::Success { data: &data }),
        Err(refusal) => refusal,
    };
    let (error_id, message) = refusal.describe(site_url);
    if matches!(refusal, Refusal::NoSuchPage | Refusal::DisallowedCharacter) {
        return page(refusal.status(), &message);
    }
    let data = if let Refusal::ArrayField { name, array } = &refusal {
        Some(InvalidField { key: name, ret: array })
    } else {
        None
    };
    let response = json(refusal.status(), &Envelope::Error { error_id, message: &message, data });
    if let Refusal::Busy { retry_after_seconds } | Refusal::RateLimited { retry_after_seconds } = refusal {
        response.with_header("retry-after", retry_after_seconds.to_string())
    } else if matches!(refusal, Refusal::MethodNotAllowed) {
        response.with_header("allow", "GET, HEAD, POST")
    } else {
        response
    }
}

fn json(status: u16, envelope: &Envelope<'_>) -> RawResponse {
    // Writing strings and numbers into memory cannot fail.
    let body = serde_json::to_vec(envelope).unwrap_or_default();
    RawResponse::new(status, "application/json; charset=UTF-8", body)
}

fn page(status: u16, message: &str) -> RawResponse {
    let body = format!("<!DOCTYPE html>\n<html lang=\"en\"><title>{status}</title><p>{message}</p></html>\n");
    RawResponse::new(status, "text/html; charset=UTF-8", body)
}

fn by_key<S: Serializer>(keys: &[ListedKey], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(keys.iter().map(|key| (key.key.as_str(), key)))
}

fn plain<S: Serializer>(text: &Zeroizing<String>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

fn deleted<S: Serializer>(key: &UncheckedKey, to: S) -> Result<S::Ok, S::Error> {
    let text = key.reveal();
    to.collect_map([(text, std::collections::BTreeMap::from([("key", text)]))])
}
