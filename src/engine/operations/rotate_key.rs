//! Giving a key a new secret.

use crate::engine::{Engine, EngineError};
use crate::key::{AuditAction, IssuedKey, Key, KeyId, Keyspace, Principal, StoredSecret, Subject};
use crate::limits;

impl Engine {
    /// Gives the key a new text. The old text verifies for `grace_ms` more milliseconds, 0 for none. Id, level,
    /// allowlist, expiry and history stay. The grace period of an earlier rotation ends now.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`], [`EngineError::KeyRevoked`]; [`EngineError::GraceTooLong`]: the caller asks for
    /// less. [`EngineError::Beyond`], [`EngineError::NoLongerGood`] when the caller may not have the text.
    /// [`EngineError::Entropy`], [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, the new text and the end of the old one survive a power cut.
    pub fn rotate_key(
        &self,
        by: impl Into<Principal>,
        id: KeyId,
        grace_ms: u64,
    ) -> Result<(Key, IssuedKey), EngineError> {
        let by = by.into();
        if grace_ms > limits::GRACE_MS_MAX {
            return Err(EngineError::GraceTooLong);
        }
        // The keyspace of a key never changes, so it may be read before the transaction.
        let old = self.view().key(id)?.ok_or(EngineError::NoSuchKey)?;
        let keyspace = Keyspace::named(&old.keyspace).ok_or(EngineError::NoSuchKeyspace)?;
        let (secret, text) = self.new_secret(id, &keyspace)?;
        Ok((self.replace_secret(by, id, secret, grace_ms)?, text))
    }

    /// Replaces the secret. The old one verifies for `grace_ms` more milliseconds.
    pub(in crate::engine) fn replace_secret(
        &self,
        by: Principal,
        id: KeyId,
        secret: StoredSecret,
        grace_ms: u64,
    ) -> Result<Key, EngineError> {
        self.write(move |tx| {
            let old = tx.key(id)?;
            if !old.is_live() {
                return Err(EngineError::KeyRevoked);
            }
            tx.check_proof(&by, &old)?;
            tx.expect_unused(&secret);
            let mut key = old.clone();
            let replaced = std::mem::replace(&mut key.secrets.current, secret.clone());
            let end = tx.now().plus_ms(grace_ms);
            key.secrets.previous = (grace_ms > 0).then_some((replaced, end));
            tx.replace_key(&old, &key)?;
            tx.record(by.actor, AuditAction::KeyRotated, Subject::Key(id))?;
            Ok(key)
        })
    }
}
