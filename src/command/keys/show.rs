//! Reading a key.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyRef, Need};
use crate::key::{Key, Level};

/// Reads a key.
#[derive(Clone, Debug)]
pub struct ShowKey(pub KeyRef);

impl Command for ShowKey {
    type Target = Key;
    type Output = Key;

    fn need(&self) -> Need {
        Need::of(Level::READ, Level::ADMINISTER)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Key>, CommandError> {
        gate.key(&self.0)
    }

    fn run(self, _: &GatedEngine<'_>, on: Authorized<Key>) -> Result<Key, CommandError> {
        Ok(on.get())
    }
}
