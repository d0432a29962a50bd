//! Backing up the store, piece by piece.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::{BackupPiece, BackupPlace};

/// Copies the next piece of the whole store, from its beginning when `from` is `None`.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Where the piece before ended.
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
