//! Authenticates callers by key and by password.

use std::net::IpAddr;
use std::sync::Arc;

use super::backoff::Backoff;
use super::error::active;
use super::session_table::Sessions;
use super::setup_code::Setup;
use super::{AuthenticateError, Caller, Login};
use crate::clock::Timestamp;
use crate::engine::{Engine, EngineError};
use crate::key::{Keyspace, Password, User, UserId};
use crate::verify::{DenyReason, Identity, Verdict, Verifier, VerifyRequest};

/// Authenticates callers. Clones share their sessions and counts of wrong passwords.
#[derive(Clone)]
pub struct Authenticator {
    pub(super) engine: Engine,
    verifier: Verifier,
    pub(super) memory: Arc<LoginMemory>,
}

/// What this process alone knows of logins. A restart clears it, and a second process would not see it.
#[derive(Default)]
pub(super) struct LoginMemory {
    backoff: Backoff,
    pub(super) sessions: Sessions,
    pub(super) setup: Setup,
}

impl Authenticator {
    /// Returns an authenticator over the users of `engine` and the keys that `verifier` decides about.
    pub fn new(engine: Engine, verifier: Verifier) -> Self {
        Self { engine, verifier, memory: Arc::default() }
    }

    /// Authenticates a client that presents `text` as a key of `keyspace`. Counts as a use of the key.
    ///
    /// # Errors
    /// [`AuthenticateError::Key`] when the key is denied, [`AuthenticateError::Undecided`] when verifying failed.
    pub fn by_key(
        &self,
        keyspace: &Keyspace,
        text: &str,
        client: Option<IpAddr>,
    ) -> Result<Caller, AuthenticateError> {
        let request = VerifyRequest { client, ..VerifyRequest::new(keyspace, text) };
        match self.verifier.verify(&request)? {
            Verdict::Allow(Identity { user, key, level, .. }) => match self.verifier.owner(user)? {
                Some(owner) => Ok(Caller::by_key((user, &owner), key, client, level)),
                // Removing the owner between the two reads removed the key, too.
                None => Err(AuthenticateError::Key(DenyReason::OwnerGone)),
            },
            Verdict::Deny(reason) => Err(AuthenticateError::Key(reason)),
        }
    }

    /// Authenticates a person by password and either the login name or the e-mail address; the caller's level is that of
    /// the person's role. Waits for one argon2id computation.
    ///
    /// # Errors
    /// [`AuthenticateError::Password`] when refused; [`AuthenticateError::NotActive`] when the password is right but the
    /// user is not active; [`AuthenticateError::Undecided`] with [`EngineError::Busy`] when too many logins wait, or after
    /// too many wrong passwords for this login from this network.
    ///
    /// # Security
    /// A login name that does not exist costs the same time as a wrong password. Wrong passwords make only the network
    /// wait that sent them, so a client that guesses cannot lock the owner out.
    pub fn by_password(
        &self,
        login: &str,
        password: &Password,
        client: Option<IpAddr>,
    ) -> Result<Login, AuthenticateError> {
        self.by_password_of(login, self.user_by_login(login)?, password, client)
    }

    /// Authenticates as [`Authenticator::by_password`], and also takes a login name in another case or a user's number.
    ///
    /// # Errors
    /// As [`Authenticator::by_password`].
    pub fn by_password_loosely(
        &self,
        login: &str,
        password: &Password,
        client: Option<IpAddr>,
    ) -> Result<Login, AuthenticateError> {
        let login = login.trim();
        let mut user = self.user_by_login(login)?;
        if user.is_none() {
            user = self.user_by_login(&login.to_lowercase())?;
        }
        if let (None, Ok(number)) = (&user, login.parse()) {
            user = self.engine.reader().user(UserId(number)).map_err(AuthenticateError::Undecided)?;
        }
        self.by_password_of(login, user, password, client)
    }

    /// Returns a login for a person whom an embedding program has authenticated itself.
    ///
    /// # Errors
    /// [`AuthenticateError::Password`] when there is no such person; [`AuthenticateError::NotActive`];
    /// [`AuthenticateError::Undecided`].
    ///
    /// # Security
    /// Counts as the person's password: the program calls this only after a proof of its own.
    pub fn vouch_for(&self, person: UserId, client: Option<IpAddr>) -> Result<Login, AuthenticateError> {
        let user = self.engine.reader().user(person).map_err(AuthenticateError::Undecided)?;
        Ok(Login::of(&active(user)?, client))
    }

