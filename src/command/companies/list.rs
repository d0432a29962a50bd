//! Listing companies.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::key::{Company, CompanyId};

/// Lists companies by rising id. A page with fewer than `limit` is the last one.
#[derive(Clone, Copy, Debug)]
pub struct ListCompanies {
    /// Last company of the previous page.
    pub after: Option<CompanyId>,
    /// Number of companies on a page.
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
