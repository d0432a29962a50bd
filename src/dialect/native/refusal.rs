//! Refusals in the form of RFC 9457.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;

use crate::command::{CommandError, VerifyGrantError, client_message};
use crate::dialect::denial::{CHALLENGE, Denial, log_undecided, title};
use crate::engine::{EngineError, Right};
use crate::http::RawResponse;
use crate::key::ParseError;
use crate::limits;
use crate::store::StoreError;

use super::encode;

/// Reason of a refusal. No text repeats a body, so none can show a key or a password.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    #[error("there is nothing at this address")]
    NoSuchAddress,
    #[error("this address takes {allowed}")]
    Method { allowed: &'static str },
    #[error("the body is larger than {} bytes", limits::BODY_BYTES_MAX)]
    TooLarge,
    #[error("the body did not arrive whole")]
    Incomplete,
    #[error("the body must be application/json")]
    MediaType,
    #[error("the body is not JSON")]
    Json,
    #[error("{detail}")]
    Invalid { detail: String },
    #[error("the text of this key cannot be shown, or not to you")]
    NoText,
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("{}", .0.detail())]
    Denied(Denial),
    #[error("this login is not valid: the name or the password is wrong")]
    Login,
    #[error("a good service key is needed in X-Service-Key")]
    ServiceKey,
    #[error("too many requests are waiting")]
    Overloaded,
    #[error("the key could not be decided about")]
    Undecided,
    /// A failure whose text is the operator's.
    #[error("{detail}")]
    Failed { status: u16, code: &'static str, detail: Cow<'static, str> },
    /// The server is at fault.
    #[error("the server is at fault")]
    Unexpected,
}

