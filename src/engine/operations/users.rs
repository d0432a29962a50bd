//! Adding, changing and removing users.

use std::collections::BTreeSet;

use crate::engine::commit::{Transaction, after};
use crate::engine::{Engine, EngineError, NewKind, NewUser, UserChange};
use crate::key::{
    AuditAction, Email, Key, KeyId, Keyspace, Level, Password, PasswordHash, Principal, Role, Subject, User,
    UserId, UserKind, UserStatus, Username,
};
use crate::store::codec::Record;
use crate::store::{StoreError, paged, schema};

use super::api_access::api_access_removed_by;

impl Engine {
    /// Adds an active user without API access.
    ///
    /// # Errors
    /// [`EngineError::UsernameTaken`], [`EngineError::EmailTaken`], [`EngineError::BotNameTaken`],
    /// [`EngineError::NoSuchCompany`]: the caller corrects the input. With a password also [`EngineError::Beyond`] and
    /// [`EngineError::NoLongerGood`] when the presented key has fewer rights than the password, and
    /// [`EngineError::Busy`] when too many passwords wait to be hashed: the caller tries again later.
    /// [`EngineError::Entropy`], [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, the user survives a power cut.
    pub fn add_user(&self, by: impl Into<Principal>, new: NewUser) -> Result<User, EngineError> {
        let by = by.into();
        let kind = match &new.kind {
            NewKind::Bot => UserKind::Bot,
            NewKind::Person { password } => {
                let password =
                    password.as_ref().map(|password| self.passwords().hash(password)).transpose()?;
                UserKind::Person { password }
            }
        };
        self.write(move |tx| {
            if let Some(company) = new.company {
                tx.company(company)?;
            }
            let id = tx.next_user_id()?;
            let numbered = || match kind {
                UserKind::Person { .. } => format!("person-{id}").parse(),
                UserKind::Bot => format!("bot-{id}").parse(),
            };
            let user = User {
                id,
                username: new.username.clone().map_or_else(numbered, Ok)?,
                display_name: new.display_name.clone(),
                email: new.email.clone(),
                kind: kind.clone(),
                role: new.role,
                company: new.company,
                status: UserStatus::Active,
                api_access: false,
                api_access_removed_by: Level::AUTHENTICATE,
                demoted: None,
                created: tx.now(),
            };
            tx.check_bot_name(None, &user)?;
            if matches!(user.kind, UserKind::Person { password: Some(_) }) {
                tx.check_password_proof(&by, id, user.role)?;
            }
            tx.put(schema::USER_COUNTER, &user.id)?;
            tx.replace_user(None, &user)?;
            tx.record(by.actor, AuditAction::UserAdded, Subject::User(user.id))?;
            Ok(user)
        })
    }

    /// Changes the fields that `change` names. Granting API access issues a key in each keyspace whose keys are issued
    /// with it; removing it deletes them. A user who is demoted or blocked loses the keys of the keyspaces that revoke
    /// keys then.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`], [`EngineError::UsernameTaken`], [`EngineError::EmailTaken`],
    /// [`EngineError::BotNameTaken`], [`EngineError::NoSuchCompany`]: the caller corrects the input.
    /// [`EngineError::CompanyAccount`], [`EngineError::LastAdministrator`]: the change is never allowed.
    /// [`EngineError::Withheld`] when a caller of a higher level took API access away. [`EngineError::Entropy`],
    /// [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, every later verify of the user's keys judges by the new fields, also after a power cut.
    pub fn update_user(
        &self,
        by: impl Into<Principal>,
        id: UserId,
        change: UserChange,
    ) -> Result<User, EngineError> {
        let by = by.into();
        let grant = (change.api_access == Some(true)).then(|| self.prepare_access()).transpose()?;
        self.write(move |tx| {
            let old = tx.user(id)?;
            let mut user = changed(&old, change.clone());
            if user == old {
                return Ok(user);
            }
            user = api_access_removed_by(&by, &old, user)?;
            if demoted(&old, &user) {
                user.demoted = Some(tx.now());
            }
            tx.check_administrator_left(&old, Some(&user))?;
            tx.check_account_stays(&old, Some(&user))?;
            if let Some(company) = user.company.filter(|_| user.company != old.company) {
                tx.company(company)?;
            }
            tx.check_bot_name(Some(&old), &user)?;
            let lost = demoted(&old, &user).then(|| tx.keys_lost(id)).transpose()?.unwrap_or_default();
            let access = tx.access_keys(&old, &user)?;
            tx.replace_user(Some(&old), &user)?;
            let event = tx.record(by.actor, action(&old, &user), Subject::User(id))?;
            tx.revoke_lost(by.actor, &lost)?;
            let begun = grant.as_deref().filter(|_| !old.api_access).unwrap_or_default();
            tx.write_access(&by, &user, &access, begun, event)?;
            Ok(user)
        })
    }

