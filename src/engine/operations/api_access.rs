//! API access: granting it issues a key in each keyspace whose keys are issued with API access; removing it deletes
//! them.

use crate::engine::commit::Transaction;
use crate::engine::rights::{Right, reaches};
use crate::engine::{Engine, EngineError, NewKey};
use crate::key::{
    Actor, Demotion, Issuing, Key, KeyId, KeyState, Keyspace, Level, Principal, RevokeReason, StoredSecret,
    User, UserId,
};

/// Prepared key that is issued if the user has no API access yet.
#[derive(Clone)]
pub(in crate::engine) struct Grant {
    id: KeyId,
    keyspace: Keyspace,
    secret: StoredSecret,
}

impl Engine {
    /// Prepares the keys that are issued with API access.
    pub(in crate::engine) fn prepare_access(&self) -> Result<Vec<Grant>, EngineError> {
        let grant = |keyspace: Keyspace| {
            let id = KeyId::generate(self.entropy())?;
            let (secret, _) = self.new_secret(id, &keyspace)?;
            Ok(Grant { id, keyspace, secret })
        };
        with_access().map(grant).collect()
    }
}

fn with_access() -> impl Iterator<Item = Keyspace> {
    Keyspace::all().filter(|keyspace| keyspace.issuing() == Issuing::WithAccess)
}

/// Returns the user with the level that holds API access after the change from `old` by `by`.
pub(in crate::engine) fn api_access_removed_by(
    by: &Principal,
    old: &User,
    user: User,
) -> Result<User, EngineError> {
    let api_access_removed_by = match (old.api_access, user.api_access) {
        (false, true) => {
            reaches(Right::ApiAccess, by, old.api_access_removed_by)?;
            Level::AUTHENTICATE
        }
        (true, false) => old.api_access_removed_by.max(by.level_above(old.id)),
        (true, true) | (false, false) => old.api_access_removed_by,
    };
    Ok(User { api_access_removed_by, ..user })
}

