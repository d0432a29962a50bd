//! The store as a whole: its backup, its check, and what is in it.

use super::{Authorized, Command, CommandError, Door, Everything, Gate, Need, Overview};
use crate::clock::Timestamp;
use crate::engine::{BackupPiece, BackupPlace, CheckReport, PepperUses};

/// Copies the next piece of the whole store, from its beginning when `from` is `None`.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Where the piece before ended.
    pub from: Option<BackupPlace>,
}

impl Command for Backup {
    type Target = Everything;
    type Output = BackupPiece;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<BackupPiece, CommandError> {
        door.backup_piece(on, self.from.as_ref())
    }
}

/// Counts the secrets under each pepper.
#[derive(Clone, Copy, Debug)]
pub struct CountPeppers;

impl Command for CountPeppers {
    type Target = Everything;
    type Output = PepperUses;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<PepperUses, CommandError> {
        door.pepper_uses(on)
    }
}

/// Has the clock believed though it is far ahead of the newest time that the store knows, so that what is due is removed
/// for good again. Answers that time; `None` when there was no doubt.
#[derive(Clone, Copy, Debug)]
pub struct AcceptClock;

impl Command for AcceptClock {
    type Target = Everything;
    type Output = Option<Timestamp>;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<Option<Timestamp>, CommandError> {
        Ok(door.accept_clock(on))
    }
}

/// Walks the whole store.
#[derive(Clone, Copy, Debug)]
pub struct CheckStore;

impl Command for CheckStore {
    type Target = Everything;
    type Output = CheckReport;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<CheckReport, CommandError> {
        door.check(on)
    }
}

/// Counts what there is and how much is verified.
#[derive(Clone, Copy, Debug)]
pub struct ShowOverview;

impl Command for ShowOverview {
    type Target = Everything;
    type Output = Overview;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<Overview, CommandError> {
        door.overview(on)
    }
}
