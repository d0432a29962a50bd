//! Who asks: known by a key, by a password, or because the machine is theirs.

use std::net::IpAddr;

use thiserror::Error;

use crate::engine::EngineError;
use crate::key::{Actor, Authority, CompanyId, KeyId, Kind, Level, Owner, Status, User, UserId};
use crate::verify::DenyReason;

/// How a caller proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The machine is theirs.
    Machine,
    /// One of their keys.
    Key,
    /// Their password, with this very request.
    Password,
    /// A token or a session that a login left them with.
    Login,
}

/// Who asks, already authenticated. Only this layer makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    actor: Actor,
    level: Level,
    company: Option<CompanyId>,
    is_bot: bool,
    proof: Proof,
}

/// A person who gave their password, with this very request: nobody else gets a token or a session.
#[derive(Clone, Copy, Debug)]
pub struct Login(Caller);

impl Caller {
    /// Whoever controls the machine: may do everything.
    pub const fn operator() -> Self {
        let proof = Proof::Machine;
        Self { actor: Actor::Operator, level: Level::ALL, company: None, is_bot: false, proof }
    }

    /// The owner of this key, with the level that it has now.
    pub(super) fn by_key(owner: (UserId, &Owner), key: KeyId, from: Option<IpAddr>, level: Level) -> Self {
        let (user, Owner { company, is_bot, .. }) = owner;
        let actor = Actor::User { user, key: Some(key), from };
        Self { actor, level, company: *company, is_bot: *is_bot, proof: Proof::Key }
    }

    /// A person by what a login left them with: no more than the role lets them.
    pub(super) fn by_login(user: &User, from: Option<IpAddr>) -> Self {
        let actor = Actor::User { user: user.id, key: None, from };
        let (level, company, is_bot) = (user.role.level(), user.company, user.kind == Kind::Bot);
        Self { actor, level, company, is_bot, proof: Proof::Login }
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

    /// The company beyond which the caller reaches nothing, whatever the level: a bot's own. People of a company act
    /// beyond it as their level says.
    pub(super) const fn tenant(&self) -> Option<CompanyId> {
        if self.is_bot { self.company } else { None }
    }

    /// Whether nothing is hidden from the caller.
    pub fn sees_everything(&self) -> bool {
        self.level >= Level::ALL && self.tenant().is_none()
    }

    /// How the caller proved who they are.
    pub(super) const fn proof(&self) -> Proof {
        self.proof
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

impl Login {
    /// A person whose password was right.
    pub(super) fn of(user: &User, from: Option<IpAddr>) -> Self {
        Self(Caller { proof: Proof::Password, ..Caller::by_login(user, from) })
    }
}

impl std::ops::Deref for Login {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl From<Login> for Caller {
    fn from(login: Login) -> Self {
        login.0
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
