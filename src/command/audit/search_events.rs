//! Searching audit events, newest first.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::{EventFilter, Trail};

/// Looks back through the audit, newest first.
#[derive(Clone, Debug)]
pub struct SearchEvents {
    /// Which events.
    pub filter: EventFilter,
    /// From before this event; `None` from the newest.
    pub before: Option<u64>,
    /// Most events wanted.
    pub limit: usize,
}

impl Command for SearchEvents {
    type Target = WholeSystem;
    type Output = Trail;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<WholeSystem>) -> Result<Trail, CommandError> {
        engine.trail(on, &self.filter, self.before, self.limit)
    }
}
