//! Changing fields of a key; suspending and resuming it.

use crate::engine::{Engine, EngineError, KeyChange};
use crate::key::{AuditAction, Key, KeyId, KeyState, Principal, Subject};

use super::create_key::check_expiry;

impl Engine {
    /// Changes the fields that `change` names.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`], [`EngineError::KeyRevoked`]; [`EngineError::ExpiryOutOfRange`]: the caller corrects
    /// the input. [`EngineError::Beyond`] when the caller may not give this much: the caller asks for less.
    /// [`EngineError::Withheld`] when a caller of a higher level took the right away. [`EngineError::TooManyLimits`],
    /// [`EngineError::NoLongerGood`], [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, every later verify judges by the new fields, also after a power cut.
    pub fn update_key(
        &self,
        by: impl Into<Principal>,
        id: KeyId,
        change: KeyChange,
    ) -> Result<Key, EngineError> {
        let by = by.into();
        self.write(move |tx| {
            let old = tx.key(id)?;
            if matches!(old.state, KeyState::Revoked { .. }) {
                return Err(EngineError::KeyRevoked);
            }
            if let Some(expiry) = change.expiry {
                check_expiry(expiry, tx.now())?;
            }
            let key = changed(&old, change.clone());
            let suspends = change.active == Some(false);
            let key = tx.settle_change(&by, &old, key, suspends)?;
            if key != old {
                tx.replace_key(&old, &key)?;
                tx.record(by.actor, action(&old, &key), Subject::Key(id))?;
            }
            Ok(key)
        })
    }
}

fn changed(old: &Key, change: KeyChange) -> Key {
    let KeyChange { comment, contact, level, allowlist, rate_limits, expiry, active } = change;
    let old = old.clone();
    Key {
        comment: comment.unwrap_or(old.comment),
        contact: contact.over(old.contact),
        level: level.unwrap_or(old.level),
        allowlist: allowlist.unwrap_or(old.allowlist),
        rate_limits: rate_limits.unwrap_or(old.rate_limits),
        expiry: expiry.unwrap_or(old.expiry),
        state: active.map_or(old.state, |active| if active { KeyState::Active } else { KeyState::Suspended }),
        ..old
    }
}

/// Audit action of the change: suspend or resume when nothing else changed.
fn action(old: &Key, new: &Key) -> AuditAction {
    let only_state = Key { state: old.state.clone(), narrowed_by: old.narrowed_by, ..new.clone() } == *old;
    match new.state {
        KeyState::Active if only_state => AuditAction::KeyResumed,
        KeyState::Suspended if only_state => AuditAction::KeySuspended,
        KeyState::Active | KeyState::Suspended | KeyState::Revoked { .. } => AuditAction::KeyUpdated,
    }
}
