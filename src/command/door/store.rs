//! What can be read of the store as a whole.

use super::Door;
use crate::clock::Timestamp;
use crate::command::{Authorized, CommandError, Everything, Overview};
use crate::engine::{BackupPiece, BackupPlace, Chain, CheckReport, EventFilter, PepperUses, Trail};
use crate::key::{AuditEvent, AuditHead};

impl Door<'_> {
    /// Reads audit events by rising sequence.
    ///
    /// # Errors
    /// The engine's, as of everything here.
    pub fn events(
        &self,
        _: Authorized<Everything>,
        filter: &EventFilter,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<AuditEvent>, Option<u64>), CommandError> {
        Ok(self.reader.events(filter, after, limit)?)
    }

    /// Looks back through the audit, newest first.
    ///
    /// # Errors
    /// The engine's.
    pub fn trail(
        &self,
        _: Authorized<Everything>,
        filter: &EventFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Trail, CommandError> {
        Ok(self.reader.trail(filter, before, limit)?)
    }

    /// Proves the audit's chain.
    ///
    /// # Errors
    /// The engine's.
    pub fn audit_chain(
        &self,
        _: Authorized<Everything>,
        kept: Option<&AuditHead>,
    ) -> Result<Chain, CommandError> {
        Ok(self.reader.audit_chain(kept)?)
    }

    /// Copies the next piece of the store.
    ///
    /// # Errors
    /// The engine's.
    pub fn backup_piece(
        &self,
        _: Authorized<Everything>,
        from: Option<&BackupPlace>,
    ) -> Result<BackupPiece, CommandError> {
        Ok(self.reader.backup_piece(from)?)
    }

    /// Counts the secrets under each pepper.
    ///
    /// # Errors
    /// The engine's.
    pub fn pepper_uses(&self, _: Authorized<Everything>) -> Result<PepperUses, CommandError> {
        Ok(self.reader.pepper_uses()?)
    }

    /// Believes the clock; the newest time that the store knew, if that was in doubt.
    pub fn accept_clock(&self, _: Authorized<Everything>) -> Option<Timestamp> {
        self.engine.accept_clock()
    }

    /// Walks the whole store.
    ///
    /// # Errors
    /// The engine's.
    pub fn check(&self, _: Authorized<Everything>) -> Result<CheckReport, CommandError> {
        Ok(self.engine.check()?)
    }

    /// Counts what there is and how much is verified.
    ///
    /// # Errors
    /// The engine's.
    pub fn overview(&self, _: Authorized<Everything>) -> Result<Overview, CommandError> {
        self.service.overview()
    }
}
