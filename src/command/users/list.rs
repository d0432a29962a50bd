//! Listing users, of all companies or of one.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::key::{CompanyId, Level, User, UserId};

/// Lists users by rising id. A page with fewer than `limit` is the last one.
#[derive(Clone, Copy, Debug)]
pub struct ListUsers {
    /// Last user of the previous page.
    pub after: Option<UserId>,
    /// Number of users on a page.
    pub limit: usize,
}

impl Command for ListUsers {
    type Target = WholeSystem;
    type Output = Vec<User>;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<WholeSystem>, CommandError> {
        gate.whole_system()
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<WholeSystem>) -> Result<Vec<User>, CommandError> {
        engine.users(on, self.after, self.limit)
    }
}

/// Lists users of a company, or those without one, by rising id. Returns also the user after whom the next page begins.
#[derive(Clone, Copy, Debug)]
pub struct ListUsersOf {
    /// Company; `None` for users without one.
    pub company: Option<CompanyId>,
    /// Last user of the previous page.
    pub after: Option<UserId>,
    /// Number of users on a page.
    pub limit: usize,
}

impl Command for ListUsersOf {
    type Target = Option<CompanyId>;
    type Output = (Vec<User>, Option<UserId>);

    fn need(&self) -> Need {
        Need::of(Level::ADMINISTER, Level::ADMINISTER)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Option<CompanyId>>, CommandError> {
        gate.members_of(self.company)
    }

    fn run(
        self,
        engine: &GatedEngine<'_>,
        on: Authorized<Option<CompanyId>>,
    ) -> Result<(Vec<User>, Option<UserId>), CommandError> {
        engine.users_of(on, self.after, self.limit)
    }
}
