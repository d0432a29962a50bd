//! Deleting a key and its record.

use crate::engine::{Engine, EngineError};
use crate::key::{AuditAction, KeyId, Principal, Subject};
use crate::limits;
use crate::store::codec::{Deleted, Record as _};
use crate::store::schema;

impl Engine {
    /// Deletes the key in any state. API access is removed with the key that was issued with it. For 30 days the key
    /// can be undeleted; after that only its audit events stay.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`], also when it was deleted before; [`EngineError::Beyond`] when the presented key has
    /// a lower level than the key; [`EngineError::NoLongerGood`]; [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, no later verify allows the key, also after a power cut.
    pub fn delete_key(&self, by: impl Into<Principal>, id: KeyId) -> Result<(), EngineError> {
        let by = by.into();
        self.write(move |tx| {
            let old = tx.key(id)?;
            tx.check_end(&by, &old)?;
            tx.end_access(&by, &old)?;
            tx.write_key(Some(&old), None)?;
            let until = tx.now().plus_ms(limits::DELETED_KEPT_MS);
            tx.keep(
                schema::deleted(&id.to_bytes()),
                Deleted { by: by.level_above(old.owner), key: old, until }.encode()?,
                until,
            );
            tx.record(by.actor, AuditAction::KeyDeleted, Subject::Key(id))?;
            Ok(())
        })
    }
}
