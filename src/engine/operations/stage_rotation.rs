//! Staging a rotation: a new key text that takes effect only when it is committed.

use crate::engine::{Engine, EngineError};
use crate::key::{IssuedKey, Key, KeyId, Keyspace, Principal};

use super::staged_rotations::editor;

impl Engine {
    /// Stages a new text for the key, and returns it. Until `by` commits it, for at most 15 minutes, the old text
    /// verifies and the new one does not. A second staged rotation replaces the first.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`], [`EngineError::KeyRevoked`]; [`EngineError::Beyond`], [`EngineError::NoLongerGood`]
    /// when the caller may not have the text. [`EngineError::Entropy`], [`EngineError::Store`].
    ///
    /// # Durability
    /// Stored in memory only: a restart cancels it.
    pub fn stage_rotation(
        &self,
        by: impl Into<Principal>,
        id: KeyId,
    ) -> Result<(Key, IssuedKey), EngineError> {
        let by = by.into();
        let key = self.view().key(id)?.ok_or(EngineError::NoSuchKey)?;
        if !key.is_live() {
            return Err(EngineError::KeyRevoked);
        }
        self.view().check_proof(&by, &key)?;
        let keyspace = Keyspace::named(&key.keyspace).ok_or(EngineError::NoSuchKeyspace)?;
        let (secret, text) = self.new_secret(id, &keyspace)?;
        self.staged_rotations().put((editor(&by.actor), id), secret, self.view().now());
        Ok((key, text))
    }

    /// Commits the rotation that `by` staged last. The old text is denied from then on.
    ///
    /// # Errors
    /// [`EngineError::NoStagedRotation`], also when it has expired: the caller stages another one. All errors of
    /// [`Engine::rotate_key`].
    ///
    /// # Durability
    /// After this returns, the new text and the end of the old one survive a power cut.
    pub fn commit_rotation(&self, by: impl Into<Principal>, id: KeyId) -> Result<Key, EngineError> {
        let by = by.into();
        let secret = self.staged_rotations().take(&(editor(&by.actor), id), self.view().now());
        self.replace_secret(by, id, secret.ok_or(EngineError::NoStagedRotation)?, 0)
    }

    /// Whether a rotation is staged that `by` may commit.
    pub fn has_staged_rotation(&self, by: impl Into<Principal>, id: KeyId) -> bool {
        let by = by.into();
        self.staged_rotations().has(&(editor(&by.actor), id), self.view().now())
    }

    /// Cancels the rotation that `by` staged, if one exists. Its text can never verify.
    pub fn cancel_rotation(&self, by: impl Into<Principal>, id: KeyId) {
        let by = by.into();
        self.staged_rotations().take(&(editor(&by.actor), id), self.view().now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, Timestamp};
    use crate::engine::{NewKey, NewUser, Parts};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, Level, PepperRing, Role};
    use crate::limits;
    use crate::store::MemoryStore;

    #[test]
    fn only_the_last_text_counts_and_only_while_it_is_adopted_in_time() {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_764_100_000_000));
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        let new = NewKey::new(*Keyspace::NATIVE.name(), flo, Level::OWN);
        let (key, first) = engine.create_key(Actor::Operator, new).unwrap();
        let me = Actor::User { user: flo, key: None, from: None };
        let known = |text: &str| {
            let presented = Keyspace::NATIVE.format().parse(text).unwrap();
            engine.reader().named_by(&presented).unwrap().is_some()
        };
        let propose = || engine.stage_rotation(me, key.id).unwrap().1.reveal();
        let proposes = |actor| engine.has_staged_rotation(actor, key.id);
        let first = first.reveal();

        let (one, two) = (propose(), propose());
        assert!(known(&first) && !known(&one) && !known(&two), "nothing is in force yet");
        assert!(proposes(me) && !proposes(Actor::Operator));
        assert!(
            matches!(engine.commit_rotation(Actor::Operator, key.id), Err(EngineError::NoStagedRotation)),
            "it is the editor's own"
        );
        engine.commit_rotation(me, key.id).unwrap();
        assert!(!known(&first) && !known(&one) && known(&two));
        assert!(matches!(engine.commit_rotation(me, key.id), Err(EngineError::NoStagedRotation)), "once");

        let discarded = propose();
        engine.cancel_rotation(me, key.id);
        assert!(matches!(engine.commit_rotation(me, key.id), Err(EngineError::NoStagedRotation)));
        let late = propose();
        clock.advance_ms(limits::STAGED_ROTATION_MS);
        assert!(!proposes(me));
        assert!(matches!(engine.commit_rotation(me, key.id), Err(EngineError::NoStagedRotation)));
        assert!(known(&two) && !known(&discarded) && !known(&late));
    }
}
