//! Creating a key.

use crate::clock::Timestamp;
use crate::key::{
    Action, Actor, Expiry, IssuedKey, Key, KeyId, KeyState, Keyspace, SealedCopy, Secrets, StoredSecret,
    Subject, Usage, Viewing,
};
use crate::limits;
use crate::store::schema;

use super::entries::{Entries, hot, of_key};
use super::operation::Operation;
use super::{Engine, EngineError, NewKey};

impl Engine {
    /// Creates a key and answers it with its text.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`], [`EngineError::NoSuchKeyspace`], [`EngineError::ExpiryOutOfRange`]; and
    /// [`EngineError::Entropy`], [`EngineError::Store`].
    ///
    /// # Durability
    /// When this answers, the key survives a power cut; it verifies no earlier.
    ///
    /// # Security
    /// The text exists here and nowhere else, unless the keyspace keeps sealed copies. Whether the caller may give
    /// this level is decided by [`command`](crate::command), not here.
    pub fn create_key(&self, actor: Actor, new: NewKey) -> Result<(Key, IssuedKey), EngineError> {
        let keyspace = Keyspace::named(&new.keyspace).ok_or(EngineError::NoSuchKeyspace)?;
        let id = KeyId::generate(self.entropy())?;
        let (current, text) = self.new_secret(id, &keyspace)?;
        let now = self.view().now();
        check_expiry(new.expiry, now)?;
        let (owner, hot) = (schema::user(new.owner.0), hot(&current.trace()));
        let key = self.write(move |operation| {
            if !operation.has(&owner)? {
                return Err(EngineError::NoSuchUser);
            }
            operation.expect_absent(hot.clone());
            let event = operation.record(actor, Action::KeyCreated, Subject::Key(id))?;
            let new = new.clone();
            let key = Key {
                id,
                keyspace: new.keyspace,
                owner: new.owner,
                comment: new.comment,
                contact: new.contact,
                level: new.level,
                allowlist: new.allowlist,
                rate_limits: new.rate_limits,
                state: KeyState::Active,
                expiry: new.expiry,
                created: now,
                // Rises over restarts too, and a refused key takes none.
                serial: event,
                secrets: Secrets { current: current.clone(), previous: None },
                usage: Usage::default(),
            };
            operation.replace(Entries::new(), of_key(&key)?);
            Ok(key)
        })?;
        Ok((key, text))
    }

    /// Makes a fresh text for the key `id` and its stored trace.
    pub(super) fn new_secret(
        &self,
        id: KeyId,
        space: &Keyspace,
    ) -> Result<(StoredSecret, IssuedKey), EngineError> {
        let (text, prefix) = space.format().issue(id, self.entropy())?;
        let (number, pepper) = self.peppers().current();
        let sealed = match space.viewing() {
            Viewing::Once => None,
            Viewing::Again => Some(SealedCopy::seal(&text, id, self.peppers(), self.entropy())?),
        };
        Ok((StoredSecret { pepper: number, prefix, hash: pepper.hash_issued(&text), sealed }, text))
    }
}

impl Operation<'_> {
    /// Two keys never share a text. With a working random generator they do not meet by chance.
    pub(super) fn expect_unused(&mut self, secret: &StoredSecret) {
        self.expect_absent(hot(&secret.trace()));
    }
}

/// An end has to lie ahead, and not absurdly far.
pub(super) fn check_expiry(expiry: Expiry, now: Timestamp) -> Result<(), EngineError> {
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
