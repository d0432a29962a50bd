//! Idempotency keys: creating one key only, however often the request is sent.
//!
//! The console sends each form that creates a key with an idempotency key of its own. A browser that sends the form
//! again creates no second key, and sees no text.

use crate::engine::commit::Transaction;
use crate::engine::{Engine, EngineError, NewKey};
use crate::key::{Actor, IssuedKey, Key, KeyId, Principal, UserId};
use crate::limits;
use crate::store::codec::{Record as _, Repeatable};
use crate::store::schema;

/// Idempotency key: the name of a request, and a hash that tells whether a repetition is the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Hash of the name that the client gave the request.
    pub name: [u8; 32],
    /// Hash of the whole request.
    pub content: [u8; 32],
}

/// Outcome of a creation with an idempotency key.
#[derive(Debug)]
pub enum CreateOutcome {
    /// A new key with its text.
    Created(Box<Key>, IssuedKey),
    /// The key that the same request created before. Its text is not returned again.
    Repeated(Box<Key>),
}

impl Engine {
    /// Creates a key as [`Engine::create_key`] does, unless a request of the same caller with the same idempotency key
    /// created one within the last 24 hours.
    ///
    /// # Errors
    /// [`EngineError::IdempotencyKeyReused`] when that request was another one: the client sends a new idempotency key.
    /// [`EngineError::NoSuchKey`] when the key that it created was deleted. All errors of [`Engine::create_key`].
    ///
    /// # Durability
    /// After this returns, the key and its idempotency key survive a power cut.
    pub fn create_key_idempotent(
        &self,
        by: impl Into<Principal>,
        new: NewKey,
        mark: IdempotencyKey,
    ) -> Result<CreateOutcome, EngineError> {
        let by = by.into();
        let place = place(&by.actor, &mark);
        let known = |repeatable: Option<Repeatable>| match repeatable {
            Some(before) if before.until <= self.view().now() => Ok(None),
            Some(before) if before.content == mark.content => Ok(Some(before.key)),
            Some(_) => Err(EngineError::IdempotencyKeyReused),
            None => Ok(None),
        };
        if let Some(id) = known(self.view().get(&place)?)? {
            return self.created_before(id);
        }
        match self.create_key_remembering(by, new, Some((place.clone(), mark.content))) {
            // The same request was sent twice at the same time, and the other one was first.
            Err(EngineError::IdempotencyKeyReused) => match known(self.view().get(&place)?)? {
                Some(id) => self.created_before(id),
                None => Err(EngineError::IdempotencyKeyReused),
            },
            created => created.map(|(key, text)| CreateOutcome::Created(Box::new(key), text)),
        }
    }

    fn created_before(&self, id: KeyId) -> Result<CreateOutcome, EngineError> {
        self.view().key(id)?.map(|key| CreateOutcome::Repeated(Box::new(key))).ok_or(EngineError::NoSuchKey)
    }
}

impl Transaction<'_> {
    /// Stores which key a request created.
    ///
    /// # Errors
    /// [`EngineError::IdempotencyKeyReused`] when it made one already.
    pub(in crate::engine) fn mark(
        &mut self,
        place: &[u8],
        content: [u8; 32],
        key: KeyId,
    ) -> Result<(), EngineError> {
        let now = self.now();
        if self.get::<Repeatable>(place)?.is_some_and(|before| before.until > now) {
            return Err(EngineError::IdempotencyKeyReused);
        }
        let until = now.plus_ms(limits::REQUEST_KEPT_MS);
        self.keep(place.to_vec(), Repeatable { key, content, until }.encode()?, until);
        Ok(())
    }
}

/// Idempotency keys of different callers are different.
fn place(actor: &Actor, mark: &IdempotencyKey) -> Vec<u8> {
    let caller = match actor {
        Actor::Operator | Actor::Stranger { .. } => UserId(0),
        Actor::User { user, .. } => *user,
    };
    schema::request(caller.0, &mark.name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, Timestamp};
    use crate::engine::{NewUser, Parts, UserChange};
    use crate::entropy::OsEntropy;
    use crate::key::{Keyspace, Level, PepperRing, Role};
    use crate::store::MemoryStore;

    #[test]
    fn a_repeated_request_makes_one_key_even_at_the_same_time() {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_764_100_000_000));
        let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        let mark = IdempotencyKey { name: [1; 32], content: [2; 32] };
        let create = |mark| {
            let new = NewKey::new(*Keyspace::NATIVE.name(), flo, Level::OWN);
            engine.create_key_idempotent(Actor::Operator, new, mark)
        };
        let (now, ids) = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..16).map(|_| scope.spawn(|| create(mark).unwrap())).collect();
            let created = asked.into_iter().map(|asked| asked.join().unwrap());
            created.fold((0, std::collections::BTreeSet::new()), |(now, mut ids), created| match created {
                CreateOutcome::Created(key, _) => {
                    ids.insert(key.id);
                    (now + 1, ids)
                }
                CreateOutcome::Repeated(key) => {
                    ids.insert(key.id);
                    (now, ids)
                }
            })
        });
        assert_eq!((now, ids.len()), (1, 1));
        let other = create(IdempotencyKey { content: [3; 32], ..mark });
        assert!(matches!(other, Err(EngineError::IdempotencyKeyReused)));
        assert!(matches!(create(IdempotencyKey { name: [4; 32], ..mark }), Ok(CreateOutcome::Created(..))));
        assert_eq!(engine.reader().keys_of(flo, None, None, 10).unwrap().0.len(), 2);

        // After its time it is a new request, which what is left of the old one does not take along.
        clock.advance_ms(limits::REQUEST_KEPT_MS);
        assert!(matches!(create(mark), Ok(CreateOutcome::Created(..))));
        for name in ["flo2", "flo3", "flo4"] {
            let username = Some(name.parse().unwrap());
            let change = UserChange { username, ..UserChange::default() };
            engine.update_user(Actor::Operator, flo, change).unwrap();
        }
        assert!(matches!(create(mark), Ok(CreateOutcome::Repeated(_))));
        assert!(engine.check().unwrap().findings.is_empty());
    }
}
