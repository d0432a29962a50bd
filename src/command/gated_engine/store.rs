//! Operations on the store as a whole, and on the audit.

use super::GatedEngine;
use crate::clock::Timestamp;
use crate::command::{Authorized, CommandError, Overview, WholeSystem};
use crate::engine::{AuditPage, BackupPiece, BackupPlace, Chain, CheckReport, EventFilter, PepperUses};
use crate::key::{AuditEvent, AuditHead};

impl GatedEngine<'_> {
    /// Returns audit events by rising sequence number.
    ///
    /// # Errors
    /// Those of the engine, as for all methods here.
    pub fn events(
        &self,
        _: Authorized<WholeSystem>,
        filter: &EventFilter,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<AuditEvent>, Option<u64>), CommandError> {
        Ok(self.reader.events(filter, after, limit)?)
    }

    /// Searches the audit, newest events first.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn search_audit(
        &self,
        _: Authorized<WholeSystem>,
        filter: &EventFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AuditPage, CommandError> {
        Ok(self.reader.search_audit(filter, before, limit)?)
    }

    /// Checks the chain of audit events.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn audit_chain(
        &self,
        _: Authorized<WholeSystem>,
        kept: Option<&AuditHead>,
    ) -> Result<Chain, CommandError> {
        Ok(self.reader.audit_chain(kept)?)
    }

    /// Returns the next piece of a backup.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn backup_piece(
        &self,
        _: Authorized<WholeSystem>,
        from: Option<&BackupPlace>,
    ) -> Result<BackupPiece, CommandError> {
        Ok(self.reader.backup_piece(from)?)
    }

    /// Counts the secrets under each pepper.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn pepper_uses(&self, _: Authorized<WholeSystem>) -> Result<PepperUses, CommandError> {
        Ok(self.reader.pepper_uses()?)
    }

    /// Accepts a clock in doubt; returns the newest time that the store knew, or `None` without doubt.
    pub fn accept_clock(&self, _: Authorized<WholeSystem>) -> Option<Timestamp> {
        self.engine.accept_clock()
    }

    /// Checks the whole store.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn check(&self, _: Authorized<WholeSystem>) -> Result<CheckReport, CommandError> {
        Ok(self.engine.check()?)
    }

    /// Returns counts of records and verdicts.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn overview(&self, _: Authorized<WholeSystem>) -> Result<Overview, CommandError> {
        self.node.memory.metrics.overview(&self.reader, self.node.verifier.verdicts())
    }
}
