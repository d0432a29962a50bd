//! The door itself: authenticates callers; the rooms beside it have their commands.

use std::net::IpAddr;
use std::sync::Arc;

use super::login::{Backoff, Sessions, Setup};
use super::overview::Watch;
use super::recent::Recent;
use super::{AuthenticateError, Caller, Login};
use crate::clock::Timestamp;
use crate::engine::{Engine, EngineError, IndexState};
use crate::key::{KeyId, Keyspace, Password, Status, User, UserId};
use crate::verify::{DenyReason, Identity, Verdict, Verifier, VerifyRequest};

/// The engine and its verifier behind one door. Clones share them.
#[derive(Clone)]
pub struct Service {
    pub(super) engine: Engine,
    pub(super) verifier: Verifier,
    pub(super) memory: Arc<Memory>,
}

/// What the door remembers, until the process ends.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) backoff: Backoff,
    pub(super) sessions: Sessions,
    pub(super) setup: Setup,
    pub(super) recent: Recent,
    pub(super) watch: Watch,
}

impl Service {
    /// The door to `engine`.
    pub fn new(engine: Engine) -> Self {
        let verifier = Verifier::new(engine.reader());
        Self { engine, verifier, memory: Arc::default() }
    }

    /// Authenticates whoever presents `text` as a key of `keyspace`.
    ///
    /// # Errors
    /// [`AuthenticateError::Key`] when it is denied, [`AuthenticateError::Undecided`] when that could not be told.
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
                // An owner who was removed in between takes the key along.
                None => Err(AuthenticateError::Key(DenyReason::OwnerGone)),
            },
            Verdict::Deny(reason) => Err(AuthenticateError::Key(reason)),
        }
    }

    /// Authenticates a person by password and either the login name or the e-mail address; the level is the one of the
    /// person's role.
    ///
    /// Waits for one argon2id computation, which costs the same for a user who does not exist.
    ///
    /// # Errors
    /// [`AuthenticateError::Password`] when refused; [`AuthenticateError::NotActive`] when the password is right, but
    /// the user may not act; [`AuthenticateError::Undecided`] with
    /// [`EngineError::Busy`] when too many others are waiting, or after too many wrong passwords for this login from
    /// this address: others do not wait for them.
    pub fn by_password(
        &self,
        login: &str,
        password: &Password,
        client: Option<IpAddr>,
    ) -> Result<Login, AuthenticateError> {
        self.by_password_of(login, self.user_by_login(login)?, password, client)
    }

    /// As [`Service::by_password`], for clients that write a login name in any case or give the user's number.
    ///
    /// # Errors
    /// As [`Service::by_password`].
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

    /// A person whom a program that embeds keyward has authenticated in its own way.
    ///
    /// # Errors
    /// [`AuthenticateError::Password`] when there is no such person; [`AuthenticateError::NotActive`];
    /// [`AuthenticateError::Undecided`].
    ///
    /// # Security
    /// Counts as the person's password: no request may lead here without a proof of its own.
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
            reader.note_login_refused(id, None, client);
            self.memory.backoff.failed(login, client, self.now());
            return Err(AuthenticateError::Password);
        }
        self.memory.backoff.succeeded(login, client);
        let login = active(user).map(|user| Login::of(&user, client));
        match (&login, id) {
            (Ok(_), Some(id)) => reader.note_login(id, client),
            (Err(AuthenticateError::NotActive(status)), _) => {
                reader.note_login_refused(id, Some(status.name()), client);
            }
            (Ok(_), None) | (Err(_), _) => {}
        }
        login
    }

    /// The user with this login name or e-mail address. No login name has an `@`.
    fn user_by_login(&self, login: &str) -> Result<Option<User>, AuthenticateError> {
        let reader = self.engine.reader();
        let by_name = login.parse().ok().map(|name| reader.user_named(&name));
        let found = by_name.or_else(|| login.parse().ok().map(|email| reader.user_by_email(&email)));
        Ok(found.transpose()?.flatten())
    }

    /// Whether verifying can be done where nothing may wait, but for texts of which [`Service::may_wait`] says more.
    pub fn verifies_at_once(&self) -> bool {
        self.engine.index_state() == IndexState::Ready
    }

    /// How far the hot index is. While it is not ready, verifying may wait for the disk.
    pub fn index_state(&self) -> IndexState {
        self.engine.index_state()
    }

    /// Whether the caller proposed a text for the key that may still be adopted.
    pub fn proposes(&self, caller: &Caller, key: KeyId) -> bool {
        self.engine.proposes(*caller.actor(), key)
    }

    /// The time now, for what callers ask relative to it.
    pub fn now(&self) -> Timestamp {
        self.engine.reader().now()
    }

    /// Why the engine takes no changes, if it does not. Verifying goes on all the same.
    pub fn closed(&self) -> Option<String> {
        self.engine.closed()
    }
}

