//! Table of sessions, and the tokens that browsers and forms keep of a session.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::engine::EngineError;
use crate::entropy::{Entropy, letters};
use crate::key::UserId;
use crate::limits;

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const TOKEN_LENGTH: usize = 32;

/// Session token, which a browser keeps.
///
/// # Security
/// A client with the token acts as the person who logged in. `Debug` prints the type name only.
#[derive(Clone)]
pub struct SessionToken(Zeroizing<String>);

/// Form token: proves that a form comes from a page of this session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormToken(String);

impl SessionToken {
    /// Returns a fresh token of 192 random bits.
    ///
    /// # Errors
    /// [`EngineError::Entropy`].
    pub(super) fn generate(entropy: &dyn Entropy) -> Result<Self, EngineError> {
        Ok(Self(Zeroizing::new(letters(entropy, LETTERS, TOKEN_LENGTH)?)))
    }

    /// Returns a token as a browser sent it.
    pub fn received(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// Text for the browser.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Form token of this session. The session token cannot be computed from it.
    pub fn form_token(&self) -> FormToken {
        FormToken(hex::encode(blake3::derive_key("keyward console form 1", self.0.as_bytes())))
    }

    pub(super) fn hash(&self) -> SessionHash {
        *blake3::hash(self.0.as_bytes()).as_bytes()
    }
}

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken")
    }
}

impl FormToken {
    /// Text for the form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a form sent this token. Compared in constant time.
    pub fn is(&self, sent: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(sent).into()
    }
}

/// Hash of a session token.
pub(super) type SessionHash = [u8; 32];

#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<SessionHash, Session>>);

pub(super) struct Session {
    pub(super) user: UserId,
    /// Fingerprint of the password hash: a new password ends the session.
    pub(super) password: String,
    pub(super) begun: Timestamp,
    pub(super) seen: Timestamp,
}

impl Session {
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.begun.plus_ms(limits::SESSION_MS) || now >= self.seen.plus_ms(limits::SESSION_IDLE_MS)
    }
}

impl Sessions {
    pub(super) fn all(&self) -> MutexGuard<'_, HashMap<SessionHash, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, place: SessionHash, session: Session) {
        let mut all = self.all();
        let now = session.begun;
        all.retain(|_, other| !other.is_over(now));
        let own = |other: &Session| other.user == session.user;
        if all.values().filter(|other| own(other)).count() >= limits::SESSIONS_OF_USER_MAX {
            remove_oldest(&mut all, own);
        }
        if all.len() >= limits::SESSIONS_MAX {
            remove_oldest(&mut all, |_| true);
        }
        all.insert(place, session);
    }
}

fn remove_oldest(all: &mut HashMap<SessionHash, Session>, of: impl Fn(&Session) -> bool) {
    let oldest = all.iter().filter(|(_, session)| of(session)).min_by_key(|(_, session)| session.seen);
    if let Some(place) = oldest.map(|(place, _)| *place) {
        all.remove(&place);
    }
}
