//! Backing up the store, piece by piece.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::{BackupPiece, BackupPlace};

/// Reads the next piece of a backup of the store.
#[derive(Clone, Debug)]
pub struct Backup {
    /// End of the previous piece; `None` for the first piece.
    pub from: Option<BackupPlace>,
}

impl Command for Backup {
    type Target = WholeSystem;
    type Output = BackupPiece;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<WholeSystem>) -> Result<BackupPiece, CommandError> {
        engine.backup_piece(on, self.from.as_ref())
    }
}