impl Refusal {
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::Invalid { detail: detail.into() }
    }

    /// Logs why a key could not be judged.
    pub(super) fn undecided(error: &EngineError) -> Self {
        log_undecided("native", error);
        Self::Undecided
    }

    /// The same as clients elsewhere may know it: without a text of the store or the system.
    pub(super) fn outside(self) -> Self {
        let Self::Command(CommandError::Engine(error)) = &self else { return self };
        let detail = client_message(error);
        let (status, code) = self.kind();
        if let Cow::Borrowed(_) = detail {
            tracing::error!(%error, "native: request not carried out");
            Self::Failed { status, code, detail }
        } else {
            self
        }
    }

    /// The answer that reports it.
    pub(super) fn response(&self) -> RawResponse {
        let (status, _) = self.kind();
        if let Self::Denied(denial) = self {
            return denied(*denial);
        }
        let response = RawResponse::new(status, "application/problem+json", encode::line(&self.body()));
        if let Self::Method { allowed } = self {
            response.with_header("allow", *allowed)
        } else if let Self::Command(CommandError::Engine(EngineError::Busy { retry_after_seconds })) = self {
            response.with_header("retry-after", retry_after_seconds.to_string())
        } else if let Self::ServiceKey | Self::Login = self {
            response.with_header("www-authenticate", CHALLENGE)
        } else {
            response
        }
    }

    /// The answer's body.
    pub(super) fn body(&self) -> Body {
        let (status, code) = self.kind();
        Body { r#type: "about:blank", title: title(status), status, detail: self.to_string(), code }
    }

    fn kind(&self) -> (u16, &'static str) {
        match self {
            Self::NoSuchAddress => (404, "no_such_address"),
            Self::Method { .. } => (405, "method_not_allowed"),
            Self::TooLarge => (413, "body_too_large"),
            Self::Incomplete => (400, "body_incomplete"),
            Self::MediaType => (415, "unsupported_media_type"),
            Self::Json => (400, "malformed_json"),
            Self::Invalid { .. } => (422, "invalid"),
            Self::NoText => (404, "no_text"),
            Self::Command(CommandError::LevelTooLow { .. }) => (403, "level_too_low"),
            Self::Command(CommandError::LevelAboveOwn { .. }) => (403, "level_above_own"),
            Self::Command(CommandError::OutsideCompany) => (403, "outside_company"),
            Self::Command(CommandError::PasswordNeeded) => (403, "password_needed"),
            Self::Command(CommandError::KeyTooNarrow) => (403, "key_too_narrow"),
            // A key that is not the caller's to know of is as good as none.
            Self::Command(CommandError::NotYours) => (404, "no_such_key"),
            Self::Command(CommandError::Engine(error)) => engine(error),
            Self::Denied(denial) => (denial.status(), denial.code()),
            Self::Login => (401, "invalid_login"),
            Self::ServiceKey => (401, "service_key_needed"),
            Self::Overloaded => (503, "overloaded"),
            Self::Undecided => (503, "undecided"),
            Self::Failed { status, code, .. } => (*status, code),
            Self::Unexpected => (500, "internal"),
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        Self::Command(error.into())
    }
}

impl From<VerifyGrantError> for Refusal {
    fn from(error: VerifyGrantError) -> Self {
        match error {
            VerifyGrantError::NoServiceKey => Self::ServiceKey,
            VerifyGrantError::ServiceKey(reason) => {
                tracing::debug!(reason = reason.code(), "a service key was denied");
                Self::ServiceKey
            }
            VerifyGrantError::Undecided(error) => Self::undecided(&error),
        }
    }
}

impl From<ParseError> for Refusal {
    fn from(error: ParseError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// A denial with its challenge, and when to come back.
fn denied(denial: Denial) -> RawResponse {
    let mut body = denial.problem();
    body.push(b'\n');
    let mut response = RawResponse::new(denial.status(), "application/problem+json", body);
    if let Some(challenge) = denial.challenge() {
        response = response.with_header("www-authenticate", challenge);
    }
    if let Denial::RateLimited { quota, .. } = denial {
        response = encode::with_rate_limit(response, &quota);
    }
    if let Some(seconds) = denial.retry_after() {
        response = response.with_header("retry-after", seconds.to_string());
    }
    response
}

fn engine(error: &EngineError) -> (u16, &'static str) {
    match error {
        EngineError::NoSuchUser => (404, "no_such_user"),
        EngineError::NoSuchKey => (404, "no_such_key"),
        EngineError::NoSuchCompany => (404, "no_such_company"),
        EngineError::CompanyExists => (409, "company_exists"),
        EngineError::CompanyNotEmpty => (409, "company_not_empty"),
        EngineError::CompanyAccount => (409, "company_account"),
        EngineError::ForBotsOnly => (422, "for_bots_only"),
        EngineError::HasKey => (409, "has_key"),
        EngineError::IdempotencyKeyReused => (409, "idempotency_key_reused"),
        EngineError::HasText => (409, "has_text"),
        EngineError::TooManySchemes => (409, "too_many_schemes"),
        EngineError::NoStagedRotation => (409, "nothing_proposed"),
        EngineError::NoSuchKeyspace => (422, "no_such_keyspace"),
        EngineError::UsernameTaken => (409, "username_taken"),
        EngineError::EmailTaken => (409, "email_taken"),
        EngineError::BotNameTaken => (409, "bot_name_taken"),
        EngineError::BotPassword => (422, "bot_password"),
        EngineError::LastAdministrator => (409, "last_administrator"),
        EngineError::KeyRevoked => (409, "key_revoked"),
        EngineError::Beyond { right: Right::Level, .. } => (403, "level_above_own"),
        EngineError::Beyond { .. } => (403, "beyond_own"),
        EngineError::Withheld { .. } => (403, "withheld"),
        EngineError::IssuedFrom { .. } => (403, "level_too_low"),
        EngineError::NoLongerGood => (403, "key_no_longer_good"),
        EngineError::NoAccess => (409, "no_api_access"),
        EngineError::LostByDemotion => (409, "lost_by_demotion"),
        EngineError::TooManyLimits => (409, "too_many_limits"),
        EngineError::ExpiryOutOfRange => (422, "expiry_out_of_range"),
        EngineError::OtherList => (400, "wrong_cursor"),
        EngineError::GraceTooLong => (422, "grace_too_long"),
        EngineError::Parse(_) | EngineError::Allowlist(_) => (422, "invalid"),
        EngineError::Busy { .. } => (429, "busy"),
        EngineError::Undecided { .. } => (503, "undecided"),
        EngineError::Seal(_) | EngineError::WrongSecret { .. } => (500, "secret_unusable"),
        EngineError::Entropy(_) => (503, "no_randomness"),
        EngineError::Stopped => (503, "stopped"),
        EngineError::Store(error) => store(error),
    }
}

fn store(error: &StoreError) -> (u16, &'static str) {
    match error {
        StoreError::Conflict { .. } => (409, "conflict"),
        StoreError::Refused { .. } => (422, "store_refused"),
        StoreError::Closed { .. } => (503, "store_closed"),
        StoreError::Io { .. } | StoreError::Locked { .. } => (503, "store_failed"),
        StoreError::Corrupt { .. }
        | StoreError::UnknownLevel { .. }
        | StoreError::NewerFormat { .. }
        | StoreError::Missing { .. }
        | StoreError::NotDurable { .. }
        | StoreError::Forgotten { .. } => (500, "store_damaged"),
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Body {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    pub(super) detail: String,
    pub(super) code: &'static str,
}
