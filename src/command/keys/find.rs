//! Finding keys by a filter.

use super::list::need;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyPage, Need, UserRef};
use crate::engine::{Cursor, KeyFilter, Whose};

/// Finds keys, in pages.
#[derive(Clone, Debug)]
pub struct FindKeys {
    /// Whose; left out, those of everyone whom the caller may act for: everyone's, the company's or the caller's own.
    pub owner: Option<UserRef>,
    /// Which of them.
    pub filter: KeyFilter,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Most keys wanted.
    pub limit: usize,
}

impl Command for FindKeys {
    type Target = Whose;
    type Output = KeyPage;

    fn need(&self) -> Need {
        need(self.filter.keyspace.as_ref())
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Whose>, CommandError> {
        gate.whose(self.owner.as_ref())
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<Whose>) -> Result<KeyPage, CommandError> {
        let (keys, next) = engine.find_keys(on, &self.filter, self.after.as_ref(), self.limit)?;
        Ok(KeyPage { keys: keys.into_iter().map(|key| (key, None)).collect(), next })
    }
}
