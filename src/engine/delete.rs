//! Removing a key and its record.

use crate::key::{Action, Actor, KeyId, Subject};

use super::entries::{Entries, of_key};
use super::{Engine, EngineError};

impl Engine {
    /// Removes the key, whatever its state; only its audit events stay. API access goes with the key it came with.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`] (also when deleted before), [`EngineError::Store`].
    ///
    /// # Durability
    /// When this answers, no later verify allows the key, not even after a power cut.
    pub fn delete_key(&self, actor: Actor, id: KeyId) -> Result<(), EngineError> {
        self.write(move |operation| {
            let old = operation.key(id)?;
            operation.end_access(&old)?;
            operation.replace(of_key(&old)?, Entries::new());
            operation.record(actor, Action::KeyDeleted, Subject::Key(id))?;
            Ok(())
        })
    }
}
