//! Refusals of QReserve's API.

use crate::command::{AuthenticateError, CommandError, ErrorKind, client_message};
use crate::dialect::denial::Unproven;
use crate::engine::EngineError;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no key, or it is not good here and now: told apart nowhere.
    InvalidKey,
    /// The key is good, but the role of its bot too low.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The address has other methods.
    MethodNotAllowed(&'static str),
    /// The request is wrong, as the text says.
    Malformed(String),
    /// The request conflicts with the current state, as the text says.
    Conflict(String),
    /// The body is too large.
    TooLarge,
    /// The key was used too often.
    RateLimited {
        /// Seconds until the client may try again; `None` for never.
        retry_after_seconds: Option<u64>,
    },
    /// No changes are taken now.
    Unavailable,
    /// The server is at fault.
    Broken,
}

impl Refusal {
    /// The status, and what it says.
    pub(super) fn kind(&self) -> (u16, &str) {
        match self {
            Self::InvalidKey => (401, "Invalid API key"),
            Self::Forbidden => (403, "Administrator access is required"),
            Self::NotFound => (404, "Not found"),
            Self::MethodNotAllowed(_) => (405, "Method not allowed"),
            Self::Malformed(what) => (400, what),
            Self::Conflict(what) => (409, what),
            Self::TooLarge => (413, "The request is too large"),
            Self::RateLimited { .. } => (429, "Too many requests"),
            Self::Unavailable => (503, "The server is unavailable"),
            Self::Broken => (500, "The server failed"),
        }
    }
}

impl From<AuthenticateError> for Refusal {
    fn from(error: AuthenticateError) -> Self {
        match Unproven::of("qreserve", error) {
            Unproven::Refused => Self::InvalidKey,
            Unproven::LevelTooLow => Self::Forbidden,
            Unproven::RateLimited { retry_after_seconds } => Self::RateLimited { retry_after_seconds },
            Unproven::Undecided => Self::Unavailable,
        }
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::LevelTooLow { .. }
            | CommandError::LevelAboveOwn { .. }
            | CommandError::OutsideCompany
            | CommandError::PasswordNeeded
            | CommandError::KeyTooNarrow => Self::Forbidden,
            CommandError::NotYours => Self::NotFound,
            CommandError::Engine(error) => error.into(),
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let refusal = match ErrorKind::of(&error) {
            ErrorKind::NoSuchUser | ErrorKind::NoSuchKey | ErrorKind::NoSuchCompany => return Self::NotFound,
            ErrorKind::Forbidden => return Self::Forbidden,
            ErrorKind::Conflict => return Self::Conflict(client_message(&error).into_owned()),
            ErrorKind::Invalid => return Self::Malformed(client_message(&error).into_owned()),
            ErrorKind::Busy { retry_after_seconds } => {
                return Self::RateLimited { retry_after_seconds: Some(retry_after_seconds.into()) };
            }
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Broken => Self::Broken,
        };
        tracing::error!(%error, "qreserve: request not carried out");
        refusal
    }
}
