//! Checking the chain of audit events.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::Chain;
use crate::key::AuditHead;

/// Checks the chain of audit events from the newest to the first.
#[derive(Clone, Debug)]
pub struct CheckAudit {
    /// Head that the operator kept elsewhere; the check fails when the audit does not contain it.
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
