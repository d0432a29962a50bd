//! Principals: an actor and the level it acts with.

use crate::key::{Actor, KeyId, Level, UserId};

/// Principal of a change: the actor and the level it acts with.
///
/// Expiry, allowlist and rate limits of a presented key are not part of it: the write lane reads them from the record
/// when it makes the change, so a change of that key in between counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Actor, as audit events name it.
    pub actor: Actor,
    /// Level: the lower one of the role and, if a key was presented, of the key.
    pub level: Level,
}

impl Principal {
    /// Key that was presented, if it was a key.
    pub const fn key(&self) -> Option<KeyId> {
        match self.actor {
            Actor::Operator | Actor::Stranger { .. } => None,
            Actor::User { key, .. } => key,
        }
    }

    /// Whether the actor is this user, by any proof.
    pub fn is(&self, owner: UserId) -> bool {
        matches!(self.actor, Actor::User { user, .. } if user == owner)
    }

    /// Level to remember when this principal narrows a right of `owner`: level 0 when the actor is the owner.
    pub fn level_above(&self, owner: UserId) -> Level {
        if self.is(owner) { Level::AUTHENTICATE } else { self.level }
    }

    /// Whether the actor is this user by password, session or token. A key of the user does not count, since it may do
    /// less than the user.
    pub fn is_in_person(&self, owner: UserId) -> bool {
        matches!(self.actor, Actor::User { user, key: None, .. } if user == owner)
    }
}

impl From<Actor> for Principal {
    /// Level 8: a program that embeds the engine decides itself what its actors may do.
    fn from(actor: Actor) -> Self {
        Self { actor, level: Level::ALL }
    }
}
