//! Listing users, of all companies or of one.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need, WholeSystem};
use crate::key::{CompanyId, Level, User, UserId};

/// Reads users by rising number, from just after one; fewer than asked for means the end.
#[derive(Clone, Copy, Debug)]
pub struct ListUsers {
    /// The last user of the page before.
    pub after: Option<UserId>,
    /// Most users wanted.
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

/// Reads users of a company, or of none, by rising number, from just after one; and after whom the next page begins.
#[derive(Clone, Copy, Debug)]
pub struct ListUsersOf {
    /// The company.
    pub company: Option<CompanyId>,
    /// The last user of the page before.
    pub after: Option<UserId>,
    /// Most users wanted.
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
