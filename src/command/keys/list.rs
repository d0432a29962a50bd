//! Listing the keys of a user.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyPage, Need, UserRef};
use crate::engine::Cursor;
use crate::key::{Keyspace, KeyspaceName, Level, User};

/// Row for listing keys of this keyspace.
pub(super) fn need(keyspace: Option<&KeyspaceName>) -> Need {
    let keyspace = keyspace.and_then(Keyspace::named);
    Need::of(keyspace.map_or(Level::OWN, |keyspace| keyspace.listed_from()), Level::ADMINISTER)
}

/// Lists the keys of a user, newest first.
#[derive(Clone, Debug)]
pub struct ListKeys {
    /// Owner of the keys.
    pub owner: UserRef,
    /// Keyspace; `None` for all.
    pub keyspace: Option<KeyspaceName>,
    /// Cursor of the page; `None` for the first page.
    pub after: Option<Cursor>,
    /// Number of keys on a page; `None` for all keys.
    pub limit: Option<usize>,
    /// Whether to return key texts, where the store has a sealed copy and the caller may see it.
    pub texts: bool,
}

impl Command for ListKeys {
    type Target = User;
    type Output = KeyPage;

    fn need(&self) -> Need {
        need(self.keyspace.as_ref())
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<User>, CommandError> {
        gate.user(&self.owner)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<User>) -> Result<KeyPage, CommandError> {
        let Self { owner: _, keyspace, after, limit, texts } = self;
        engine.keys_of(on, keyspace.as_ref(), after, limit, texts)
    }
}
