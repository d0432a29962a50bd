//! Renaming a company.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need};
use crate::key::{Company, CompanyId, DisplayName};

/// Renames a company.
#[derive(Clone, Debug)]
pub struct RenameCompany {
    /// Company.
    pub company: CompanyId,
    /// New name.
    pub name: DisplayName,
}

impl Command for RenameCompany {
    type Target = Company;
    type Output = Company;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Company>, CommandError> {
        gate.company(self.company)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Company>) -> Result<Company, CommandError> {
        engine.rename_company(on, self.name)
    }
}
