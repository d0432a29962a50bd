//! Removing a company.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need};
use crate::key::{Company, CompanyId};

/// Removes a company without users.
#[derive(Clone, Copy, Debug)]
pub struct RemoveCompany(pub CompanyId);

impl Command for RemoveCompany {
    type Target = Company;
    type Output = ();

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Company>, CommandError> {
        gate.company(self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Company>) -> Result<(), CommandError> {
        engine.remove_company(on)
    }
}