    /// Sets the password of a person.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`], [`EngineError::BotPassword`]; [`EngineError::Beyond`] and
    /// [`EngineError::NoLongerGood`] when the presented key has fewer rights than the password. [`EngineError::Busy`]:
    /// the caller tries again later. [`EngineError::Entropy`], [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, only the new password logs in, also after a power cut.
    pub fn set_password(
        &self,
        by: impl Into<Principal>,
        id: UserId,
        password: &Password,
    ) -> Result<User, EngineError> {
        let by = by.into();
        let hash: PasswordHash = self.passwords().hash(password)?;
        self.write(move |tx| {
            let old = tx.user(id)?;
            if old.kind == UserKind::Bot {
                return Err(EngineError::BotPassword);
            }
            tx.check_password_proof(&by, id, old.role)?;
            let user = User { kind: UserKind::Person { password: Some(hash.clone()) }, ..old.clone() };
            tx.replace_user(Some(&old), &user)?;
            tx.record(by.actor, AuditAction::PasswordSet, Subject::User(id))?;
            Ok(user)
        })
    }

    /// Removes a user and every key of the user, as one operation.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`]; [`EngineError::LastAdministrator`], [`EngineError::CompanyAccount`]: such a user
    /// cannot be removed. [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, no verify allows a key of the user, also after a power cut.
    pub fn remove_user(&self, by: impl Into<Principal>, id: UserId) -> Result<(), EngineError> {
        let by = by.into();
        self.write(move |tx| {
            let user = tx.user(id)?;
            tx.check_administrator_left(&user, None)?;
            tx.check_account_stays(&user, None)?;
            for key in tx.keys_of(id, None)? {
                tx.write_key(Some(&key), None)?;
            }
            tx.drop_owner_limits(id)?;
            tx.write_user(Some(&user), None)?;
            tx.record(by.actor, AuditAction::UserRemoved, Subject::User(id))?;
            Ok(())
        })
    }
}

fn changed(old: &User, change: UserChange) -> User {
    let UserChange { username, display_name, email, role, company, status, api_access } = change;
    let old = old.clone();
    User {
        username: username.unwrap_or(old.username),
        display_name: display_name.over(old.display_name),
        email: email.over(old.email),
        role: role.unwrap_or(old.role),
        company: company.over(old.company),
        status: status.unwrap_or(old.status),
        api_access: api_access.unwrap_or(old.api_access),
        ..old
    }
}

/// Audit action of the change.
fn action(old: &User, new: &User) -> AuditAction {
    match (old.api_access, new.api_access) {
        (false, true) => AuditAction::AccessGranted,
        (true, false) => AuditAction::AccessRemoved,
        (true, true) | (false, false) => AuditAction::UserUpdated,
    }
}

/// Whether the user has a lower role than before, or is blocked now.
fn demoted(old: &User, new: &User) -> bool {
    let stopped = old.status == UserStatus::Active && new.status != UserStatus::Active;
    new.role.level() < old.role.level() || stopped
}

fn administers(user: &User) -> bool {
    user.role == Role::Administrator && user.status == UserStatus::Active
}

