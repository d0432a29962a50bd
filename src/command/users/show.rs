//! Reading a user.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, UserRef};
use crate::key::{Level, User};

/// Reads a user.
#[derive(Clone, Debug)]
pub struct ShowUser(pub UserRef);

impl Command for ShowUser {
    type Target = User;
    type Output = User;

    fn need(&self) -> Need {
        Need::of(Level::AUTHENTICATE, Level::ADMINISTER)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<User>, CommandError> {
        gate.user(&self.0)
    }

    fn run(self, _: &GatedEngine<'_>, on: Authorized<User>) -> Result<User, CommandError> {
        Ok(on.get())
    }
}
