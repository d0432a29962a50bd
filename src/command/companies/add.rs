//! Adding a company.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::engine::NewCompany;
use crate::key::Company;

/// Adds a company.
#[derive(Clone, Debug)]
pub struct AddCompany(pub NewCompany);

impl Command for AddCompany {
    type Target = WholeSystem;
    type Output = Company;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<WholeSystem>) -> Result<Company, CommandError> {
        engine.add_company(on, self.0)
    }
}
