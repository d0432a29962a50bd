//! Refusals of TelVue's API.

use super::content::Mistake;
use crate::command::AuthenticateError;
use crate::dialect::denial::{Unproven, title};
use crate::engine::EngineError;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no key, or it is not good here and now: told apart nowhere.
    AccessDenied,
    /// The key is good, but not for this.
    LevelTooLow,
    /// The key was used too often.
    RateLimited {
        /// Seconds until the client may try again; `None` for never.
        retry_after_seconds: Option<u64>,
    },
    /// There is no such call.
    NotFound,
    /// The call has other methods: these.
    MethodNotAllowed(&'static [&'static str]),
    /// The body is too large.
    TooLarge,
    /// The body did not come whole.
    Incomplete,
    /// Fields are wrong: these.
    Invalid(Vec<Mistake>),
    /// The request could not be decided.
    Undecided,
    /// The server is at fault.
    Broken,
}

impl Refusal {
    /// The HTTP status.
    pub(super) const fn status(&self) -> u16 {
        match self {
            Self::AccessDenied => 401,
            Self::LevelTooLow => 403,
            Self::RateLimited { .. } => 429,
            Self::NotFound => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::TooLarge => 413,
            Self::Incomplete => 400,
            Self::Invalid(_) => 422,
            Self::Undecided => 503,
            Self::Broken => 500,
        }
    }

    /// Text of the refusal.
    pub(super) const fn message(&self) -> &'static str {
        match self {
            Self::AccessDenied | Self::LevelTooLow => "Access Denied",
            Self::RateLimited { .. }
            | Self::NotFound
            | Self::MethodNotAllowed(_)
            | Self::TooLarge
            | Self::Incomplete
            | Self::Invalid(_)
            | Self::Undecided
            | Self::Broken => title(self.status()),
        }
    }
}

impl From<AuthenticateError> for Refusal {
    fn from(error: AuthenticateError) -> Self {
        match Unproven::of("telvue", error) {
            Unproven::Refused => Self::AccessDenied,
            Unproven::LevelTooLow => Self::LevelTooLow,
            Unproven::RateLimited { retry_after_seconds } => Self::RateLimited { retry_after_seconds },
            Unproven::Undecided => Self::Undecided,
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        tracing::error!(%error, "telvue: a key could not be decided about");
        Self::Undecided
    }
}
