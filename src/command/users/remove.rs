//! Removing a user.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, UserRef};
use crate::key::User;

/// Removes a user and all their keys.
#[derive(Clone, Debug)]
pub struct RemoveUser(pub UserRef);

impl Command for RemoveUser {
    type Target = User;
    type Output = ();

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<User>, CommandError> {
        gate.user(&self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<User>) -> Result<(), CommandError> {
        engine.remove_user(on)
    }
}
