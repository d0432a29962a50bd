//! Companies: tenants that users belong to.

use super::{CompanyId, DisplayName};

/// A tenant. Users name it by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Its public name in addresses.
    pub id: CompanyId,
    /// Its name for people.
    pub name: DisplayName,
}
