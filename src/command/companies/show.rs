//! Reading a company.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need};
use crate::key::{Company, CompanyId, Level};

/// Reads a company.
#[derive(Clone, Copy, Debug)]
pub struct ShowCompany(pub CompanyId);

impl Command for ShowCompany {
    type Target = Company;
    type Output = Company;

    fn need(&self) -> Need {
        Need::of(Level::AUTHENTICATE, Level::AUTHENTICATE)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Company>, CommandError> {
        gate.company(self.0)
    }

    fn run(self, _: &GatedEngine<'_>, on: Authorized<Company>) -> Result<Company, CommandError> {
        Ok(on.get())
    }
}
