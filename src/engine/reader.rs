//! What may be read, by anyone, at any time: only what is durable.

use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::key::{
    HotRecord, IssuedKey, Key, KeyId, PepperRing, PresentedKey, SealError, Use, User, UserId, Username,
};
use crate::store::codec::Record;
use crate::store::{Store, schema};

use super::EngineError;
use super::usage::Pending;

/// A read-only view. Clones share it.
#[derive(Clone)]
pub struct Reader {
    pub(super) store: Arc<dyn Store>,
    pub(super) peppers: Arc<PepperRing>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) uses: Arc<Pending>,
}

impl Reader {
    fn get<T: Record>(&self, place: &[u8]) -> Result<Option<T>, EngineError> {
        Ok(self.store.get(place)?.as_ref().map(T::from_entry).transpose()?)
    }

    /// The time now, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What `verify` needs of the key with this text, in whatever keyspace it is.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    ///
    /// # Security
    /// One keyed hash and one look-up for each pepper, found or not.
    pub fn hot_record(&self, key: &PresentedKey) -> Result<Option<HotRecord>, EngineError> {
        let mut found = None;
        for (_, pepper) in self.peppers.all() {
            let record = self.get(&schema::hot(pepper.hash(key).as_bytes()))?;
            found = found.or(record);
        }
        Ok(found)
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

    /// The key of this id, with the uses that are not written yet.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    pub fn key(&self, id: KeyId) -> Result<Option<Key>, EngineError> {
        let mut key: Option<Key> = self.get(&schema::key(id.as_bytes()))?;
        if let Some(key) = &mut key {
            key.usage.merge(self.uses.of(id));
        }
        Ok(key)
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

    /// Counts a use of a key, in memory.
    pub fn note_use(&self, key: KeyId, from: Option<std::net::IpAddr>) {
        self.uses.note(key, Use { at: self.now(), from });
    }
}
