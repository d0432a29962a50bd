//! Operations on users and companies.

use super::GatedEngine;
use crate::command::{AnsweredRequest, Authorized, CommandError, WholeSystem};
use crate::engine::{NewCompany, NewUser, UserChange};
use crate::key::{Company, CompanyId, DisplayName, Password, User, UserId};

impl GatedEngine<'_> {
    /// Adds a user.
    ///
    /// # Errors
    /// Those of the engine, as for all methods here.
    pub fn add_user(&self, new: Authorized<NewUser>) -> Result<User, CommandError> {
        Ok(self.engine.add_user(self.by(), new.get())?)
    }

    /// Changes a user.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn update_user(&self, changed: Authorized<(User, UserChange)>) -> Result<User, CommandError> {
        let (user, change) = changed.get();
        Ok(self.engine.update_user(self.by(), user.id, change)?)
    }

    /// Sets a person's password.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn set_password(&self, user: Authorized<User>, password: &Password) -> Result<User, CommandError> {
        Ok(self.engine.set_password(self.by(), user.get().id, password)?)
    }

    /// Removes a user and all their keys.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn remove_user(&self, user: Authorized<User>) -> Result<(), CommandError> {
        Ok(self.engine.remove_user(self.by(), user.get().id)?)
    }

    /// Returns users by rising id.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn users(
        &self,
        _: Authorized<WholeSystem>,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<User>, CommandError> {
        Ok(self.reader.users(after, limit)?)
    }

    /// Returns users of a company, or those without one, and the user after whom the next page begins.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn users_of(
        &self,
        company: Authorized<Option<CompanyId>>,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<User>, Option<UserId>), CommandError> {
        Ok(self.reader.users_of(company.get(), after, limit)?)
    }

    /// Returns the newest requests of a bot, newest first.
    pub fn requests_of(&self, user: Authorized<User>) -> Vec<AnsweredRequest> {
        self.node.memory.recent.of(user.get().id)
    }

    /// Counts the sessions of a user.
    pub fn sessions_of(&self, user: Authorized<User>) -> usize {
        self.node.authenticator.sessions_of(user.get().id)
    }

    /// Ends all sessions of a user.
    pub fn end_sessions_of(&self, user: Authorized<User>) {
        self.node.authenticator.end_sessions_of(user.get().id);
    }

    /// Adds a company.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn add_company(&self, _: Authorized<WholeSystem>, new: NewCompany) -> Result<Company, CommandError> {
        Ok(self.engine.add_company(self.by(), new)?)
    }

    /// Returns companies by rising id.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn companies(
        &self,
        _: Authorized<WholeSystem>,
        after: Option<CompanyId>,
        limit: usize,
    ) -> Result<Vec<Company>, CommandError> {
        Ok(self.reader.companies(after, limit)?)
    }

    /// Renames a company.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn rename_company(
        &self,
        company: Authorized<Company>,
        name: DisplayName,
    ) -> Result<Company, CommandError> {
        Ok(self.engine.rename_company(self.by(), company.get().id, name)?)
    }

    /// Removes a company without users.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn remove_company(&self, company: Authorized<Company>) -> Result<(), CommandError> {
        Ok(self.engine.remove_company(self.by(), company.get().id)?)
    }
}
