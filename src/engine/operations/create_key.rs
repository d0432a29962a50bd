//! Creating a key.

use crate::clock::Timestamp;
use crate::engine::commit::{Transaction, hot};
use crate::engine::sealed_copy::sealed_copy;
use crate::engine::{Engine, EngineError, NewKey};
use crate::key::{
    AuditAction, Expiry, IssuedKey, Issuing, Key, KeyId, KeyState, Keyspace, NarrowedBy, Principal, Secrets,
    StoredSecret, Subject, Usage, UserId, UserKind,
};
use crate::limits;

impl Engine {
    /// Creates a key, and returns it with its text. In keyspaces whose keys are issued with API access, grants it.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`], [`EngineError::NoSuchKeyspace`], [`EngineError::ExpiryOutOfRange`]: the caller
    /// corrects the input. [`EngineError::ForBotsOnly`], [`EngineError::HasKey`] by the rules of the keyspace.
    /// [`EngineError::Beyond`] when the key would have more rights than the caller may give, or than bind the owner:
    /// the caller asks for less. [`EngineError::TooManyLimits`]; [`EngineError::Withheld`],
    /// [`EngineError::NoLongerGood`] when the caller may not issue it. [`EngineError::Entropy`],
    /// [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, the key survives a power cut. It does not verify earlier.
    ///
    /// # Security
    /// The text is returned here only, unless the keyspace stores sealed copies. The key gets no right that its creator
    /// lacks. The owners for whom a caller may create keys are decided by [`command`](crate::command), not here.
    pub fn create_key(&self, by: impl Into<Principal>, new: NewKey) -> Result<(Key, IssuedKey), EngineError> {
        let by = by.into();
        self.create_key_remembering(by, new, None)
    }

    /// Creates a key, and stores its idempotency key if the request has one.
    pub(in crate::engine) fn create_key_remembering(
        &self,
        by: Principal,
        new: NewKey,
        mark: Option<(Vec<u8>, [u8; 32])>,
    ) -> Result<(Key, IssuedKey), EngineError> {
        let keyspace = Keyspace::named(&new.keyspace).ok_or(EngineError::NoSuchKeyspace)?;
        let id = KeyId::generate(self.entropy())?;
        let (current, text) = self.new_secret(id, &keyspace)?;
        let now = self.view().now();
        check_expiry(new.expiry.unwrap_or_default(), now)?;
        let key = self.write(move |tx| {
            match keyspace.issuing() {
                Issuing::Freely => {}
                Issuing::WithAccess => tx.begin_access(&by, new.owner, &keyspace)?,
                Issuing::OnePerBot => tx.check_first_of_bot(new.owner, &keyspace)?,
            }
            if let Some((place, content)) = &mark {
                tx.mark(place, *content, id)?;
            }
            tx.expect_unused(&current);
            let event = tx.record(by.actor, AuditAction::KeyCreated, Subject::Key(id))?;
            let (new, held) = tx.settle_new(&by, new.clone())?;
            let key = Key { narrowed_by: held, ..new.key(id, current.clone(), now, event) };
            tx.insert_key(&key)?;
            Ok(key)
        })?;
        Ok((key, text))
    }

    /// Makes a new key text for the key `id`, and the secret that the store keeps of it.
    pub(in crate::engine) fn new_secret(
        &self,
        id: KeyId,
        space: &Keyspace,
    ) -> Result<(StoredSecret, IssuedKey), EngineError> {
        let (text, prefix) = space.format().issue(id, self.entropy())?;
        let (number, pepper) = self.peppers().current();
        let sealed = sealed_copy(space, &text, id, self.peppers(), self.entropy())?;
        Ok((
            StoredSecret {
                pepper: number,
                prefix,
                hash: pepper.hash_issued(&text),
                sealed,
                imported_hash: None,
            },
            text,
        ))
    }
}

impl NewKey {
    /// Record of a new key: active, never used, with `serial` from its audit event.
    pub(in crate::engine) fn key(
        self,
        id: KeyId,
        secret: StoredSecret,
        created: Timestamp,
        serial: u64,
    ) -> Key {
        Key {
            id,
            keyspace: self.keyspace,
            owner: self.owner,
            comment: self.comment,
            contact: self.contact,
            level: self.level,
            allowlist: self.allowlist.unwrap_or_default(),
            rate_limits: self.rate_limits.unwrap_or_default(),
            state: KeyState::Active,
            expiry: self.expiry.unwrap_or_default(),
            narrowed_by: NarrowedBy::default(),
            created,
            // The serial rises also over restarts, and a refused key uses none up.
            serial,
            secrets: Secrets { current: secret, previous: None },
            usage: Usage::default(),
        }
    }
}

impl Transaction<'_> {
    /// Writes a new key. The caller has checked that no other key has its text.
    pub(in crate::engine) fn insert_key(&mut self, key: &Key) -> Result<(), EngineError> {
        self.write_owner_limits()?;
        self.write_key(None, Some(key))
    }

    /// Refuses a person, and a bot that already has a key of the keyspace.
    pub(in crate::engine) fn check_first_of_bot(
        &mut self,
        owner: UserId,
        keyspace: &Keyspace,
    ) -> Result<(), EngineError> {
        if self.user(owner)?.kind != UserKind::Bot {
            return Err(EngineError::ForBotsOnly);
        }
        self.check_first(owner, keyspace)
    }

    /// Refuses an owner who already has a key of the keyspace.
    pub(in crate::engine) fn check_first(
        &mut self,
        owner: UserId,
        keyspace: &Keyspace,
    ) -> Result<(), EngineError> {
        let keys = self.keys_of(owner, Some(keyspace))?;
        if keys.iter().any(Key::is_live) { Err(EngineError::HasKey) } else { Ok(()) }
    }

    /// Makes the operation fail if another key has this text. With a working random generator that never happens.
    pub(in crate::engine) fn expect_unused(&mut self, secret: &StoredSecret) {
        self.expect_absent(hot(&secret.lookup_key()));
    }
}

/// Refuses an expiry in the past or too far ahead.
pub(in crate::engine) fn check_expiry(expiry: Expiry, now: Timestamp) -> Result<(), EngineError> {
    match expiry {
        Expiry::At(end) if end <= now || end > now.plus_ms(limits::LIFE_MS_MAX) => {
            Err(EngineError::ExpiryOutOfRange)
        }
        Expiry::At(_) | Expiry::Never => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::{Engine, EngineError, NewKey, NewUser, Parts};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, Keyspace, Level, PepperRing, Role, UserId};
    use crate::store::MemoryStore;

    #[test]
    fn a_refused_key_takes_no_serial() {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        let create = |owner| {
            let new = NewKey::new(*Keyspace::NATIVE.name(), owner, Level::READ);
            engine.create_key(Actor::Operator, new).map(|(key, _)| key.serial)
        };
        let first = create(flo).unwrap();
        assert!(matches!(create(UserId(9)), Err(EngineError::NoSuchUser)));
        assert_eq!(create(flo).unwrap(), first + 1);
    }
}
