//! Stopping a key for good.

use crate::engine::{Engine, EngineError};
use crate::key::{AuditAction, Key, KeyId, KeyState, Principal, RevokeReason, Subject};

impl Engine {
    /// Stops the key for good, with every text it ever had; its record stays as evidence. Revoking again changes
    /// nothing and answers the same. API access goes with the key it came with.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`]; [`EngineError::Beyond`] to a key below it; [`EngineError::Store`].
    ///
    /// # Durability
    /// When this answers, no later verify allows the key, not even after a power cut.
    pub fn revoke_key(
        &self,
        by: impl Into<Principal>,
        id: KeyId,
        reason: RevokeReason,
    ) -> Result<Key, EngineError> {
        let by = by.into();
        self.write(move |tx| {
            let old = tx.key(id)?;
            if matches!(old.state, KeyState::Revoked { .. }) {
                return Ok(old);
            }
            tx.check_end(&by, &old)?;
            tx.end_access(&by, &old)?;
            let state = KeyState::Revoked { at: tx.now(), by: by.actor, reason };
            let key = Key { state, ..old.clone() };
            tx.replace_key(&old, &key)?;
            tx.record(by.actor, AuditAction::KeyRevoked, Subject::Key(id))?;
            Ok(key)
        })
    }
}
