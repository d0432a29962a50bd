//! Accepting a clock that is far ahead.

use crate::clock::Timestamp;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};

/// Accepts a clock that is far ahead of the newest time in the store, so that entries with a TTL are removed again. Returns
/// that newest time; `None` when the clock was not in doubt.
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
