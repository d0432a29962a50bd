//! Listing companies.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::key::{Company, CompanyId};

/// Reads companies by rising id, from just after one; fewer than asked for means the end.
#[derive(Clone, Copy, Debug)]
pub struct ListCompanies {
    /// The last company of the page before.
    pub after: Option<CompanyId>,
    /// Most companies wanted.
    pub limit: usize,
}

impl Command for ListCompanies {
    type Target = WholeSystem;
    type Output = Vec<Company>;

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
    ) -> Result<Vec<Company>, CommandError> {
        engine.companies(on, self.after, self.limit)
    }
}
