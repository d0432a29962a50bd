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
    /// Creates a key and answers it with its text. Where keys come with API access, that grants it.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`], [`EngineError::NoSuchKeyspace`], [`EngineError::ExpiryOutOfRange`];
    /// [`EngineError::ForBotsOnly`], [`EngineError::HasKey`] where the keyspace says who has how many;
    /// [`EngineError::Beyond`] when the key would go beyond what the caller may give or what binds its owner; and
    /// [`EngineError::Entropy`], [`EngineError::Store`].
    ///
    /// # Durability
    /// When this answers, the key survives a power cut; it verifies no earlier.
    ///
    /// # Security
    /// The text exists here and nowhere else, unless the keyspace keeps sealed copies. The key may do no more than
    /// whoever creates it. For whom they may is decided by [`command`](crate::command), not here.
    pub fn create_key(&self, by: impl Into<Principal>, new: NewKey) -> Result<(Key, IssuedKey), EngineError> {
        let by = by.into();
        self.create_key_remembering(by, new, None)
    }

    /// Creates a key, and remembers by which request if it may be repeated.
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

    /// Makes a fresh text for the key `id` and its stored trace.
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
    /// The record of it, active and never used, whose event is `serial`.
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
            // Rises over restarts too, and a refused key takes none.
            serial,
            secrets: Secrets { current: secret, previous: None },
            usage: Usage::default(),
        }
    }
}

impl Transaction<'_> {
    /// Writes a new key. That nobody has its text is for the caller to see to.
    pub(in crate::engine) fn insert_key(&mut self, key: &Key) -> Result<(), EngineError> {
        self.write_owner_limits()?;
        self.write_key(None, Some(key))
    }

    /// Refuses a person, and a bot that has a key.
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

    /// Refuses whoever has a key.
    pub(in crate::engine) fn check_first(
        &mut self,
        owner: UserId,
        keyspace: &Keyspace,
    ) -> Result<(), EngineError> {
        let keys = self.keys_of(owner, Some(keyspace))?;
        if keys.iter().any(Key::is_live) { Err(EngineError::HasKey) } else { Ok(()) }
    }

    /// Two keys never share a text. With a working random generator they do not meet by chance.
    pub(in crate::engine) fn expect_unused(&mut self, secret: &StoredSecret) {
        self.expect_absent(hot(&secret.lookup_key()));
    }
}

/// An end has to lie ahead, and not absurdly far.
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
