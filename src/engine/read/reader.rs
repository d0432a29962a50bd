//! What may be read, by anyone, at any time: only what is durable.

use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::engine::EngineError;
use crate::engine::background::{HotState, PasswordHasher};
use crate::engine::imported_hashes::{ImportedHashes, SaltedHashChecker};
use crate::index::HotIndex;
use crate::key::{Email, IssuedKey, Key, KeyId, PepperRing, SealError, User, UserId, Username};
use crate::store::codec::Record;
use crate::store::{Revision, Store, paged, schema};

/// A read-only view. Clones share it.
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

    /// The server's secrets.
    pub(crate) fn peppers(&self) -> &PepperRing {
        &self.peppers
    }

    /// The time now, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The user of this number.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    pub fn user(&self, id: UserId) -> Result<Option<User>, EngineError> {
        self.get(&schema::user(id.0))
    }

    /// The user of this login name.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    pub fn user_named(&self, username: &Username) -> Result<Option<User>, EngineError> {
        let id: Option<UserId> = self.get(&schema::name(username.as_str()))?;
        id.map_or(Ok(None), |id| self.user(id))
    }

    /// The user with this e-mail address, whatever the case of its letters.
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

    /// Whether anybody can log in and administer everything.
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

    /// The store's newest commit.
    pub(crate) fn revision(&self) -> Revision {
        self.store.revision()
    }

    /// The key of this id, with the uses that are not written yet.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    pub fn key(&self, id: KeyId) -> Result<Option<Key>, EngineError> {
        let key: Option<Key> = self.get(&schema::key(&id.to_bytes()))?;
        Ok(key.map(|key| self.with_uses(key)))
    }

    /// The key with the uses that are not written yet.
    pub(crate) fn with_uses(&self, mut key: Key) -> Key {
        key.usage.merge(self.hot.unwritten_uses(&key, self.now()));
        key
    }

    /// The current text of a key, where a sealed copy of it is kept.
    ///
    /// # Errors
    /// [`EngineError::Seal`] when the copy cannot be opened; the key itself still verifies.
    pub fn text(&self, key: &Key) -> Result<Option<IssuedKey>, EngineError> {
        let secret = &key.secrets.current;
        let open = |sealed: &crate::key::SealedCopy| sealed.open(key.id, secret.pepper, &self.peppers);
        Ok(secret.sealed.as_ref().map(open).transpose().map_err(|error: SealError| error)?)
    }
}
