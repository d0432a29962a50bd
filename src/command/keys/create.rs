//! Creating a key.

use crate::command::{Authorized, Command, CommandError, Door, Gate, Need};
use crate::engine::{Created, NewKey, RequestMark};
use crate::key::{IssuedKey, Issuing, Key, Keyspace};

use super::MANAGE;

/// A key with a fresh text, shown this once, and again only where its keyspace says so.
#[derive(Debug)]
pub struct Issued {
    /// The key.
    pub key: Key,
    /// Its text.
    pub text: IssuedKey,
}

impl From<Issued> for Created {
    fn from(Issued { key, text }: Issued) -> Self {
        Self::Now(Box::new(key), text)
    }
}

/// What creating such a key takes.
fn need(new: &NewKey) -> Need {
    match Keyspace::named(&new.keyspace).map(|keyspace| keyspace.issuing()) {
        Some(Issuing::WithAccess | Issuing::OnePerBot) => Need::ALL,
        Some(Issuing::Freely) | None => MANAGE,
    }
}

/// Creates a key.
#[derive(Clone, Debug)]
pub struct CreateKey(pub NewKey);

impl Command for CreateKey {
    type Target = NewKey;
    type Output = Issued;

    fn need(&self) -> Need {
        need(&self.0)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<NewKey>, CommandError> {
        gate.new_key(&self.0)
    }

    fn run(self, door: &Door<'_>, on: Authorized<NewKey>) -> Result<Issued, CommandError> {
        let (key, text) = door.create_key(on)?;
        Ok(Issued { key, text })
    }
}

/// As [`CreateKey`], but a repeated request makes no second key.
#[derive(Clone, Debug)]
pub struct CreateKeyOnce {
    /// The key.
    pub new: NewKey,
    /// What tells the request from others.
    pub mark: RequestMark,
}

impl Command for CreateKeyOnce {
    type Target = NewKey;
    type Output = Created;

    fn need(&self) -> Need {
        need(&self.new)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<NewKey>, CommandError> {
        gate.new_key(&self.new)
    }

    fn run(self, door: &Door<'_>, on: Authorized<NewKey>) -> Result<Created, CommandError> {
        door.create_key_once(on, self.mark)
    }
}
