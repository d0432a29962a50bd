//! Accepting a clock that is far ahead.

use crate::clock::Timestamp;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};

/// Has the clock believed though it is far ahead of the newest time that the store knows, so that what is due is removed
/// for good again. Answers that time; `None` when there was no doubt.
#[derive(Clone, Copy, Debug)]
pub struct AcceptClock;

impl Command for AcceptClock {
    type Target = WholeSystem;
    type Output = Option<Timestamp>;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(
        self,
        engine: &GatedEngine<'_>,
        on: Authorized<WholeSystem>,
    ) -> Result<Option<Timestamp>, CommandError> {
        Ok(engine.accept_clock(on))
    }
}
