//! Sessions of people in a browser.
//!
//! Sessions are in memory alone, by a hash of their token, so a restart ends them and a copy of the table is of no use.
//! The token in a form follows from the session's token, so nothing is stored for forms. Role and status of the person
//! are read at each request.

use std::net::IpAddr;

use super::error::active;
use super::session_table::{Session, SessionToken};
use super::token::fingerprint;
use super::{AuthenticateError, Authenticator, Caller, Login};
use crate::engine::EngineError;
use crate::key::{User, UserId};

impl Authenticator {
    /// Returns a fresh token: for the forms of a browser without a session, or for a form that counts once.
    ///
    /// # Errors
    /// [`EngineError::Entropy`].
    pub fn fresh_token(&self) -> Result<SessionToken, EngineError> {
        SessionToken::generate(self.engine.entropy())
    }

    /// Begins a session for a person who just logged in. It ends after 30 minutes without a request, after 12 hours, with a
    /// new password, and with the process.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`] when the person was removed; [`EngineError::Entropy`],
    /// [`EngineError::Store`].
    pub fn begin_session(&self, login: &Login) -> Result<SessionToken, EngineError> {
        let reader = self.engine.reader();
        let user = login.id().map_or(Ok(None), |id| reader.user(id))?.ok_or(EngineError::NoSuchUser)?;
        let (_, pepper) = reader.peppers().current();
        let token = SessionToken::generate(self.engine.entropy())?;
        let (now, password) = (reader.now(), fingerprint(&user, pepper));
        self.memory.sessions.add(token.hash(), Session { user: user.id, password, begun: now, seen: now });
        Ok(token)
    }

    /// Authenticates a client by session token, and returns the person. The caller's level is that of the person's role now.
    ///
    /// # Errors
    /// [`AuthenticateError::Password`] when there is no such session; [`AuthenticateError::NotActive`];
    /// [`AuthenticateError::Undecided`].
    pub fn by_session(
        &self,
        token: &SessionToken,
        client: Option<IpAddr>,
    ) -> Result<(Caller, User), AuthenticateError> {
        let reader = self.engine.reader();
        let (user, password) = {
            let (now, mut all) = (reader.now(), self.memory.sessions.all());
            let session = all.get_mut(&token.hash()).filter(|session| !session.is_over(now));
            let session = session.ok_or(AuthenticateError::Password)?;
            session.seen = now;
            (session.user, session.password.clone())
        };
        let (_, pepper) = reader.peppers().current();
        let user = reader.user(user).map_err(AuthenticateError::Undecided)?;
        let user = user.filter(|user| fingerprint(user, pepper) == password);
        let user = user.ok_or(AuthenticateError::Password)?;
        let user = active(Some(user))?;
        Ok((Caller::by_login(&user, client), user))
    }

    /// Ends a session, if it exists.
    pub fn end_session(&self, token: &SessionToken) {
        self.memory.sessions.all().remove(&token.hash());
    }

    pub(crate) fn end_sessions_of(&self, user: UserId) {
        self.memory.sessions.all().retain(|_, session| session.user != user);
    }

