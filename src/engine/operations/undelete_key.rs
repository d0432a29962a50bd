//! Undeleting a key.

use crate::clock::Timestamp;
use crate::engine::commit::{Transaction, hot};
use crate::engine::rights::{Right, bounded, reaches};
use crate::engine::{Engine, EngineError, Reader};
use crate::key::{AuditAction, Demotion, Issuing, Key, KeyId, Keyspace, Principal, Subject};
use crate::limits;
use crate::store::codec::Deleted;
use crate::store::schema;

impl Engine {
    /// Undeletes a key as it was: its text verifies again. Possible for 30 days, while its owner exists, for callers
    /// who could create the same key. API access does not change. A key that a demotion would have revoked stays
    /// deleted.
    ///
    /// # Errors
    /// [`EngineError::NoSuchKey`] when no record of it is left. [`EngineError::NoSuchUser`] when its owner was removed.
    /// [`EngineError::Withheld`], [`EngineError::IssuedFrom`], [`EngineError::Beyond`] and
    /// [`EngineError::NoLongerGood`] when the caller may not. [`EngineError::NoAccess`],
    /// [`EngineError::LostByDemotion`]. [`EngineError::HasKey`] when the owner has another key of a keyspace with one
    /// key per owner. [`EngineError::HasText`] when another key has its text by now. [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, the key verifies again, also after a power cut.
    pub fn undelete_key(&self, by: impl Into<Principal>, id: KeyId) -> Result<Key, EngineError> {
        let by = by.into();
        let key = self.write(move |tx| {
            let place = schema::deleted(&id.to_bytes());
            let deleted: Deleted = tx.get(&place)?.ok_or(EngineError::NoSuchKey)?;
            let Deleted { ref key, until, .. } = deleted;
            // An import may have created it again.
            if until <= tx.now() || tx.has(&schema::key(&id.to_bytes()))? {
                return Err(EngineError::NoSuchKey);
            }
            tx.check_return(&by, &deleted)?;
            for (trace, _) in key.hot_records() {
                // An import may have given its text to another key.
                if tx.has(&hot(&trace))? {
                    return Err(EngineError::HasText);
                }
            }
            let key = deleted.key;
            tx.remove_before_ttl(place, until);
            tx.write_key(None, Some(&key))?;
            tx.record(by.actor, AuditAction::KeyUndeleted, Subject::Key(id))?;
            Ok(key)
        })?;
        if key.secrets.all().any(|secret| secret.imported_hash.is_some()) {
            self.view().salted.add(key.secrets.all().map(|secret| &secret.prefix));
        }
        Ok(key)
    }
}

impl Transaction<'_> {
    /// Refuses a key that the caller could not create, or that a caller of a higher level took away.
    fn check_return(&mut self, by: &Principal, deleted: &Deleted) -> Result<(), EngineError> {
        let Deleted { key, by: taken_by, until } = deleted;
        let owner = self.user(key.owner)?;
        reaches(Right::Existence, by, *taken_by)?;
        if !key.is_live() {
            return Ok(());
        }
        let keyspace = Keyspace::named(&key.keyspace).ok_or(EngineError::NoSuchKeyspace)?;
        if by.level < keyspace.issued_from() {
            return Err(EngineError::IssuedFrom { need: keyspace.issued_from() });
        }
        bounded(Right::Level, &key.level, &by.level)?;
        self.check_proof(by, key)?;
        self.check_owner_limits(by, key.owner, &key.keyspace, &key.rate_limits)?;
        let lost = |demoted: Timestamp| demoted.plus_ms(limits::DELETED_KEPT_MS) >= *until;
        if keyspace.demotion() == Demotion::Revokes && owner.demoted.is_some_and(lost) {
            return Err(EngineError::LostByDemotion);
        }
        match keyspace.issuing() {
            Issuing::Freely => Ok(()),
            Issuing::WithAccess if !owner.api_access => Err(EngineError::NoAccess),
            Issuing::WithAccess => self.check_first(key.owner, &keyspace),
            Issuing::OnePerBot => self.check_first_of_bot(key.owner, &keyspace),
        }
    }
}

impl Reader {
    /// Returns the record of a deleted key that can be undeleted.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    pub fn deleted_key(&self, id: KeyId) -> Result<Option<Key>, EngineError> {
        let deleted: Option<Deleted> = self.get(&schema::deleted(&id.to_bytes()))?;
        Ok(deleted.filter(|deleted| deleted.until > self.now()).map(|deleted| deleted.key))
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
    use crate::store::{MemoryStore, Store as _};

    #[test]
    fn a_deleted_key_comes_back_as_it_was_within_its_time() {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_764_100_000_000));
        let store = Arc::new(MemoryStore::new());
        let parts = Parts::over(Arc::<MemoryStore>::clone(&store), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
        let by = Actor::Operator;
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(by, flo).unwrap().id;
        let (key, text) =
            engine.create_key(by, NewKey::new(*Keyspace::NATIVE.name(), flo, Level::OWN)).unwrap();
        let text = text.reveal();
        let known = || {
            let presented = Keyspace::NATIVE.format().parse(&text).unwrap();
            engine.reader().named_by(&presented).unwrap().is_some()
        };
        engine.delete_key(by, key.id).unwrap();
        assert!(!known() && engine.reader().key(key.id).unwrap().is_none());
        assert_eq!(engine.undelete_key(by, key.id).unwrap(), key);
        assert!(known());
        assert!(matches!(engine.undelete_key(by, key.id), Err(EngineError::NoSuchKey)), "it is there");
        assert!(engine.check().unwrap().findings.is_empty());
        engine.delete_key(by, key.id).unwrap();
        clock.advance_ms(limits::DELETED_KEPT_MS);
        assert!(matches!(engine.undelete_key(by, key.id), Err(EngineError::NoSuchKey)), "too late");
        // The write-behind is written at the stop at the latest.
        engine.stop().unwrap();
        for kept in [schema::DELETED, schema::KEPT] {
            assert!(store.scan(kept, None, 1).unwrap().is_empty(), "nothing of it is left");
        }
    }

    #[test]
    fn an_engine_stops_though_what_is_over_cannot_be_removed() {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_764_100_000_000));
        let store = Arc::new(MemoryStore::new());
        let parts = Parts::over(Arc::<MemoryStore>::clone(&store), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        let new = NewKey::new(*Keyspace::NATIVE.name(), flo, Level::OWN);
        let (key, _) = engine.create_key(Actor::Operator, new).unwrap();
        engine.delete_key(Actor::Operator, key.id).unwrap();
        clock.advance_ms(limits::DELETED_KEPT_MS);
        store.close().unwrap();
        engine.stop().unwrap();
        assert!(!store.scan(schema::DELETED, None, 1).unwrap().is_empty());
    }
}
