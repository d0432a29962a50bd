//! Levels at which rights of a key were narrowed.
//!
//! A right that was taken away stays away from principals of a lower level. So a record remembers for each right the level
//! of the principal that narrowed it last and was not the owner; widening it takes at least that level.

use crate::key::{KeyState, Level};

/// Level of the principal that narrowed each right of a key last and was not its owner. Principals of a lower level cannot
/// widen the right again. Level 0 where the owner alone narrowed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NarrowedBy {
    /// Suspending the key.
    pub state: Level,
    /// Lowering the level.
    pub level: Level,
    /// Tightening the allowlist.
    pub allowlist: Level,
    /// Tightening the rate limits.
    pub rate_limits: Level,
    /// Making the key expire sooner.
    pub expiry: Level,
}

impl NarrowedBy {
    /// Returns the levels for a record that stores none: a suspension counts as an administrator's, all else as the owner's.
    pub fn unsaid(state: &KeyState) -> Self {
        let state = match state {
            KeyState::Suspended => Level::ALL,
            KeyState::Active | KeyState::Revoked { .. } => Level::AUTHENTICATE,
        };
        Self { state, ..Self::default() }
    }
}