    /// Number of sessions of a user.
    pub(crate) fn sessions_of(&self, user: UserId) -> usize {
        let now = self.now();
        let all = self.memory.sessions.all();
        all.values().filter(|session| session.user == user && !session.is_over(now)).count()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, Timestamp};
    use crate::engine::{Engine, NewUser, Parts, UserChange};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, Password, PepperRing, Role, UserStatus};
    use crate::limits;
    use crate::store::MemoryStore;
    use crate::verify::Verifier;

    struct World {
        logins: Authenticator,
        engine: Engine,
        clock: Arc<ManualClock>,
        flo: UserId,
    }

    impl World {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::at(Timestamp::from_unix_ms(1_000_000)));
            let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
            let engine = Engine::open(Parts { clock: clock.clone(), ..parts }).unwrap();
            let logins = Authenticator::new(engine.clone(), Verifier::new(engine.reader()));
            let password = Password::new(b"right").unwrap();
            let new = NewUser::person("flo".parse().unwrap(), Role::User, Some(password));
            let flo = engine.add_user(Actor::Operator, new).unwrap().id;
            Self { logins, engine, clock, flo }
        }

        fn begin(&self) -> SessionToken {
            let right = Password::new(b"right").unwrap();
            let caller = self.logins.by_password("flo", &right, None).unwrap();
            self.logins.begin_session(&caller).unwrap()
        }

        fn acts(&self, token: &SessionToken) -> bool {
            self.logins.by_session(token, None).is_ok()
        }
    }

    #[test]
    fn a_session_ends_after_silence_and_after_its_longest_time() {
        let world = World::new();
        let silent = world.begin();
        world.clock.advance_ms(limits::SESSION_IDLE_MS - 1);
        assert!(world.acts(&silent), "seen in time");
        world.clock.advance_ms(limits::SESSION_IDLE_MS);
        assert!(!world.acts(&silent));
        let busy = world.begin();
        for _ in 0..limits::SESSION_MS / (limits::SESSION_IDLE_MS / 2) - 1 {
            world.clock.advance_ms(limits::SESSION_IDLE_MS / 2);
            assert!(world.acts(&busy));
        }
        world.clock.advance_ms(limits::SESSION_IDLE_MS / 2);
        assert!(!world.acts(&busy), "however busy");
    }

    #[test]
    fn a_new_password_a_block_and_a_log_out_end_it() {
        let world = World::new();
        let (one, other) = (world.begin(), world.begin());
        world.logins.end_session(&one);
        assert!(!world.acts(&one) && world.acts(&other));
        let block = UserChange { status: Some(UserStatus::Blocked), ..UserChange::default() };
        world.engine.update_user(Actor::Operator, world.flo, block).unwrap();
        assert!(!world.acts(&other));
        let unblock = UserChange { status: Some(UserStatus::Active), ..UserChange::default() };
        world.engine.update_user(Actor::Operator, world.flo, unblock).unwrap();
        assert!(world.acts(&other));
        let new = Password::new(b"new").unwrap();
        world.engine.set_password(Actor::Operator, world.flo, &new).unwrap();
        assert!(!world.acts(&other));
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_goes() {
        let world = World::new();
        let caller = world.logins.by_password("flo", &Password::new(b"right").unwrap(), None).unwrap();
        let tokens: Vec<_> = std::iter::repeat_with(|| {
            world.clock.advance_ms(1);
            world.logins.begin_session(&caller).unwrap()
        })
        .take(limits::SESSIONS_OF_USER_MAX + 1)
        .collect();
        assert!(!world.acts(&tokens[0]) && tokens[1..].iter().all(|token| world.acts(token)));
        assert_eq!(world.logins.sessions_of(world.flo), limits::SESSIONS_OF_USER_MAX);
        world.logins.end_sessions_of(world.flo);
        assert!(tokens.iter().all(|token| !world.acts(token)));
        for n in 0..limits::SESSIONS_MAX as u64 + 1 {
            let session = Session {
                user: UserId(n + 100),
                password: String::new(),
                begun: world.logins.now(),
                seen: world.logins.now(),
            };
            let mut place = [0; 32];
            place[..8].copy_from_slice(&n.to_be_bytes());
            world.logins.memory.sessions.add(place, session);
        }
        assert_eq!(world.logins.memory.sessions.all().len(), limits::SESSIONS_MAX);
    }

    #[test]
    fn form_tokens_are_the_session_s_own_and_secrets_are_not_printed() {
        let world = World::new();
        let (one, other) = (world.begin(), world.begin());
        assert!(one.form_token().is(one.form_token().as_str().as_bytes()));
        assert!(!one.form_token().is(other.form_token().as_str().as_bytes()) && !one.form_token().is(b""));
        assert_eq!(format!("{one:?}"), "SessionToken");
    }
}
