//! Staged rotations: new secrets that verify only after their editor commits them.
//!
//! Staged rotations are in memory only. A restart cancels them, as leaving the page of the console does. So a text that
//! an editor never saved can never verify.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::key::{Actor, KeyId, StoredSecret, UserId};
use crate::limits;

/// Staged secrets by editor and key.
#[derive(Default)]
pub(in crate::engine) struct StagedRotations(Mutex<HashMap<(Editor, KeyId), StagedRotation>>);

/// User who stages a rotation; `None` is the operator.
pub(super) type Editor = Option<UserId>;

struct StagedRotation {
    secret: StoredSecret,
    until: Timestamp,
}

/// Returns the editor whose staged rotations an actor may commit or cancel.
pub(super) fn editor(actor: &Actor) -> Editor {
    match actor {
        Actor::Operator | Actor::Stranger { .. } => None,
        Actor::User { user, .. } => Some(*user),
    }
}

impl StagedRotations {
    /// Stores a staged secret in the place of an earlier one. At the maximum, the oldest one is removed.
    pub(super) fn put(&self, place: (Editor, KeyId), secret: StoredSecret, now: Timestamp) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, staged| staged.until > now);
        if waiting.len() >= limits::STAGED_ROTATIONS_MAX
            && let Some(oldest) = waiting.iter().min_by_key(|(_, staged)| staged.until).map(|(at, _)| *at)
        {
            waiting.remove(&oldest);
        }
        waiting.insert(place, StagedRotation { secret, until: now.plus_ms(limits::STAGED_ROTATION_MS) });
    }

    /// Whether a staged secret exists and has not expired.
    pub(super) fn has(&self, place: &(Editor, KeyId), now: Timestamp) -> bool {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.get(place).is_some_and(|staged| staged.until > now)
    }

    /// Removes a staged secret and returns it unless it has expired.
    pub(super) fn take(&self, place: &(Editor, KeyId), now: Timestamp) -> Option<StoredSecret> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(place).filter(|staged| staged.until > now).map(|staged| staged.secret)
    }
}
