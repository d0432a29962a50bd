//! Reading the counts of records and verdicts.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, Overview, WholeSystem};

/// Reads the counts of records and verdicts.
#[derive(Clone, Copy, Debug)]
pub struct ShowOverview;

impl Command for ShowOverview {
    type Target = WholeSystem;
    type Output = Overview;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<WholeSystem>) -> Result<Overview, CommandError> {
        engine.overview(on)
    }
}
