//! Actors: who makes a change, as audit events name them.

use std::fmt;
use std::net::IpAddr;

use crate::key::{KeyId, UserId};

/// Actor of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Operator of the machine: the command line, or a program that embeds the engine.
    Operator,
    /// User, by password or by key.
    User {
        /// User id.
        user: UserId,
        /// Key that was presented, if it was a key.
        key: Option<KeyId>,
        /// Client address, if known.
        from: Option<IpAddr>,
    },
    /// Client that was not authenticated.
    Stranger {
        /// Client address, if known.
        from: Option<IpAddr>,
    },
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::User { user, key: None, .. } => write!(f, "user {user}"),
            Self::User { user, key: Some(key), .. } => write!(f, "user {user} by key {key}"),
            Self::Stranger { .. } => f.write_str("somebody"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_are_named_in_logs() {
        let (user, key) = (UserId(7), KeyId::from_bytes([0; 16]));
        let by_key = Actor::User { user, key: Some(key), from: None };
        assert_eq!(Actor::Operator.to_string(), "operator");
        assert_eq!(Actor::User { user, key: None, from: None }.to_string(), "user 7");
        assert_eq!(by_key.to_string(), "user 7 by key 00000000-0000-0000-0000-000000000000");
    }
}
