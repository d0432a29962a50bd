//! Importing keys of another system.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::{Imported, ImportedKey};

/// Imports keys of another system.
#[derive(Clone, Debug)]
pub struct ImportKeys {
    /// Keys, at most 1,000.
    pub keys: Vec<ImportedKey>,
    /// Whether to change nothing, and only return what the import would do.
    pub dry: bool,
}

impl Command for ImportKeys {
    type Target = WholeSystem;
    type Output = Vec<Imported>;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(
        self,
        engine: &GatedEngine<'_>,
        on: Authorized<WholeSystem>,
    ) -> Result<Vec<Imported>, CommandError> {
        engine.import_keys(on, self.keys, self.dry)
    }
}
