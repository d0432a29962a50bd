//! Reading audit events in order.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::EventFilter;
use crate::key::AuditEvent;

/// A page of audit events, and after which the next begins.
type Events = (Vec<AuditEvent>, Option<u64>);

/// Reads audit events by rising sequence, from just after one; and after which the next page begins.
#[derive(Clone, Debug)]
pub struct ListEvents {
    /// Which events.
    pub filter: EventFilter,
    /// The last event of the page before; 0 for the first page.
    pub after: u64,
    /// Most events wanted.
    pub limit: usize,
}

impl Command for ListEvents {
    type Target = WholeSystem;
    type Output = Events;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<WholeSystem>) -> Result<Events, CommandError> {
        engine.events(on, &self.filter, self.after, self.limit)
    }
}
