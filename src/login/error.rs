//! Why a caller was not authenticated.

use thiserror::Error;

use crate::engine::EngineError;
use crate::key::{User, UserStatus};
use crate::verify::DenyReason;

/// A caller was not authenticated.
#[derive(Debug, Error)]
pub enum AuthenticateError {
    /// The presented key was denied. Dialects answer most reasons alike.
    #[error("the key was denied: {}", .0.code())]
    Key(DenyReason),
    /// Unknown user, wrong password, or a token or session that is not good: one answer, so that none of them can be
    /// told from another.
    #[error("the login was refused")]
    Password,
    /// The proof was right, but the user is not active. Answered as [`AuthenticateError::Password`], unless a dialect
    /// documents otherwise.
    #[error("the login was refused: the user is {}", .0.name())]
    NotActive(UserStatus),
    /// Authenticating failed; never read this as a refusal. After [`EngineError::Busy`] the caller tries again later.
    #[error(transparent)]
    Undecided(#[from] EngineError),
}

impl AuthenticateError {
    /// Returns the error when authenticating failed; `None` for a refusal.
    pub fn undecided(self) -> Option<EngineError> {
        match self {
            Self::Undecided(error) => Some(error),
            Self::Key(_) | Self::Password | Self::NotActive(_) => None,
        }
    }
}

/// Returns the user, if there is one and the user is active.
///
/// # Errors
/// [`AuthenticateError::Password`] without a user, [`AuthenticateError::NotActive`].
pub(super) fn active(user: Option<User>) -> Result<User, AuthenticateError> {
    match user {
        None => Err(AuthenticateError::Password),
        Some(user) if user.status != UserStatus::Active => Err(AuthenticateError::NotActive(user.status)),
        Some(user) => Ok(user),
    }
}
