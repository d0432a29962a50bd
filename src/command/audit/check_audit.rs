//! Checking the chain of audit events.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::Chain;
use crate::key::AuditHead;

/// Proves the audit's chain from its end to its beginning.
#[derive(Clone, Debug)]
pub struct CheckAudit {
    /// A newest event that was kept elsewhere, to be found again.
    pub kept: Option<AuditHead>,
}

impl Command for CheckAudit {
    type Target = WholeSystem;
    type Output = Chain;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<WholeSystem>) -> Result<Chain, CommandError> {
        engine.audit_chain(on, self.kept.as_ref())
    }
}
