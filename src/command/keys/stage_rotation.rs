//! Rotating a key in two steps: staged first, then committed or canceled.

use super::MANAGE;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyRef, KeyWithText, Need};
use crate::key::Key;

/// Stages a rotation: returns a new text that does not verify until [`CommitRotation`].
#[derive(Clone, Debug)]
pub struct StageRotation(pub KeyRef);

impl Command for StageRotation {
    type Target = Key;
    type Output = KeyWithText;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Key>) -> Result<KeyWithText, CommandError> {
        let (key, text) = engine.stage_rotation(on)?;
        Ok(KeyWithText { key, text })
    }
}

/// Commits the rotation that the caller staged last.
#[derive(Clone, Debug)]
pub struct CommitRotation(pub KeyRef);

impl Command for CommitRotation {
    type Target = Key;
    type Output = Key;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Key>) -> Result<Key, CommandError> {
        engine.commit_rotation(on)
    }
}

/// Cancels the rotation that the caller staged.
#[derive(Clone, Debug)]
pub struct CancelRotation(pub KeyRef);

impl Command for CancelRotation {
    type Target = Key;
    type Output = ();

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Key>) -> Result<(), CommandError> {
        engine.cancel_rotation(on);
        Ok(())
    }
}
