//! Refusals, and the word for each.

use super::route::Proof;
use crate::command::{AuthenticateError, CommandError, ErrorKind};
use crate::dialect::denial::Unproven;
use crate::engine::EngineError;
use crate::key::UserStatus;
use crate::verify::DenyReason;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    AuthenticationMissing(Proof),
    AuthenticationMalformed,
    /// The credential is not valid here and now. The answer is the same for every reason.
    AuthenticationFailed,
    AccountStatusLacking,
    InsufficientAccessLevel,
    SignInFailed,
    /// The password was right, but the account is not active.
    StatusLacking,
    /// The password was right, but the account is blocked.
    AccountBlocked,
    UsernameMissing,
    PasswordMissing,
    PostBodyMissing,
    PostBodyInvalid,
    NameMissing,
    NameNotStringy,
    NameTooLong,
    LevelMissing,
    LevelNotNumeric,
    InvalidLevel,
    ExpiresInMissing,
    ExpiresInNotNumeric,
    ExpiresInHigherThanMaximum,
    ExpiresInInvalid,
    KeyLevelExceedsRoleLevel,
    CreateApikeyFailed,
    NotFound,
    MethodNotAllowed(&'static str),
    TooLarge,
    RateLimited {
        retry_after_seconds: Option<u64>,
    },
    Unavailable,
    Broken,
}

impl Refusal {
    /// The status, and the word in `error`.
    pub(super) const fn kind(&self) -> (u16, &'static str) {
        match self {
            Self::AuthenticationMissing(_) => (401, "authenticationMissing"),
            Self::AuthenticationMalformed => (400, "authenticationMalformed"),
            Self::AuthenticationFailed => (403, "authenticationFailed"),
            Self::AccountStatusLacking => (403, "accountStatusLacking"),
            Self::InsufficientAccessLevel => (403, "insufficientAccessLevel"),
            Self::SignInFailed => (401, "signInFailed"),
            Self::StatusLacking => (403, "statusLacking"),
            Self::AccountBlocked => (403, "accountBlocked"),
            Self::UsernameMissing => (400, "usernameMissing"),
            Self::PasswordMissing => (400, "passwordMissing"),
            Self::PostBodyMissing => (400, "postBodyMissing"),
            Self::PostBodyInvalid => (400, "postBodyInvalid"),
            Self::NameMissing => (400, "nameMissing"),
            Self::NameNotStringy => (400, "nameNotStringy"),
            Self::NameTooLong => (400, "nameTooLong"),
            Self::LevelMissing => (400, "levelMissing"),
            Self::LevelNotNumeric => (400, "levelNotNumeric"),
            Self::InvalidLevel => (400, "invalidLevel"),
            Self::ExpiresInMissing => (400, "expiresInMissing"),
            Self::ExpiresInNotNumeric => (400, "expiresInNotNumeric"),
            Self::ExpiresInHigherThanMaximum => (400, "expiresInHigherThanMaximum"),
            Self::ExpiresInInvalid => (400, "expiresInInvalid"),
            Self::KeyLevelExceedsRoleLevel => (400, "keyLevelExceedsRoleLevel"),
            Self::CreateApikeyFailed => (500, "createApikeyFailed"),
            Self::NotFound => (404, "notFound"),
            Self::MethodNotAllowed(_) => (405, "methodNotAllowed"),
            Self::TooLarge => (413, "postBodyTooLarge"),
            Self::RateLimited { .. } => (429, "tooManyRequests"),
            Self::Unavailable => (503, "serverUnavailable"),
            Self::Broken => (500, "serverError"),
        }
    }

    /// Why a login was refused.
    pub(super) fn of_sign_in(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Key(_) | AuthenticateError::Password => Self::SignInFailed,
            AuthenticateError::NotActive(UserStatus::Blocked) => Self::AccountBlocked,
            AuthenticateError::NotActive(UserStatus::Active | UserStatus::Inactive) => Self::StatusLacking,
            AuthenticateError::Undecided(error) => error.into(),
        }
    }

    /// Why a key was not created: whatever went wrong in storing it has one word.
    pub(super) fn of_create(error: CommandError) -> Self {
        let refusal = Self::from(error);
        if matches!(refusal, Self::Unavailable | Self::Broken) { Self::CreateApikeyFailed } else { refusal }
    }
}

impl From<AuthenticateError> for Refusal {
    fn from(error: AuthenticateError) -> Self {
        if matches!(
            error,
            AuthenticateError::NotActive(_) | AuthenticateError::Key(DenyReason::OwnerNotActive)
        ) {
            return Self::AccountStatusLacking;
        }
        match Unproven::of("freesewing", error) {
            Unproven::Refused => Self::AuthenticationFailed,
            Unproven::LevelTooLow => Self::InsufficientAccessLevel,
            Unproven::RateLimited { retry_after_seconds } => Self::RateLimited { retry_after_seconds },
            Unproven::Undecided => Self::Unavailable,
        }
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::LevelTooLow { .. }
            | CommandError::NotYours
            | CommandError::OutsideCompany
            | CommandError::PasswordNeeded
            | CommandError::KeyTooNarrow => Self::InsufficientAccessLevel,
            CommandError::LevelAboveOwn { .. } => Self::KeyLevelExceedsRoleLevel,
            CommandError::Engine(error) => error.into(),
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let refusal = match ErrorKind::of(&error) {
            ErrorKind::NoSuchKey => return Self::NotFound,
            ErrorKind::Forbidden => return Self::InsufficientAccessLevel,
            // The only user that is named is the caller, removed a moment ago.
            ErrorKind::NoSuchUser => return Self::AuthenticationFailed,
            ErrorKind::Busy { retry_after_seconds } => {
                return Self::RateLimited { retry_after_seconds: Some(retry_after_seconds.into()) };
            }
            ErrorKind::Invalid if matches!(error, EngineError::ExpiryOutOfRange) => {
                return Self::ExpiresInInvalid;
            }
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Broken | ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::NoSuchCompany => {
                Self::Broken
            }
        };
        tracing::error!(%error, "freesewing: request not carried out");
        refusal
    }
}
