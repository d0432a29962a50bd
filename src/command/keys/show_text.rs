//! Reading the text of a key again.

use super::MANAGE;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyRef, Need};
use crate::key::{IssuedKey, Key};

/// Reads the text of a key again. Returns `None` when the store has no copy, or the caller may not see it.
#[derive(Clone, Debug)]
pub struct ShowText(pub KeyRef);

impl Command for ShowText {
    type Target = Key;
    type Output = Option<IssuedKey>;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Key>) -> Result<Option<IssuedKey>, CommandError> {
        engine.text(on)
    }
}
