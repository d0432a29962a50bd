//! Reading audit events in order.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::EventFilter;
use crate::key::AuditEvent;

/// Page of audit events, and the sequence number after which the next page begins.
type Events = (Vec<AuditEvent>, Option<u64>);

/// Lists audit events by rising sequence number.
#[derive(Clone, Debug)]
pub struct ListEvents {
    /// Filter.
    pub filter: EventFilter,
    /// Sequence number of the last event of the previous page; 0 for the first page.
    pub after: u64,
    /// Number of events on a page.
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
