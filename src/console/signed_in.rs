//! A logged-in user of the console, and what this user may read.

use super::form::Input;
use super::refusal::Refusal;
use super::request::{ConsoleRequest, SESSION};
use crate::command::{
    Caller, Command, KeyPage, ListCompanies, ListKeys, ListUsers, ListUsersOf, SessionToken, ShowUser,
    UserRef,
};
use crate::key::{Company, CompanyId, IssuedKey, Key, Keyspace, Level, User, UserId};
use crate::limits;

/// Most keys of a user that are counted.
pub(super) const COUNTED: usize = 100;

/// Request of a logged-in user.
pub(super) struct SignedIn<'a> {
    pub(super) request: &'a ConsoleRequest<'a>,
    pub(super) caller: Caller,
    pub(super) user: User,
    pub(super) token: SessionToken,
}

impl<'a> SignedIn<'a> {
    /// User whose session the request carries.
    pub(super) fn of(request: &'a ConsoleRequest<'a>) -> Result<Self, Refusal> {
        let token = request.cookie(SESSION).ok_or(Refusal::LogIn)?;
        let found = request.service.authenticator().by_session(&token, request.raw.client);
        let (caller, user) =
            found.map_err(|error| error.undecided().map_or(Refusal::LogIn, Refusal::from))?;
        Ok(Self { request, caller, user, token })
    }
}

impl SignedIn<'_> {
    pub(super) fn is_administrator(&self) -> bool {
        self.caller.level() >= Level::ALL
    }

    /// Refuses a user who is not an administrator.
    pub(super) fn administrator(&self) -> Result<(), Refusal> {
        if self.is_administrator() { Ok(()) } else { Err(Refusal::Forbidden) }
    }

    /// Fields of a form of this session.
    pub(super) fn form(&self) -> Result<Input, Refusal> {
        self.request.form_of(&self.token)
    }

    pub(super) fn run<C: Command>(&self, command: C) -> Result<C::Output, Refusal> {
        Ok(self.request.service.run(&self.caller, command)?)
    }

    /// Fields of the query of the address.
    pub(super) fn query(&self) -> Input {
        Input::of_query(&self.request.raw.query)
    }

    /// Users whom this user administers, or this user alone.
    pub(super) fn visible_users(&self) -> Result<Vec<User>, Refusal> {
        if self.is_administrator() {
            return self.all_users();
        }
        match self.user.company.filter(|_| self.caller.level() >= Level::ADMINISTER) {
            Some(company) => self.members(company),
            None => Ok(vec![self.user.clone()]),
        }
    }

    fn all_users(&self) -> Result<Vec<User>, Refusal> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = ListUsers { after, limit: limits::PAGE_MAX };
            let users = self.run(page)?;
            let whole = users.len() == limits::PAGE_MAX;
            after = users.last().map(|user| user.id);
            all.extend(users);
            if !whole {
                return Ok(all);
            }
        }
    }

    fn members(&self, company: CompanyId) -> Result<Vec<User>, Refusal> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = ListUsersOf { company: Some(company), after, limit: limits::PAGE_MAX };
            let (users, next) = self.run(page)?;
            all.extend(users.into_iter().filter(|user| user.role.level() <= self.caller.level()));
            after = next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    pub(super) fn find_user(&self, named: UserRef) -> Result<User, Refusal> {
        let user = self.run(ShowUser(named))?;
        Ok(user)
    }

    /// Live key of a user in a keyspace, and its text if this user may see it; `None` if this user may not list keys.
    pub(super) fn live_key(
        &self,
        owner: UserId,
        keyspace: &Keyspace,
    ) -> Result<Option<(Key, Option<IssuedKey>)>, Refusal> {
        let command = ListKeys {
            owner: UserRef::Id(owner),
            keyspace: Some(*keyspace.name()),
            after: None,
            limit: None,
            texts: true,
        };
        match self.run(command) {
            Ok(page) => Ok(page.keys.into_iter().find(|(key, _)| key.is_live())),
            Err(Refusal::Forbidden) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Number of keys of a user, in all keyspaces; `None` if this user may not list them.
    pub(super) fn key_count(&self, owner: UserId) -> Result<Option<String>, Refusal> {
        let command = ListKeys {
            owner: UserRef::Id(owner),
            keyspace: None,
            after: None,
            limit: Some(COUNTED),
            texts: false,
        };
        match self.run(command) {
            Ok(KeyPage { keys, next: None }) => Ok(Some(keys.len().to_string())),
            Ok(KeyPage { keys, next: Some(_) }) => Ok(Some(format!("{} and more", keys.len()))),
            Err(Refusal::Forbidden) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Companies, for administrators; at most 1,000.
    pub(super) fn companies(&self) -> Result<Vec<Company>, Refusal> {
        if !self.is_administrator() {
            return Ok(Vec::new());
        }
        let command = ListCompanies { after: None, limit: limits::PAGE_MAX };
        let companies = self.run(command)?;
        Ok(companies)
    }
}
