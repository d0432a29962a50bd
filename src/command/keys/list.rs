//! Listing the keys of a user.

use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, KeyPage, Need, UserRef};
use crate::engine::Cursor;
use crate::key::{Keyspace, KeyspaceName, Level, User};

/// What listing keys of this keyspace takes.
pub(super) fn need(keyspace: Option<&KeyspaceName>) -> Need {
    let keyspace = keyspace.and_then(Keyspace::named);
    Need::of(keyspace.map_or(Level::OWN, |keyspace| keyspace.listed_from()), Level::ADMINISTER)
}

/// Reads a user's keys, newest first.
#[derive(Clone, Debug)]
pub struct ListKeys {
    /// Whose.
    pub owner: UserRef,
    /// Of one keyspace, or of all.
    pub keyspace: Option<KeyspaceName>,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Most keys wanted; `None` for all of them.
    pub limit: Option<usize>,
    /// With the key texts, where there is a sealed copy that the caller may see.
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