    fn by_password_of(
        &self,
        login: &str,
        user: Option<User>,
        password: &Password,
        client: Option<IpAddr>,
    ) -> Result<Login, AuthenticateError> {
        let retry_after_seconds = self.memory.backoff.wait(login, client, self.now());
        if retry_after_seconds > 0 {
            return Err(AuthenticateError::Undecided(EngineError::Busy { retry_after_seconds }));
        }
        let proved = self.engine.check_password(user.as_ref(), password)?;
        let (id, reader) = (user.as_ref().map(|user| user.id), self.verifier.reader());
        if !proved {
            reader.hot().record_login_refused(id, None, client);
            self.memory.backoff.failed(login, client, self.now());
            return Err(AuthenticateError::Password);
        }
        self.memory.backoff.succeeded(login, client);
        let login = active(user).map(|user| Login::of(&user, client));
        match (&login, id) {
            (Ok(_), Some(id)) => reader.hot().record_login(id, client),
            (Err(AuthenticateError::NotActive(status)), _) => {
                reader.hot().record_login_refused(id, Some(status.name()), client);
            }
            (Ok(_), None) | (Err(_), _) => {}
        }
        login
    }

    /// Returns the user with this login name or e-mail address. Login names contain no `@`, so a text is one or the other.
    fn user_by_login(&self, login: &str) -> Result<Option<User>, AuthenticateError> {
        let reader = self.engine.reader();
        let by_name = login.parse().ok().map(|name| reader.user_named(&name));
        let found = by_name.or_else(|| login.parse().ok().map(|email| reader.user_by_email(&email)));
        Ok(found.transpose()?.flatten())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.engine.reader().now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{EventFilter, NewKey, NewUser, Parts, UserChange};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, AuditAction, Level, PepperRing, RevokeReason, Role, Subject, UserStatus};
    use crate::store::MemoryStore;

    #[test]
    fn logins_and_refusals_are_in_the_audit_after_a_stop_and_nobody_waits_for_them() {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let password = Password::new(b"correct horse").unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, Some(password.clone()));
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        let new = NewKey::new(*Keyspace::NATIVE.name(), flo, Level::READ);
        let (key, text) = engine.create_key(Actor::Operator, new).unwrap();
        let text = text.reveal();
        let logins = Authenticator::new(engine.clone(), Verifier::new(engine.reader()));
        let client = Some("192.0.2.7".parse().unwrap());
        let before = engine.reader().audit_chain(None).unwrap().head.sequence;
        logins.by_password("flo", &password, client).unwrap();
        let wrong = Password::new(b"battery staple").unwrap();
        for login in ["flo", "flo", "nobody"] {
            logins.by_password(login, &wrong, client).unwrap_err();
        }
        logins.by_key(&Keyspace::NATIVE, &text, client).unwrap();
        engine.revoke_key(Actor::Operator, key.id, RevokeReason::Unspecified).unwrap();
        logins.by_key(&Keyspace::NATIVE, &text, client).unwrap_err();
        logins.by_key(&Keyspace::NATIVE, "kw_nobody", client).unwrap_err();
        assert_eq!(engine.reader().audit_chain(None).unwrap().head.sequence, before + 1, "the revocation");

        engine.stop().unwrap();
        let trail = engine.reader().search_audit(&EventFilter::default(), None, 100).unwrap();
        let mut found: Vec<_> =
            trail.events.iter().take(5).map(|event| (event.action, event.actor, event.subject)).collect();
        found.sort_by_key(|(action, ..)| action.name());
        let stranger = Actor::Stranger { from: client };
        let user = Actor::User { user: flo, key: None, from: client };
        let rest = (AuditAction::LoginRefused, Actor::Stranger { from: None }, Subject::Attempts(1));
        let refused = [Subject::Attempts(1), Subject::User(flo)];
        assert!(found.contains(&(AuditAction::KeyDenied, stranger, Subject::Key(key.id))), "{found:?}");
        assert!(found.contains(&(AuditAction::LoggedIn, user, Subject::User(flo))), "{found:?}");
        for subject in refused {
            assert!(found.contains(&(AuditAction::LoginRefused, stranger, subject)), "{found:?}");
        }
        assert!(found.contains(&rest), "one more of the same: {found:?}");
        assert_eq!(trail.chain.head.sequence, before + 6);
        let reason = |action| trail.events.iter().find(|event| event.action == action).unwrap();
        assert_eq!(reason(AuditAction::KeyDenied).details.reason.as_deref(), Some("revoked"));
    }

    #[test]
    fn a_blocked_user_s_right_password_is_a_refused_login() {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let password = Password::new(b"correct horse").unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, Some(password.clone()));
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        let admin = NewUser::person("admin".parse().unwrap(), Role::Administrator, None);
        engine.add_user(Actor::Operator, admin).unwrap();
        let blocked = UserChange { status: Some(UserStatus::Blocked), ..UserChange::default() };
        engine.update_user(Actor::Operator, flo, blocked).unwrap();
        let logins = Authenticator::new(engine.clone(), Verifier::new(engine.reader()));
        logins.by_password("flo", &password, None).unwrap_err();
        engine.stop().unwrap();
        let newest = engine.reader().search_audit(&EventFilter::default(), None, 1).unwrap().events.remove(0);
        assert_eq!((newest.action, newest.subject), (AuditAction::LoginRefused, Subject::User(flo)));
        assert_eq!(newest.details.reason.as_deref(), Some("blocked"));
    }
}
