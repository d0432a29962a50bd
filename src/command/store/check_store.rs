//! Checking the whole store.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::CheckReport;

/// Checks every entry of the store, and that index entries agree with their records.
#[derive(Clone, Copy, Debug)]
pub struct CheckStore;

impl Command for CheckStore {
    type Target = WholeSystem;
    type Output = CheckReport;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<WholeSystem>) -> Result<CheckReport, CommandError> {
        engine.check(on)
    }
}