impl Transaction<'_> {
    /// Returns the keys of API access, if the change removes it.
    pub(in crate::engine) fn access_keys(&mut self, old: &User, new: &User) -> Result<Vec<Key>, EngineError> {
        let mut keys = Vec::new();
        if old.api_access && !new.api_access {
            for keyspace in with_access() {
                keys.extend(self.keys_of(new.id, Some(&keyspace))?.into_iter().filter(Key::is_live));
            }
        }
        Ok(keys)
    }

    /// Deletes the keys of removed API access, and issues the keys of granted API access; `event` recorded it.
    pub(in crate::engine) fn write_access(
        &mut self,
        by: &Principal,
        user: &User,
        ended: &[Key],
        begun: &[Grant],
        event: u64,
    ) -> Result<(), EngineError> {
        for key in ended {
            self.write_key(Some(key), None)?;
        }
        for Grant { id, keyspace, secret } in begun {
            // The key acts with the owner's role, also after the role changes.
            let new = NewKey::new(*keyspace.name(), user.id, Level::ALL);
            self.expect_unused(secret);
            let (new, held) = self.settle_new(by, new)?;
            self.insert_key(&Key { narrowed_by: held, ..new.key(*id, secret.clone(), self.now(), event) })?;
        }
        Ok(())
    }

    /// Grants API access to a user who receives a key that is issued with it.
    ///
    /// # Errors
    /// [`EngineError::Withheld`] when a caller of a higher level took it away.
    pub(in crate::engine) fn begin_access(
        &mut self,
        by: &Principal,
        owner: UserId,
        keyspace: &Keyspace,
    ) -> Result<(), EngineError> {
        let owner = self.user(owner)?;
        self.check_first(owner.id, keyspace)?;
        let user = User { api_access: true, ..owner.clone() };
        self.replace_user(Some(&owner), &api_access_removed_by(by, &owner, user)?)
    }

    /// Removes API access from the owner of a key of API access that is removed.
    pub(in crate::engine) fn end_access(&mut self, by: &Principal, key: &Key) -> Result<(), EngineError> {
        let comes_with_access = with_access().any(|keyspace| *keyspace.name() == key.keyspace);
        if comes_with_access && key.is_live() {
            let owner = self.user(key.owner)?;
            let user = User { api_access: false, ..owner.clone() };
            self.replace_user(Some(&owner), &api_access_removed_by(by, &owner, user)?)?;
        }
        Ok(())
    }

    /// Returns the keys that a user loses with a demotion.
    pub(in crate::engine) fn keys_lost(&mut self, owner: UserId) -> Result<Vec<Key>, EngineError> {
        let mut lost = Vec::new();
        for keyspace in Keyspace::all().filter(|keyspace| keyspace.demotion() == Demotion::Revokes) {
            lost.extend(self.keys_of(owner, Some(&keyspace))?.into_iter().filter(Key::is_live));
        }
        Ok(lost)
    }

    /// Revokes the keys that a user loses with a demotion.
    pub(in crate::engine) fn revoke_lost(&mut self, actor: Actor, lost: &[Key]) -> Result<(), EngineError> {
        for old in lost {
            let (at, reason) = (self.now(), RevokeReason::PrivilegeWithdrawn);
            let key = Key { state: KeyState::Revoked { at, by: actor, reason }, ..old.clone() };
            self.replace_key(old, &key)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{NewUser, Parts, UserChange};
    use crate::entropy::OsEntropy;
    use crate::key::{PepperRing, Role, UserStatus};
    use crate::store::MemoryStore;

    fn engine_with_flo() -> (Engine, UserId) {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::Moderator, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap();
        assert!(!flo.api_access, "off by default");
        (engine, flo.id)
    }

    fn keys(engine: &Engine, user: UserId, keyspace: Keyspace) -> Vec<Key> {
        engine.reader().keys_of(user, Some(keyspace.name()), None, 10).unwrap().0
    }

    #[test]
    fn a_user_has_exactly_one_key_with_access_and_none_without() {
        let (engine, flo) = engine_with_flo();
        let set = |access| {
            let change = UserChange { api_access: Some(access), ..UserChange::default() };
            assert_eq!(engine.update_user(Actor::Operator, flo, change).unwrap().api_access, access);
            keys(&engine, flo, Keyspace::TELVUE)
        };
        let first = set(true);
        assert_eq!((first.len(), set(true)), (1, first.clone()), "granted again, it stays");
        let again = UserChange { api_access: Some(true), role: Some(Role::Support), ..UserChange::default() };
        engine.update_user(Actor::Operator, flo, again).unwrap();
        assert_eq!(keys(&engine, flo, Keyspace::TELVUE), first, "also with another change");
        assert!(set(false).is_empty());
        let second = set(true);
        assert_ne!(
            second[0].secrets.current.hash, first[0].secrets.current.hash,
            "the former is not revived"
        );
        let create = || {
            let new = NewKey::new(*Keyspace::TELVUE.name(), flo, Level::READ);
            engine.create_key(Actor::Operator, new)
        };
        assert!(matches!(create(), Err(EngineError::HasKey)));
        let has_access = || engine.reader().user(flo).unwrap().unwrap().api_access;
        engine.delete_key(Actor::Operator, second[0].id).unwrap();
        assert!(!has_access(), "whoever has no key has no access");
        let third = set(true);
        engine.revoke_key(Actor::Operator, third[0].id, RevokeReason::KeyCompromise).unwrap();
        assert!(!has_access());
        create().unwrap();
        assert!(has_access(), "whoever has a key has access");
        assert_eq!(set(true).iter().filter(|key| key.is_live()).count(), 1);
        assert!(engine.check().unwrap().findings.is_empty());
    }

    #[test]
    fn a_demotion_revokes_for_good_where_the_keyspace_says_so() {
        let demoted = UserChange { role: Some(Role::User), ..UserChange::default() };
        let blocked = UserChange { status: Some(UserStatus::Blocked), ..UserChange::default() };
        for change in [demoted, blocked] {
            let (engine, flo) = engine_with_flo();
            for keyspace in [Keyspace::FREESEWING, Keyspace::NATIVE] {
                engine.create_key(Actor::Operator, NewKey::new(*keyspace.name(), flo, Level::READ)).unwrap();
            }
            let live = |keyspace| keys(&engine, flo, keyspace).iter().all(Key::is_live);
            let promoted = UserChange { role: Some(Role::Support), ..UserChange::default() };
            engine.update_user(Actor::Operator, flo, promoted).unwrap();
            assert!(live(Keyspace::FREESEWING) && live(Keyspace::NATIVE));
            engine.update_user(Actor::Operator, flo, change).unwrap();
            assert!(!live(Keyspace::FREESEWING) && live(Keyspace::NATIVE));
            let back = UserChange { status: Some(UserStatus::Active), ..UserChange::default() };
            engine.update_user(Actor::Operator, flo, back).unwrap();
            assert!(!live(Keyspace::FREESEWING), "what is revoked stays revoked");
        }
    }
}
