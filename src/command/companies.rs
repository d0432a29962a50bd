//! Companies: added, read, renamed, removed.

use super::{Authorized, Command, CommandError, Door, Everything, Gate, Need};
use crate::engine::NewCompany;
use crate::key::{Company, CompanyId, DisplayName, Level};

/// Adds a company.
#[derive(Clone, Debug)]
pub struct AddCompany(pub NewCompany);

impl Command for AddCompany {
    type Target = Everything;
    type Output = Company;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<Company, CommandError> {
        door.add_company(on, self.0)
    }
}

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

    fn run(self, _: &Door<'_>, on: Authorized<Company>) -> Result<Company, CommandError> {
        Ok(on.get())
    }
}

/// Reads companies by rising id, from just after one; fewer than asked for means the end.
#[derive(Clone, Copy, Debug)]
pub struct ListCompanies {
    /// The last company of the page before.
    pub after: Option<CompanyId>,
    /// Most companies wanted.
    pub limit: usize,
}

impl Command for ListCompanies {
    type Target = Everything;
    type Output = Vec<Company>;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<Vec<Company>, CommandError> {
        door.companies(on, self.after, self.limit)
    }
}

/// Gives a company another name.
#[derive(Clone, Debug)]
pub struct RenameCompany {
    /// Which.
    pub company: CompanyId,
    /// Its new name.
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

    fn run(self, door: &Door<'_>, on: Authorized<Company>) -> Result<Company, CommandError> {
        door.rename_company(on, self.name)
    }
}

/// Removes a company that nobody belongs to any more.
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

    fn run(self, door: &Door<'_>, on: Authorized<Company>) -> Result<(), CommandError> {
        door.remove_company(on)
    }
}
