//! The audit: reading it, looking through it, proving it.

use super::{Authorized, Command, CommandError, Door, Everything, Gate, Need};
use crate::engine::{Chain, EventFilter, Trail};
use crate::key::{AuditEvent, AuditHead};

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
    type Target = Everything;
    type Output = Events;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<Events, CommandError> {
        door.events(on, &self.filter, self.after, self.limit)
    }
}

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
    type Target = Everything;
    type Output = Trail;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<Trail, CommandError> {
        door.trail(on, &self.filter, self.before, self.limit)
    }
}

/// Proves the audit's chain from its end to its beginning.
#[derive(Clone, Debug)]
pub struct CheckAudit {
    /// A newest event that was kept elsewhere, to be found again.
    pub kept: Option<AuditHead>,
}

impl Command for CheckAudit {
    type Target = Everything;
    type Output = Chain;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<Chain, CommandError> {
        door.audit_chain(on, self.kept.as_ref())
    }
}