/// The user, if there is one who may act.
pub(super) fn active(user: Option<User>) -> Result<User, AuthenticateError> {
    match user {
        None => Err(AuthenticateError::Password),
        Some(user) if user.status != Status::Active => Err(AuthenticateError::NotActive(user.status)),
        Some(user) => Ok(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{EventFilter, NewKey, NewUser, Parts, UserChange};
    use crate::entropy::OsEntropy;
    use crate::key::{Action, Actor, Level, PepperRing, RevokeReason, Role, Subject};
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
        let (service, client) = (Service::new(engine.clone()), Some("192.0.2.7".parse().unwrap()));
        let before = engine.reader().audit_chain(None).unwrap().head.sequence;
        service.by_password("flo", &password, client).unwrap();
        let wrong = Password::new(b"battery staple").unwrap();
        for login in ["flo", "flo", "nobody"] {
            service.by_password(login, &wrong, client).unwrap_err();
        }
        service.by_key(&Keyspace::NATIVE, &text, client).unwrap();
        engine.revoke_key(Actor::Operator, key.id, RevokeReason::Unspecified).unwrap();
        service.by_key(&Keyspace::NATIVE, &text, client).unwrap_err();
        service.by_key(&Keyspace::NATIVE, "kw_nobody", client).unwrap_err();
        assert_eq!(engine.reader().audit_chain(None).unwrap().head.sequence, before + 1, "the revocation");

        engine.stop().unwrap();
        let trail = engine.reader().trail(&EventFilter::default(), None, 100).unwrap();
        let mut found: Vec<_> =
            trail.events.iter().take(5).map(|event| (event.action, event.actor, event.subject)).collect();
        found.sort_by_key(|(action, ..)| action.name());
        let stranger = Actor::Stranger { from: client };
        let user = Actor::User { user: flo, key: None, from: client };
        let rest = (Action::LoginRefused, Actor::Stranger { from: None }, Subject::Attempts(1));
        let refused = [Subject::Attempts(1), Subject::User(flo)];
        assert!(found.contains(&(Action::KeyDenied, stranger, Subject::Key(key.id))), "{found:?}");
        assert!(found.contains(&(Action::LoggedIn, user, Subject::User(flo))), "{found:?}");
        for subject in refused {
            assert!(found.contains(&(Action::LoginRefused, stranger, subject)), "{found:?}");
        }
        assert!(found.contains(&rest), "one more of the same: {found:?}");
        assert_eq!(trail.chain.head.sequence, before + 6);
        let reason = |action| trail.events.iter().find(|event| event.action == action).unwrap();
        assert_eq!(reason(Action::KeyDenied).details.reason.as_deref(), Some("revoked"));
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
        let blocked = UserChange { status: Some(Status::Blocked), ..UserChange::default() };
        engine.update_user(Actor::Operator, flo, blocked).unwrap();
        Service::new(engine.clone()).by_password("flo", &password, None).unwrap_err();
        engine.stop().unwrap();
        let newest = engine.reader().trail(&EventFilter::default(), None, 1).unwrap().events.remove(0);
        assert_eq!((newest.action, newest.subject), (Action::LoginRefused, Subject::User(flo)));
        assert_eq!(newest.details.reason.as_deref(), Some("blocked"));
    }
}
