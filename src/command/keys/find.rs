//! Finding keys by a filter.

use super::list::need;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyPage, Need, UserRef};
use crate::engine::{Cursor, KeyFilter, KeyScope};

/// Finds keys by a filter.
#[derive(Clone, Debug)]
pub struct FindKeys {
    /// Owner of the keys; `None` for all users whom the caller may act on.
    pub owner: Option<UserRef>,
    /// Filter.
    pub filter: KeyFilter,
    /// Cursor of the page; `None` for the first page.
    pub after: Option<Cursor>,
    /// Number of keys on a page.
    pub limit: usize,
}

impl Command for FindKeys {
    type Target = KeyScope;
    type Output = KeyPage;

    fn need(&self) -> Need {
        need(self.filter.keyspace.as_ref())
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<KeyScope>, CommandError> {
        gate.whose(self.owner.as_ref())
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<KeyScope>) -> Result<KeyPage, CommandError> {
        let (keys, next) = engine.find_keys(on, &self.filter, self.after.as_ref(), self.limit)?;
        Ok(KeyPage { keys: keys.into_iter().map(|key| (key, None)).collect(), next })
    }
}
