//! What can be done about users and companies.

use super::Door;
use crate::command::{AnsweredRequest, Authorized, CommandError, Everything};
use crate::engine::{NewCompany, NewUser, UserChange};
use crate::key::{Company, CompanyId, DisplayName, Password, User, UserId};

impl Door<'_> {
    /// Adds a user.
    ///
    /// # Errors
    /// The engine's, as of everything here.
    pub fn add_user(&self, new: Authorized<NewUser>) -> Result<User, CommandError> {
        Ok(self.engine.add_user(self.by(), new.get())?)
    }

    /// Changes a user.
    ///
    /// # Errors
    /// The engine's.
    pub fn update_user(&self, changed: Authorized<(User, UserChange)>) -> Result<User, CommandError> {
        let (user, change) = changed.get();
        Ok(self.engine.update_user(self.by(), user.id, change)?)
    }

    /// Sets a person's password.
    ///
    /// # Errors
    /// The engine's.
    pub fn set_password(&self, user: Authorized<User>, password: &Password) -> Result<User, CommandError> {
        Ok(self.engine.set_password(self.by(), user.get().id, password)?)
    }

    /// Removes a user and all their keys.
    ///
    /// # Errors
    /// The engine's.
    pub fn remove_user(&self, user: Authorized<User>) -> Result<(), CommandError> {
        Ok(self.engine.remove_user(self.by(), user.get().id)?)
    }

    /// Reads everyone, by rising number.
    ///
    /// # Errors
    /// The engine's.
    pub fn users(
        &self,
        _: Authorized<Everything>,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<User>, CommandError> {
        Ok(self.reader.users(after, limit)?)
    }

    /// Reads those of a company, or of none, and after whom the next page begins.
    ///
    /// # Errors
    /// The engine's.
    pub fn users_of(
        &self,
        company: Authorized<Option<CompanyId>>,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<User>, Option<UserId>), CommandError> {
        Ok(self.reader.users_of(company.get(), after, limit)?)
    }

    /// Reads the latest requests of a bot, newest first.
    pub fn requests_of(&self, user: Authorized<User>) -> Vec<AnsweredRequest> {
        self.service.memory.recent.of(user.get().id)
    }

    /// Counts the sessions of a user.
    pub fn sessions_of(&self, user: Authorized<User>) -> usize {
        self.service.sessions_of(user.get().id)
    }

    /// Ends all sessions of a user.
    pub fn end_sessions_of(&self, user: Authorized<User>) {
        self.service.end_sessions_of(user.get().id);
    }

    /// Adds a company.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_company(&self, _: Authorized<Everything>, new: NewCompany) -> Result<Company, CommandError> {
        Ok(self.engine.add_company(self.by(), new)?)
    }

    /// Reads companies by rising id.
    ///
    /// # Errors
    /// The engine's.
    pub fn companies(
        &self,
        _: Authorized<Everything>,
        after: Option<CompanyId>,
        limit: usize,
    ) -> Result<Vec<Company>, CommandError> {
        Ok(self.reader.companies(after, limit)?)
    }

    /// Gives a company another name.
    ///
    /// # Errors
    /// The engine's.
    pub fn rename_company(
        &self,
        company: Authorized<Company>,
        name: DisplayName,
    ) -> Result<Company, CommandError> {
        Ok(self.engine.rename_company(self.by(), company.get().id, name)?)
    }

    /// Removes a company that nobody belongs to any more.
    ///
    /// # Errors
    /// The engine's.
    pub fn remove_company(&self, company: Authorized<Company>) -> Result<(), CommandError> {
        Ok(self.engine.remove_company(self.by(), company.get().id)?)
    }
}
