//! Deleting a key.

use super::MANAGE;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyRef, Need};
use crate::key::Key;

/// Deletes a key. Until its record expires, [`UndeleteKey`](super::UndeleteKey) brings the key back.
#[derive(Clone, Debug)]
pub struct DeleteKey(pub KeyRef);

impl Command for DeleteKey {
    type Target = Key;
    type Output = ();

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Key>) -> Result<(), CommandError> {
        engine.delete_key(on)
    }
}
