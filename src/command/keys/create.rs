//! Creating a key.

use super::MANAGE;
use crate::command::{Authorized, Command, CommandError, Gate, GatedEngine, Need};
use crate::engine::{CreateOutcome, NewKey};
use crate::key::{IssuedKey, Issuing, Key, Keyspace};

/// Key with a fresh text. The text is shown now, and again only if its keyspace documents that.
#[derive(Debug)]
pub struct KeyWithText {
    /// Key.
    pub key: Key,
    /// Text of the key.
    pub text: IssuedKey,
}

impl From<KeyWithText> for CreateOutcome {
    fn from(KeyWithText { key, text }: KeyWithText) -> Self {
        Self::Created(Box::new(key), text)
    }
}

/// Row for creating this key: keyspaces that issue keys with API access or to bots need level 8.
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
