//! Counting the secrets under each pepper.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::PepperUses;

/// Counts the secrets under each pepper.
#[derive(Clone, Copy, Debug)]
pub struct CountPeppers;

impl Command for CountPeppers {
    type Target = WholeSystem;
    type Output = PepperUses;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<WholeSystem>) -> Result<PepperUses, CommandError> {
        engine.pepper_uses(on)
    }
}
