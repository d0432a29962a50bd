//! Creating a key.

use super::MANAGE;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need};
use crate::engine::{Created, NewKey};
use crate::key::{IssuedKey, Issuing, Key, Keyspace};

/// A key with a fresh text, shown this once, and again only where its keyspace says so.
#[derive(Debug)]
pub struct KeyWithText {
    /// The key.
    pub key: Key,
    /// Its text.
    pub text: IssuedKey,
}

impl From<KeyWithText> for Created {
    fn from(KeyWithText { key, text }: KeyWithText) -> Self {
        Self::Now(Box::new(key), text)
    }
}

/// What creating such a key takes.
pub(super) fn need(new: &NewKey) -> Need {
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
    type Output = KeyWithText;

    fn need(&self) -> Need {
        need(&self.0)
    }

    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<NewKey>, CommandError> {
        gate.new_key(&self.0)
    }

    fn run(self, engine: &GatedEngine<'_>, on: Authorized<NewKey>) -> Result<KeyWithText, CommandError> {
        let (key, text) = engine.create_key(on)?;
        Ok(KeyWithText { key, text })
    }
}
