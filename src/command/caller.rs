//! Who asks: known by a key, by a password, or because the machine is theirs.

use std::net::IpAddr;

use thiserror::Error;

use crate::engine::EngineError;
use crate::key::{Actor, Authority, CompanyId, KeyId, Level, Status, UserId};
use crate::verify::DenyReason;

/// Who asks, already authenticated. Only this layer makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    actor: Actor,
    level: Level,
    company: Option<CompanyId>,
}

impl Caller {
    /// Whoever controls the machine: may do everything.
    pub const fn operator() -> Self {
        Self { actor: Actor::Operator, level: Level::ALL, company: None }
    }

    /// A user by one of their keys, or by another proof of who they are.
    pub(super) const fn user(
        user: UserId,
        company: Option<CompanyId>,
        key: Option<KeyId>,
        from: Option<IpAddr>,
        level: Level,
    ) -> Self {
        Self { actor: Actor::User { user, key, from }, level, company }
    }

    /// The user who asks; `None` for the operator.
    pub const fn id(&self) -> Option<UserId> {
        match self.actor {
            Actor::Operator | Actor::Stranger { .. } => None,
            Actor::User { user, .. } => Some(user),
        }
    }

    /// What the caller may do: the lowest of the role, and the key if one was presented.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The company the caller belongs to, if any.
    pub const fn company(&self) -> Option<CompanyId> {
        self.company
    }

    /// The key that the caller presented, if it was one.
    pub const fn key(&self) -> Option<KeyId> {
        match self.actor {
            Actor::Operator | Actor::Stranger { .. } => None,
            Actor::User { key, .. } => key,
        }
    }

    /// The caller as the audit names it.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// By whose right the caller's changes are made.
    pub const fn authority(&self) -> Authority {
        Authority { actor: self.actor, level: self.level }
    }
}

/// A caller could not be authenticated.
#[derive(Debug, Error)]
pub enum AuthenticateError {
    /// The presented key was denied. Outside, most reasons are one answer.
    #[error("the key was denied: {}", .0.code())]
    Key(DenyReason),
    /// Unknown user, wrong password, a token that is not good: told apart nowhere.
    #[error("the login was refused")]
    Password,
    /// The proof was right, but the user may not act. As [`AuthenticateError::Password`], unless a dialect documents
    /// otherwise.
    #[error("the login was refused: the user is {}", .0.name())]
    NotActive(Status),
    /// It could not be decided; never read it as a refusal. [`EngineError::Busy`] asks to come back.
    #[error(transparent)]
    Undecided(#[from] EngineError),
}

impl AuthenticateError {
    /// The error, where it could not be decided; a refusal has none to tell.
    pub fn undecided(self) -> Option<EngineError> {
        match self {
            Self::Undecided(error) => Some(error),
            Self::Key(_) | Self::Password | Self::NotActive(_) => None,
        }
    }
}
