//! The sessions of a user.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, UserRef};
use crate::key::{Level, User};

/// Counts the sessions of a user.
#[derive(Clone, Debug)]
pub struct CountSessions(pub UserRef);

impl Command for CountSessions {
    type Target = User;
    type Output = usize;

    fn need(&self) -> Need {
        Need::of(Level::AUTHENTICATE, Level::ALL)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<User>, CommandError> {
        gate.user(&self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<User>) -> Result<usize, CommandError> {
        Ok(engine.sessions_of(on))
    }
}

/// Ends all sessions of a user.
#[derive(Clone, Debug)]
pub struct EndSessions(pub UserRef);

impl Command for EndSessions {
    type Target = User;
    type Output = ();

    fn need(&self) -> Need {
        Need::of(Level::AUTHENTICATE, Level::ALL)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<User>, CommandError> {
        gate.user(&self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<User>) -> Result<(), CommandError> {
        engine.end_sessions_of(on);
        Ok(())
    }
}
