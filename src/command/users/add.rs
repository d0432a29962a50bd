//! Adding a user.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need};
use crate::engine::NewUser;
use crate::key::User;

/// Adds a user.
#[derive(Clone, Debug)]
pub struct AddUser(pub NewUser);

impl Command for AddUser {
    type Target = NewUser;
    type Output = User;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<NewUser>, CommandError> {
        gate.new_user(&self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<NewUser>) -> Result<User, CommandError> {
        engine.add_user(on)
    }
}
