//! Changing a user.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, UserRef};
use crate::engine::UserChange;
use crate::key::User;

/// Changes fields of a user.
#[derive(Clone, Debug)]
pub struct UpdateUser {
    /// User.
    pub user: UserRef,
    /// Change.
    pub change: UserChange,
}

impl Command for UpdateUser {
    type Target = (User, UserChange);
    type Output = User;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<(User, UserChange)>, CommandError> {
        gate.user_change(&self.user, &self.change)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<(User, UserChange)>) -> Result<User, CommandError> {
        engine.update_user(on)
    }
}
