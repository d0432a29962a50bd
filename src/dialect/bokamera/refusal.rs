//! Refusals, as the service's `ResponseStatus` says them.

use thiserror::Error;

use super::operation::Operation;
use super::record::{FieldError, Namespace, Record, Status, Value};
use crate::command::{AuthenticateError, CommandError, ErrorKind, client_message};
use crate::dialect::denial::Unproven;
use crate::engine::EngineError;

/// A refused request: the reason, and the operation if it is known, which decides the form of the answer.
#[derive(Debug)]
pub(super) struct RefusedRequest {
    pub(super) refusal: Refusal,
    pub(super) operation: Option<Operation>,
    /// Of several that were sent at once, how many were carried out.
    pub(super) completed: Option<usize>,
}

impl From<Refusal> for RefusedRequest {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, operation: None, completed: None }
    }
}

/// Reason of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Refusal {
    #[error("Not Authenticated")]
    NotAuthenticated,
    #[error("Invalid Username or Password")]
    Login,
    #[error("Invalid Role")]
    InvalidRole,
    /// Every fault of a key gives the same answer.
    #[error("Invalid API Key")]
    InvalidApiKey,
    #[error("Too Many Requests")]
    RateLimited { retry_after_seconds: Option<u64> },
    #[error("There is nothing at this address")]
    NoSuchAddress,
    #[error("This address takes {allowed}")]
    Method { allowed: &'static str },
    #[error("{what} not found")]
    NotFound { what: &'static str },
    #[error("The body is too large")]
    TooLarge,
    #[error("The body did not arrive whole")]
    Incomplete,
    #[error(
        "The Content-Type of the body is not understood: send application/json, application/xml, text/csv, text/jsv, \
         text/jsonl or a form, not compressed"
    )]
    MediaType,
    /// The body is not what its content type says.
    #[error("Unable to bind to request '{request}': {problem}")]
    Body { request: &'static str, problem: String },
    /// A field has a value that it cannot have.
    #[error("Unable to bind to request '{request}'")]
    Field { request: &'static str, field: &'static str, value: String },
    /// A field has a value that is refused.
    #[error("{problem}")]
    Invalid { field: &'static str, problem: String },
    #[error("{0}")]
    Conflict(String),
    #[error("The server is unavailable")]
    Unavailable,
    #[error("The server failed")]
    Broken,
}

impl Refusal {
    /// The HTTP status and the error code.
    pub(super) const fn kind(&self) -> (u16, &'static str) {
        match self {
            Self::NotAuthenticated | Self::Login | Self::InvalidApiKey => (401, "Unauthorized"),
            Self::InvalidRole => (403, "Forbidden"),
            Self::RateLimited { .. } => (429, "TooManyRequests"),
            Self::NoSuchAddress | Self::NotFound { .. } => (404, "NotFound"),
            Self::Method { .. } => (405, "MethodNotAllowed"),
            Self::TooLarge => (413, "RequestEntityTooLarge"),
            Self::MediaType => (415, "UnsupportedMediaType"),
            Self::Incomplete | Self::Body { .. } | Self::Field { .. } => (400, "SerializationException"),
            Self::Invalid { .. } => (400, "ValidationException"),
            Self::Conflict(_) => (409, "Conflict"),
            Self::Unavailable => (503, "ServiceUnavailable"),
            Self::Broken => (500, "InternalServerError"),
        }
    }

    fn status(&self) -> Status {
        let (_, code) = self.kind();
        let error = if let Self::Field { field, value, .. } = self {
            let message = format!("'{value}' is an Invalid value for '{field}'");
            Some(FieldError { code, field, message })
        } else if let Self::Invalid { field, problem } = self {
            Some(FieldError { code, field, message: problem.clone() })
        } else {
            None
        };
        Status { code, message: self.to_string(), errors: error.into_iter().collect() }
    }
}

impl RefusedRequest {
    /// The object that reports it: in the response of the operation if there is one of that name, else in a general
    /// one.
    pub(super) fn record(&self) -> Record {
        let status = ("ResponseStatus", Value::Status(Some(self.refusal.status())));
        match self.operation {
            Some(Operation::ApiKeyQuery) => Record {
                name: "ApiKeyQueryResponse",
                namespace: Namespace::Dtos,
                fields: vec![("ApiKeys", Value::Records(Vec::new())), status],
            },
            Some(
                Operation::CreateApiKey
                | Operation::CreateApiKeys
                | Operation::UpdateApiKey
                | Operation::CancelApiKey
                | Operation::Authenticate
                | Operation::Version,
            )
            | None => Record { name: "ErrorResponse", namespace: Namespace::Types, fields: vec![status] },
        }
    }
}

impl Refusal {
    /// Why a login was not taken.
    pub(super) fn of_login(error: AuthenticateError, refused: Self) -> Self {
        match error {
            AuthenticateError::Key(_) | AuthenticateError::Password | AuthenticateError::NotActive(_) => {
                refused
            }
            AuthenticateError::Undecided(error) => error.into(),
        }
    }

    /// Why a key was not taken.
    pub(super) fn of_key(error: AuthenticateError) -> Self {
        match Unproven::of("bokamera", error) {
            Unproven::Refused => Self::InvalidApiKey,
            Unproven::LevelTooLow => Self::InvalidRole,
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
            | CommandError::KeyTooNarrow => Self::InvalidRole,
            CommandError::NotYours => Self::NotFound { what: "ApiKey" },
            CommandError::Engine(error) => error.into(),
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let refusal = match ErrorKind::of(&error) {
            ErrorKind::NoSuchCompany => return Self::NotFound { what: "Company" },
            ErrorKind::NoSuchKey | ErrorKind::NoSuchUser => return Self::NotFound { what: "ApiKey" },
            ErrorKind::Forbidden => return Self::InvalidRole,
            ErrorKind::Conflict => return Self::Conflict(client_message(&error).into_owned()),
            ErrorKind::Invalid => {
                return Self::Invalid { field: "ExpiryDate", problem: client_message(&error).into_owned() };
            }
            ErrorKind::Busy { retry_after_seconds } => {
                return Self::RateLimited { retry_after_seconds: Some(retry_after_seconds.into()) };
            }
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Broken => Self::Broken,
        };
        tracing::error!(%error, "bokamera: request not carried out");
        refusal
    }
}
