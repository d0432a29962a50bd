//! Listings in pages.

use crate::engine::{EngineError, Reader};
use crate::key::{CompanyId, User, UserId};
use crate::limits;
use crate::store::codec::Record;
use crate::store::schema;

impl Reader {
    /// Returns up to `limit` users (at most 1,001) of a company, or of no company, by rising number, after one; and the
    /// user after which the next page begins, if there may be one.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the users could not be read.
    pub fn users_of(
        &self,
        company: Option<CompanyId>,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<User>, Option<UserId>), EngineError> {
        let company = company.map(|company| company.to_bytes());
        let after = after.map(|id| schema::member(company.as_ref(), id.0));
        let limit = limit.clamp(1, limits::PAGE_AND_NEXT_MAX);
        let entries = self.store.scan(&schema::members(company.as_ref()), after.as_deref(), limit)?;
        // A user removed since the index was read is left out.
        let ids = entries.iter().filter_map(|entry| schema::member_id(&entry.key)).map(UserId);
        let next = ids.clone().next_back().filter(|_| entries.len() == limit);
        let users = ids.filter_map(|id| self.user(id).transpose()).collect::<Result<_, _>>()?;
        Ok((users, next))
    }

    /// Returns up to `limit` users (at most 1,001) by rising number, after one. Fewer than `limit` are the end.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the users could not be read.
    pub fn users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, EngineError> {
        let after = after.map(|id| schema::user(id.0));
        let entries =
            self.store.scan(schema::USERS, after.as_deref(), limit.clamp(1, limits::PAGE_AND_NEXT_MAX))?;
        Ok(entries.iter().map(User::from_entry).collect::<Result<_, _>>()?)
    }
}