impl Transaction<'_> {
    /// Writes a user with its index entries, and refuses a login name or e-mail address of another user.
    pub(in crate::engine) fn replace_user(
        &mut self,
        old: Option<&User>,
        new: &User,
    ) -> Result<(), EngineError> {
        let name = schema::name(new.username.as_str());
        let renamed = old.is_none_or(|old| old.username != new.username);
        if renamed && (self.has(&name)? || self.has_name_but_for_case(old, &new.username)?) {
            return Err(EngineError::UsernameTaken);
        }
        for spelling in new.email.iter().flat_map(Email::spellings) {
            let same = old.and_then(|old| old.email.as_ref()).is_some_and(|old| old.folded() == spelling);
            if !same && self.has(&schema::email(&spelling))? {
                return Err(EngineError::EmailTaken);
            }
        }
        self.write_user(old, Some(new))
    }

    /// Whether a user other than `old` has a login name that differs by case alone: people take the two for one.
    /// Follows only prefixes that names have, so it reads few entries of a large store.
    fn has_name_but_for_case(&self, old: Option<&User>, name: &Username) -> Result<bool, EngineError> {
        let own = old.map(|old| schema::name(old.username.as_str()));
        let first = |place: &[u8]| Ok::<_, EngineError>(self.scan(place, None, 1)?.into_iter().next());
        let mut beginnings = vec![schema::NAMES.to_vec()];
        for byte in name.as_str().bytes() {
            let spellings = BTreeSet::from([byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]);
            let mut longer = Vec::new();
            for spelling in spellings {
                for beginning in &beginnings {
                    let place = [beginning.as_slice(), &[spelling]].concat();
                    if first(&place)?.is_some() {
                        longer.push(place);
                    }
                }
            }
            beginnings = longer;
        }
        for whole in beginnings.iter().filter(|whole| Some(*whole) != own.as_ref()) {
            // The shortest of the names with a prefix is the first.
            if first(whole)?.is_some_and(|entry| entry.key == *whole) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the number of the next user.
    pub(in crate::engine) fn next_user_id(&mut self) -> Result<UserId, EngineError> {
        let last = self.get::<UserId>(schema::USER_COUNTER)?.unwrap_or(UserId(0));
        let id = UserId(after(last.0, schema::USER_COUNTER)?);
        if self.has(&schema::user(id.0))? {
            // The counter is behind the newest user.
            return Err(StoreError::Corrupt { place: schema::printable(schema::USER_COUNTER) }.into());
        }
        Ok(id)
    }

    /// Returns every key of a user, or every key in one keyspace.
    pub(in crate::engine) fn keys_of(
        &mut self,
        owner: UserId,
        keyspace: Option<&Keyspace>,
    ) -> Result<Vec<Key>, EngineError> {
        let all = schema::owned(owner.0);
        let prefix = keyspace.map_or(all, |space| schema::owned_in(owner.0, space.name().as_str()));
        let listed = self.scan(&prefix, None, usize::MAX)?;
        let ids = listed.iter().filter_map(|entry| schema::indexed_id(&entry.key));
        ids.map(|id| self.key(KeyId::from_bytes(id))).collect()
    }

    /// Refuses a change after which no active administrator would exist.
    pub(in crate::engine) fn check_administrator_left(
        &self,
        old: &User,
        new: Option<&User>,
    ) -> Result<(), EngineError> {
        if !administers(old) || new.is_some_and(administers) {
            return Ok(());
        }
        for entry in paged(None, |after, limit| self.scan(schema::USERS, after, limit)) {
            let user = User::from_entry(&entry?)?;
            if user.id != old.id && administers(&user) {
                return Ok(());
            }
        }
        Err(EngineError::LastAdministrator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Parts;
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, PepperRing};
    use crate::store::{Batch, MemoryStore, Store as _};
    use std::sync::Arc;

    #[test]
    fn names_that_differ_by_case_alone_are_one_person_s() {
        let store = Arc::new(MemoryStore::new());
        let parts = Parts::over(Arc::<MemoryStore>::clone(&store), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let add = |name: &str| {
            engine.add_user(Actor::Operator, NewUser::person(name.parse().unwrap(), Role::User, None))
        };
        let rename = |id, name: &str| {
            let username = Some(name.parse().unwrap());
            engine.update_user(Actor::Operator, id, UserChange { username, ..UserChange::default() })
        };
        let flo = add("flo.1").unwrap().id;
        for other in ["flo", "flo.10", "flo.2", "fl", "glo.1"] {
            add(other).unwrap();
        }
        let kim = add("kim").unwrap().id;
        for taken in ["flo.1", "Flo.1", "FLO.1", "fLo.1", "FLO", "GLO.1", "KiM"] {
            assert!(matches!(add(taken), Err(EngineError::UsernameTaken)), "{taken}");
        }
        assert!(matches!(rename(kim, "Flo.1"), Err(EngineError::UsernameTaken)));
        assert_eq!(
            rename(flo, "FLO.1").unwrap().username.as_str(),
            "FLO.1",
            "one's own name in another case"
        );
        assert!(matches!(add("flo.1"), Err(EngineError::UsernameTaken)), "nobody else's");
        // Two that were there before stay, and a third is refused.
        let mut batch = Batch::default();
        batch.put(schema::name("KIM"), UserId(99).encode().unwrap());
        store.commit(batch).unwrap();
        for taken in ["KIM", "kim", "Kim"] {
            assert!(matches!(add(taken), Err(EngineError::UsernameTaken)), "{taken}");
        }
        assert_eq!(rename(kim, "kimberly").unwrap().username.as_str(), "kimberly");
    }
}
