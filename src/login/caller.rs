//! Callers: authenticated by a key, by a login, or as the operator of the machine.

use std::net::IpAddr;

use crate::key::{Actor, CompanyId, KeyId, Level, Owner, Principal, User, UserId, UserKind};

/// How a caller was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The caller operates the machine: the command line, the control socket, or an embedding program.
    Machine,
    /// One of the user's keys.
    Key,
    /// The user's password, sent with this request.
    Password,
    /// A token or a session that an earlier login gave the user.
    Login,
}

/// Authenticated caller of commands.
///
/// # Security
/// Only `login/` makes one, so having one proves that authenticating succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    actor: Actor,
    level: Level,
    company: Option<CompanyId>,
    is_bot: bool,
    proof: Proof,
}

/// Person whose password came with this request. Tokens and sessions are given to a `Login` and to no other caller.
#[derive(Clone, Copy, Debug)]
pub struct Login(Caller);

impl Caller {
    /// Operator of the machine: has every level.
    pub const fn operator() -> Self {
        let proof = Proof::Machine;
        Self { actor: Actor::Operator, level: Level::ALL, company: None, is_bot: false, proof }
    }

    /// Owner of `key`, at the level that `verify` found for it now.
    pub(super) fn by_key(owner: (UserId, &Owner), key: KeyId, from: Option<IpAddr>, level: Level) -> Self {
        let (user, Owner { company, is_bot, .. }) = owner;
        let actor = Actor::User { user, key: Some(key), from };
        Self { actor, level, company: *company, is_bot: *is_bot, proof: Proof::Key }
    }

    /// Person by a token or a session, at the level of the person's role.
    pub(super) fn by_login(user: &User, from: Option<IpAddr>) -> Self {
        let actor = Actor::User { user: user.id, key: None, from };
        let (level, company, is_bot) = (user.role.level(), user.company, user.kind == UserKind::Bot);
        Self { actor, level, company, is_bot, proof: Proof::Login }
    }

    /// User id of the caller; `None` for the operator.
    pub const fn id(&self) -> Option<UserId> {
        match self.actor {
            Actor::Operator | Actor::Stranger { .. } => None,
            Actor::User { user, .. } => Some(user),
        }
    }

    /// Level of the caller: the lower one of the role and, if a key was presented, of the key.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Company of the caller, if any.
    pub const fn company(&self) -> Option<CompanyId> {
        self.company
    }

    /// Company that bounds the caller at every level: that of a bot. People of a company reach outside it as their level
    /// allows.
    pub(crate) const fn tenant(&self) -> Option<CompanyId> {
        if self.is_bot { self.company } else { None }
    }

    /// Whether the caller may see all records.
    pub fn sees_everything(&self) -> bool {
        self.level >= Level::ALL && self.tenant().is_none()
    }

    /// How the caller was authenticated.
    pub(crate) const fn proof(&self) -> Proof {
        self.proof
    }

    /// Key that the caller presented, if it was a key.
    pub const fn key(&self) -> Option<KeyId> {
        match self.actor {
            Actor::Operator | Actor::Stranger { .. } => None,
            Actor::User { key, .. } => key,
        }
    }

    /// Caller as the audit names it.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Actor and level for the engine's operations.
    pub const fn authority(&self) -> Principal {
        Principal { actor: self.actor, level: self.level }
    }
}

impl Login {
    /// Person whose password was right.
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

/// Callers for tests of the gate, which take no proof.
#[cfg(test)]
pub(crate) mod unproved {
    use super::*;

    pub(crate) fn by_key(owner: (UserId, &Owner), key: KeyId, level: Level) -> Caller {
        Caller::by_key(owner, key, None, level)
    }

    pub(crate) fn by_session(user: &User) -> Caller {
        Caller::by_login(user, None)
    }

    pub(crate) fn by_password(user: &User) -> Caller {
        Login::of(user, None).into()
    }
}
