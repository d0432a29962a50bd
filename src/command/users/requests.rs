//! Reading the newest requests of a bot.

use crate::command::{AnsweredRequest, Authorized, Command, CommandError, Gate, GatedEngine, Need, UserRef};
use crate::key::{Level, User};

/// Reads the newest requests of a bot, newest first.
#[derive(Clone, Debug)]
pub struct ListRequests(pub UserRef);

impl Command for ListRequests {
    type Target = User;
    type Output = Vec<AnsweredRequest>;

    fn need(&self) -> Need {
        Need::of(Level::AUTHENTICATE, Level::ADMINISTER)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<User>, CommandError> {
        gate.user(&self.0)
    }

    fn run(
        self,
        engine: &GatedEngine<'_>,
        on: Authorized<User>,
    ) -> Result<Vec<AnsweredRequest>, CommandError> {
        Ok(engine.requests_of(on))
    }
}
