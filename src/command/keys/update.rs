//! Changing a key.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyRef, Need};
use crate::engine::KeyChange;
use crate::key::Key;

use super::MANAGE;

/// Changes fields of a key; suspends or resumes it.
#[derive(Clone, Debug)]
pub struct UpdateKey {
    /// Key.
    pub key: KeyRef,
    /// Change.
    pub change: KeyChange,
}

impl Command for UpdateKey {
    type Target = (Key, KeyChange);
    type Output = Key;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<(Key, KeyChange)>, CommandError> {
        gate.key_change(&self.key, &self.change)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<(Key, KeyChange)>) -> Result<Key, CommandError> {
        engine.update_key(on)
    }
}
