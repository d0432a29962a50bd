//! Revoking a key.

use crate::engine::{Engine, EngineError};
use crate::key::{AuditAction, Key, KeyId, KeyState, Principal, RevokeReason, Subject};

impl Engine {
    /// Revokes the key and every text that it had. The record stays as evidence. Revoking again changes nothing and
    /// returns the same. API access is removed with the key that was issued with it.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`]; [`EngineError::Beyond`] when the presented key has a lower level than the key;
    /// [`EngineError::NoLongerGood`]; [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, no later verify allows the key, also after a power cut.
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
