//! By whose right a change is made.

use super::{Actor, KeyId, Level, UserId};

/// Who makes a change, and with which level. What a key that was shown has besides, its expiry, allowlist and rate
/// limits, is read from its record when the change is made, so it cannot have been widened or narrowed meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Who makes it, as the audit names them.
    pub actor: Actor,
    /// What they may do: the lowest of the role, and of the key if one was shown.
    pub level: Level,
}

impl Authority {
    /// The key that was shown, if it was one.
    pub const fn key(&self) -> Option<KeyId> {
        match self.actor {
            Actor::Operator | Actor::Stranger { .. } => None,
            Actor::User { key, .. } => key,
        }
    }

    /// Whether this is that user, whatever was shown.
    pub fn is(&self, owner: UserId) -> bool {
        matches!(self.actor, Actor::User { user, .. } if user == owner)
    }

    /// The level at which it takes something from that user; level 0 for the user's own doing.
    pub fn level_above(&self, owner: UserId) -> Level {
        if self.is(owner) { Level::AUTHENTICATE } else { self.level }
    }

    /// Whether this is that user by password, session or token: a key lends no more than it may do itself.
    pub fn is_in_person(&self, owner: UserId) -> bool {
        matches!(self.actor, Actor::User { user, key: None, .. } if user == owner)
    }
}

impl From<Actor> for Authority {
    /// Every level: a program that embeds the engine vouches for whom it names.
    fn from(actor: Actor) -> Self {
        Self { actor, level: Level::ALL }
    }
}
