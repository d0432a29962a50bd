//! Companies: tenants that users belong to.

use super::{CompanyId, DisplayName, ParseError, UserId, Username};

/// A tenant. Users name it by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Its public name in addresses.
    pub id: CompanyId,
    /// Its name for people.
    pub name: DisplayName,
    /// The bot that has the keys which are the company's and nobody's in particular.
    pub account: UserId,
}

impl Company {
    /// The user name of a company's account, which stays its.
    ///
    /// # Errors
    /// Never: an id is of letters that user names have.
    pub fn account_name(id: CompanyId) -> Result<Username, ParseError> {
        format!("company-{id}").parse()
    }
}
