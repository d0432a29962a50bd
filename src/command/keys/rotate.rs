//! A new text for a key: at once, or proposed first.

use crate::command::{Authorized, Command, CommandError, Door, Gate, Issued, KeyRef, Need};
use crate::key::Key;

use super::MANAGE;

/// Gives a key a new secret; the old one verifies for `grace_ms` milliseconds more.
#[derive(Clone, Debug)]
pub struct RotateKey {
    /// The key.
    pub key: KeyRef,
    /// How long the old secret still verifies, in milliseconds.
    pub grace_ms: u64,
}

impl Command for RotateKey {
    type Target = Key;
    type Output = Issued;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.key)
    }

    fn run(self, door: &Door<'_>, on: Authorized<Key>) -> Result<Issued, CommandError> {
        let (key, text) = door.rotate_key(on, self.grace_ms)?;
        Ok(Issued { key, text })
    }
}

/// Proposes a key a new text that is not in force yet.
#[derive(Clone, Debug)]
pub struct ProposeText(pub KeyRef);

impl Command for ProposeText {
    type Target = Key;
    type Output = Issued;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.0)
    }

    fn run(self, door: &Door<'_>, on: Authorized<Key>) -> Result<Issued, CommandError> {
        let (key, text) = door.propose_text(on)?;
        Ok(Issued { key, text })
    }
}

/// Puts the text that the caller proposed last in force.
#[derive(Clone, Debug)]
pub struct AdoptText(pub KeyRef);

impl Command for AdoptText {
    type Target = Key;
    type Output = Key;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.0)
    }

    fn run(self, door: &Door<'_>, on: Authorized<Key>) -> Result<Key, CommandError> {
        door.adopt_text(on)
    }
}

/// Throws away what the caller proposed.
#[derive(Clone, Debug)]
pub struct DiscardText(pub KeyRef);

impl Command for DiscardText {
    type Target = Key;
    type Output = ();

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.0)
    }

    fn run(self, door: &Door<'_>, on: Authorized<Key>) -> Result<(), CommandError> {
        door.discard_text(on);
        Ok(())
    }
}
