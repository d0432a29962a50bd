//! Setting a password.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, UserRef};
use crate::key::{Level, Password, User};

/// Sets a person's password.
#[derive(Clone, Debug)]
pub struct SetPassword {
    /// Person.
    pub user: UserRef,
    /// New password.
    pub password: Password,
}

impl Command for SetPassword {
    type Target = User;
    type Output = User;

    fn need(&self) -> Need {
        Need::of(Level::OWN, Level::ALL)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<User>, CommandError> {
        gate.password_of(&self.user)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<User>) -> Result<User, CommandError> {
        engine.set_password(on, &self.password)
    }
}
