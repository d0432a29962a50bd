//! Reading a key.

use crate::command::{Authorized, Command, CommandError, Door, Gate, KeyRef, Need};
use crate::key::{IssuedKey, Key, Level};

use super::MANAGE;

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

    fn run(self, _: &Door<'_>, on: Authorized<Key>) -> Result<Key, CommandError> {
        Ok(on.get())
    }
}

/// Shows the text of a key again; `None` where it cannot be shown, or not to this caller.
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

    fn run(self, door: &Door<'_>, on: Authorized<Key>) -> Result<Option<IssuedKey>, CommandError> {
        door.text(on)
    }
}
