//! Read-only view of durable state. It checks no rights: the caller has authorized the read.

use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::engine::EngineError;
use crate::engine::background::{HotState, PasswordHasher};
use crate::engine::imported_hashes::{ImportedHashes, SaltedHashChecker};
use crate::index::HotIndex;
use crate::key::{Email, IssuedKey, Key, KeyId, PepperRing, SealError, User, UserId, Username};
use crate::store::codec::Record;
use crate::store::{Revision, Store, paged, schema};

/// Read-only view of the store and the hot index. Clones share both.
#[derive(Clone)]
pub struct Reader {
    pub(in crate::engine) store: Arc<dyn Store>,
    pub(in crate::engine) peppers: Arc<PepperRing>,
    pub(in crate::engine) clock: Arc<dyn Clock>,
    pub(in crate::engine) index: Arc<HotIndex>,
    pub(in crate::engine) hot: Arc<HotState>,
    pub(in crate::engine) imported: Arc<ImportedHashes>,
    pub(in crate::engine) passwords: PasswordHasher,
    pub(in crate::engine) salted: Arc<SaltedHashChecker>,
}

impl Reader {
    pub(in crate::engine) fn get<T: Record>(&self, place: &[u8]) -> Result<Option<T>, EngineError> {
        Ok(self.store.get(place)?.as_ref().map(T::from_entry).transpose()?)
    }

    /// Returns the hot state: counters and rate limits, which a reader never changes itself.
    #[inline(always)]
    pub fn hot(&self) -> &HotState {
        &self.hot
    }

    /// Peppers of the server.
    pub(crate) fn peppers(&self) -> &PepperRing {
        &self.peppers
    }

    /// Current time of the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the user with this number.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    pub fn user(&self, id: UserId) -> Result<Option<User>, EngineError> {
        self.get(&schema::user(id.0))
    }

    /// Returns the user with this login name.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    pub fn user_named(&self, username: &Username) -> Result<Option<User>, EngineError> {
        let id: Option<UserId> = self.get(&schema::name(username.as_str()))?;
        id.map_or(Ok(None), |id| self.user(id))
    }

    /// Returns the user with this e-mail address, compared without case.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    pub fn user_by_email(&self, email: &Email) -> Result<Option<User>, EngineError> {
        for spelling in email.spellings() {
            if let Some(id) = self.get::<UserId>(&schema::email(&spelling))? {
                return self.user(id);
            }
        }
        Ok(None)
    }

    /// Whether an active administrator with a password exists.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the users could not be read.
    pub fn has_administrator(&self) -> Result<bool, EngineError> {
        for entry in paged(None, |after, limit| self.store.scan(schema::USERS, after, limit)) {
            if User::from_entry(&entry?)?.is_administrator_with_password() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Revision of the store's newest commit.
    pub(crate) fn revision(&self) -> Revision {
        self.store.revision()
    }

    /// Returns the key with this id, with the uses that are not written yet.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    pub fn key(&self, id: KeyId) -> Result<Option<Key>, EngineError> {
        let key: Option<Key> = self.get(&schema::key(&id.to_bytes()))?;
        Ok(key.map(|key| self.with_uses(key)))
    }

    /// Adds the uses that are not written yet to a key.
    pub(crate) fn with_uses(&self, mut key: Key) -> Key {
        key.usage.merge(self.hot.unwritten_uses(&key, self.now()));
        key
    }

    /// Returns the current text of a key, in keyspaces that store sealed copies; else `None`.
    ///
    /// # Errors
    /// [`EngineError::Seal`] when the copy cannot be opened; the key itself still verifies.
    ///
    /// # Security
    /// The caller has checked that its user may see the text ([`Reader::check_proof`]).
    pub fn text(&self, key: &Key) -> Result<Option<IssuedKey>, EngineError> {
        let secret = &key.secrets.current;
        let open = |sealed: &crate::key::SealedCopy| sealed.open(key.id, secret.pepper, &self.peppers);
        Ok(secret.sealed.as_ref().map(open).transpose().map_err(|error: SealError| error)?)
    }
}
