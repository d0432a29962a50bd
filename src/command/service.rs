//! The door itself: authenticates callers; `dispatch.rs` carries out their commands.

use std::net::IpAddr;

use super::{AuthenticateError, Caller};
use crate::clock::Timestamp;
use crate::engine::{Engine, IndexState};
use crate::key::{Keyspace, Password, Status};
use crate::verify::{Verdict, Verifier, VerifyRequest};

/// The engine and its verifier behind one door. Clones share them.
#[derive(Clone)]
pub struct Service {
    pub(super) engine: Engine,
    pub(super) verifier: Verifier,
}

impl Service {
    /// The door to `engine`.
    pub fn new(engine: Engine) -> Self {
        let verifier = Verifier::new(engine.reader());
        Self { engine, verifier }
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
            Verdict::Allow(identity) => {
                Ok(Caller::user(identity.user, Some(identity.key), client, identity.level))
            }
            Verdict::Deny(reason) => Err(AuthenticateError::Key(reason)),
        }
    }

    /// Authenticates a person by login name and password; the level is the one of the person's role.
    ///
    /// Waits for one argon2id computation, which costs the same for a user who does not exist.
    ///
    /// # Errors
    /// [`AuthenticateError::Password`] when refused; [`AuthenticateError::Undecided`] with
    /// [`EngineError::Busy`](crate::engine::EngineError::Busy) when too many others are waiting.
    pub fn by_password(
        &self,
        username: &str,
        password: &Password,
        client: Option<IpAddr>,
    ) -> Result<Caller, AuthenticateError> {
        let user =
            username.parse().ok().map(|name| self.engine.reader().user_named(&name)).transpose()?.flatten();
        let right = self.engine.check_password(user.as_ref(), password)?;
        match user.filter(|user| right && user.status == Status::Active) {
            Some(user) => Ok(Caller::user(user.id, None, client, user.role.level())),
            None => Err(AuthenticateError::Password),
        }
    }

    /// How far the hot index is. While it is not ready, verifying may wait for the disk.
    pub fn index_state(&self) -> IndexState {
        self.engine.index_state()
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
