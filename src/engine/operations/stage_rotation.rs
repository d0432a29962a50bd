//! Proposing a key a new text that takes effect only when it is adopted.

use crate::engine::{Engine, EngineError};
use crate::key::{IssuedKey, Key, KeyId, Keyspace, Principal};

use super::staged_rotations::editor;

impl Engine {
    /// Proposes the key a new text and answers it. Nothing is in force yet: until `by` adopts it, for 15 minutes at
    /// most, the old text verifies and the new one does not. A second proposal takes the place of the first.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`], [`EngineError::KeyRevoked`]; [`EngineError::Beyond`] when the text is not for the
    /// caller; [`EngineError::Entropy`], [`EngineError::Store`].
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

    /// Puts the text that `by` proposed last in force; the old one is refused from then on.
    ///
    /// # Errors
    /// [`EngineError::NoStagedRotation`], also when it was too long ago; and those of [`Engine::rotate_key`].
    ///
    /// # Durability
    /// When this answers, both the new text and the end of the old one survive a power cut.
    pub fn commit_rotation(&self, by: impl Into<Principal>, id: KeyId) -> Result<Key, EngineError> {
        let by = by.into();
        let secret = self.staged_rotations().take(&(editor(&by.actor), id), self.view().now());
        self.replace_secret(by, id, secret.ok_or(EngineError::NoStagedRotation)?, 0)
    }

    /// Whether there is a text that `by` may adopt.
    pub fn has_staged_rotation(&self, by: impl Into<Principal>, id: KeyId) -> bool {
        let by = by.into();
        self.staged_rotations().has(&(editor(&by.actor), id), self.view().now())
    }

    /// Throws away what `by` proposed, if anything: it can never become valid.
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
