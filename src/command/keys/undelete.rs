//! Bringing a deleted key back.

use super::MANAGE;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need};
use crate::key::{Key, KeyId};

/// Brings a deleted key back.
#[derive(Clone, Copy, Debug)]
pub struct UndeleteKey(pub KeyId);

impl Command for UndeleteKey {
    type Target = Key;
    type Output = Key;

    fn need(&self) -> Need {
        MANAGE
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.deleted_key(self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Key>) -> Result<Key, CommandError> {
        engine.undelete_key(on)
    }
}
