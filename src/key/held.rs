//! What was taken from a key, and at which level.

use super::{KeyState, Level};

/// The level of whoever last narrowed each right of a key and was not its owner: nobody below it widens that again.
/// Level 0 where nobody but the owner narrowed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Suspending it.
    pub state: Level,
    /// Lowering its level.
    pub level: Level,
    /// Tightening where it may be used from.
    pub allowlist: Level,
    /// Tightening how often it may be used.
    pub rate_limits: Level,
    /// Ending it sooner.
    pub expiry: Level,
}

impl Held {
    /// What counts for a record that does not say: a suspension is an administrator's, all else the owner's.
    pub fn unsaid(state: &KeyState) -> Self {
        let state = match state {
            KeyState::Suspended => Level::ALL,
            KeyState::Active | KeyState::Revoked { .. } => Level::AUTHENTICATE,
        };
        Self { state, ..Self::default() }
    }
}
