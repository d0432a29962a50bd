//! Reading users.

use crate::command::{
    AnsweredRequest, Authorized, Command, CommandError, Door, Everything, Gate, Need, UserRef,
};
use crate::key::{CompanyId, Level, User, UserId};

/// Reads a user.
#[derive(Clone, Debug)]
pub struct ShowUser(pub UserRef);

impl Command for ShowUser {
    type Target = User;
    type Output = User;

    fn need(&self) -> Need {
        Need::of(Level::AUTHENTICATE, Level::ADMINISTER)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<User>, CommandError> {
        gate.user(&self.0)
    }

    fn run(self, _: &Door<'_>, on: Authorized<User>) -> Result<User, CommandError> {
        Ok(on.get())
    }
}

/// Reads users by rising number, from just after one; fewer than asked for means the end.
#[derive(Clone, Copy, Debug)]
pub struct ListUsers {
    /// The last user of the page before.
    pub after: Option<UserId>,
    /// Most users wanted.
    pub limit: usize,
}

impl Command for ListUsers {
    type Target = Everything;
    type Output = Vec<User>;

    fn need(&self) -> Need {
        Need::ALL
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Everything>, CommandError> {
        gate.everything()
    }

    fn run(self, door: &Door<'_>, on: Authorized<Everything>) -> Result<Vec<User>, CommandError> {
        door.users(on, self.after, self.limit)
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
        door: &Door<'_>,
        on: Authorized<Option<CompanyId>>,
    ) -> Result<(Vec<User>, Option<UserId>), CommandError> {
        door.users_of(on, self.after, self.limit)
    }
}

/// Reads the latest requests of a bot, newest first.
#[derive(Clone, Debug)]
pub struct ListRequests(pub UserRef);

impl Command for ListRequests {
    type Target = User;
    type Output = Vec<AnsweredRequest>;

    fn need(&self) -> Need {
        Need::of(Level::AUTHENTICATE, Level::ADMINISTER)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<User>, CommandError> {
        gate.user(&self.0)
    }

    fn run(self, door: &Door<'_>, on: Authorized<User>) -> Result<Vec<AnsweredRequest>, CommandError> {
        Ok(door.requests_of(on))
    }
}
