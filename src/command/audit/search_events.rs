//! Searching audit events, newest first.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::{AuditPage, EventFilter};

/// Searches audit events, newest first.
#[derive(Clone, Debug)]
pub struct SearchEvents {
    /// Filter.
    pub filter: EventFilter,
    /// Sequence number before which the page begins; `None` for the newest events.
    pub before: Option<u64>,
    /// Number of events on a page.
    pub limit: usize,
}

impl Command for SearchEvents {
    type Target = WholeSystem;
    type Output = AuditPage;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<WholeSystem>) -> Result<AuditPage, CommandError> {
        engine.search_audit(on, &self.filter, self.before, self.limit)
    }
}
