//! Reading many keys.

use crate::command::{Authorized, Command, CommandError, Door, Gate, Need, UserRef};
use crate::engine::{Cursor, KeyFilter, Whose};
use crate::key::{IssuedKey, Key, Keyspace, KeyspaceName, Level, User};

/// A page of keys.
#[derive(Debug)]
pub struct KeyPage {
    /// The keys, with their texts where those were asked for and may be shown.
    pub keys: Vec<(Key, Option<IssuedKey>)>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

/// What listing keys of this keyspace takes.
fn need(keyspace: Option<&KeyspaceName>) -> Need {
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

    fn run(self, door: &Door<'_>, on: Authorized<User>) -> Result<KeyPage, CommandError> {
        let Self { owner: _, keyspace, after, limit, texts } = self;
        door.keys_of(on, keyspace.as_ref(), after, limit, texts)
    }
}

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

    fn run(self, door: &Door<'_>, on: Authorized<Whose>) -> Result<KeyPage, CommandError> {
        let (keys, next) = door.find_keys(on, &self.filter, self.after.as_ref(), self.limit)?;
        Ok(KeyPage { keys: keys.into_iter().map(|key| (key, None)).collect(), next })
    }
}
