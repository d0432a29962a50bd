//! Companies: tenants of users.

use crate::key::{CompanyId, DisplayName, ParseError, UserId, Username};

/// Company: a tenant that users belong to.
///
/// A company has an account: a bot that owns the keys of the company as a whole. Such keys are listed like those of any
/// user, and stay when the person who created them leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Company id.
    pub id: CompanyId,
    /// Display name.
    pub name: DisplayName,
    /// Bot that owns the keys of the company as a whole.
    pub account: UserId,
}

impl Company {
    /// Returns the user name of a company's account, which never changes.
    ///
    /// # Errors
    /// Never: ids consist of letters that user names may have.
    pub fn account_name(id: CompanyId) -> Result<Username, ParseError> {
        format!("company-{id}").parse()
    }
}
