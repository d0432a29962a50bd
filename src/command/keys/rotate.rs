//! Rotating a key at once.

use super::MANAGE;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyRef, KeyWithText, Need};
use crate::key::Key;

/// Rotates a key: issues a new text. The previous text verifies for a grace period.
#[derive(Clone, Debug)]
pub struct RotateKey {
    /// Key.
    pub key: KeyRef,
    /// Grace period in milliseconds.
    pub grace_ms: u64,
}

impl Command for RotateKey {
    type Target = Key;
    type Output = KeyWithText;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.key)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Key>) -> Result<KeyWithText, CommandError> {
        let (key, text) = engine.rotate_key(on, self.grace_ms)?;
        Ok(KeyWithText { key, text })
    }
}
