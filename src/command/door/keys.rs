//! What can be done about keys.

use super::Door;
use crate::command::{Authorized, CommandError, Everything, KeyPage};
use crate::engine::{
    Created, Cursor, Imported, ImportedKey, KeyChange, KeyFilter, NewKey, RequestMark, Whose,
};
use crate::key::{IssuedKey, Key, KeyspaceName, RevokeReason, User};
use crate::limits;

impl Door<'_> {
    /// A key as it was written, with the uses that are not written yet.
    fn counted(&self, key: Key) -> Key {
        self.reader.with_uses(key)
    }

    /// Creates a key.
    ///
    /// # Errors
    /// The engine's, as of everything here.
    pub fn create_key(&self, new: Authorized<NewKey>) -> Result<(Key, IssuedKey), CommandError> {
        Ok(self.engine.create_key(self.by(), new.get())?)
    }

    /// Creates a key, unless the same request did so before.
    ///
    /// # Errors
    /// The engine's.
    pub fn create_key_once(
        &self,
        new: Authorized<NewKey>,
        mark: RequestMark,
    ) -> Result<Created, CommandError> {
        Ok(self.engine.create_key_once(self.by(), new.get(), mark)?)
    }

    /// Changes a key.
    ///
    /// # Errors
    /// The engine's.
    pub fn update_key(&self, changed: Authorized<(Key, KeyChange)>) -> Result<Key, CommandError> {
        let (key, change) = changed.get();
        Ok(self.counted(self.engine.update_key(self.by(), key.id, change)?))
    }

    /// Gives a key a new secret.
    ///
    /// # Errors
    /// The engine's.
    pub fn rotate_key(&self, key: Authorized<Key>, grace_ms: u64) -> Result<(Key, IssuedKey), CommandError> {
        let (key, text) = self.engine.rotate_key(self.by(), key.get().id, grace_ms)?;
        Ok((self.counted(key), text))
    }

    /// Proposes a key a new text.
    ///
    /// # Errors
    /// The engine's.
    pub fn propose_text(&self, key: Authorized<Key>) -> Result<(Key, IssuedKey), CommandError> {
        Ok(self.engine.propose_text(self.by(), key.get().id)?)
    }

    /// Puts a proposed text in force.
    ///
    /// # Errors
    /// The engine's.
    pub fn adopt_text(&self, key: Authorized<Key>) -> Result<Key, CommandError> {
        Ok(self.counted(self.engine.adopt_text(self.by(), key.get().id)?))
    }

    /// Throws a proposed text away.
    pub fn discard_text(&self, key: Authorized<Key>) {
        self.engine.discard_text(self.by(), key.get().id);
    }

    /// Stops a key for good.
    ///
    /// # Errors
    /// The engine's.
    pub fn revoke_key(&self, key: Authorized<Key>, reason: RevokeReason) -> Result<Key, CommandError> {
        Ok(self.counted(self.engine.revoke_key(self.by(), key.get().id, reason)?))
    }

    /// Removes a key.
    ///
    /// # Errors
    /// The engine's.
    pub fn delete_key(&self, key: Authorized<Key>) -> Result<(), CommandError> {
        Ok(self.engine.delete_key(self.by(), key.get().id)?)
    }

    /// Brings a deleted key back.
    ///
    /// # Errors
    /// The engine's.
    pub fn undelete_key(&self, key: Authorized<Key>) -> Result<Key, CommandError> {
        Ok(self.counted(self.engine.undelete_key(self.by(), key.get().id)?))
    }

    /// Takes keys of another system over, or only says what would become of them.
    ///
    /// # Errors
    /// The engine's.
    pub fn import_keys(
        &self,
        _: Authorized<Everything>,
        keys: Vec<ImportedKey>,
        dry: bool,
    ) -> Result<Vec<Imported>, CommandError> {
        Ok(self.engine.import_keys(self.by(), keys, dry)?)
    }

    /// Reads the text of a key again, where it is kept and may be seen by this caller.
    ///
    /// # Errors
    /// The engine's.
    pub fn text(&self, key: Authorized<Key>) -> Result<Option<IssuedKey>, CommandError> {
        self.shown_text(&key.get())
    }

    /// Reads a page of a user's keys, or with no limit all of them; with their texts, where they are kept and may be
    /// seen.
    ///
    /// # Errors
    /// The engine's.
    pub fn keys_of(
        &self,
        owner: Authorized<User>,
        keyspace: Option<&KeyspaceName>,
        after: Option<Cursor>,
        limit: Option<usize>,
        texts: bool,
    ) -> Result<KeyPage, CommandError> {
        let (owner, mut all, mut next) = (owner.get().id, Vec::new(), after);
        loop {
            let most = limit.unwrap_or(limits::PAGE_MAX);
            let (keys, more) = self.reader.keys_of(owner, keyspace, next.as_ref(), most)?;
            all.extend(keys);
            next = more;
            if next.is_none() || limit.is_some() {
                break;
            }
        }
        let text = |key: &Key| if texts { self.shown_text(key) } else { Ok(None) };
        let keys = all.into_iter().map(|key| text(&key).map(|text| (key, text)));
        Ok(KeyPage { keys: keys.collect::<Result<_, CommandError>>()?, next })
    }

    /// Finds a page of keys.
    ///
    /// # Errors
    /// The engine's.
    pub fn find_keys(
        &self,
        whose: Authorized<Whose>,
        filter: &KeyFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Key>, Option<Cursor>), CommandError> {
        Ok(self.reader.find_keys(whose.get(), filter, after, limit)?)
    }

    fn shown_text(&self, key: &Key) -> Result<Option<IssuedKey>, CommandError> {
        if self.gate.shows_text(key)? { Ok(self.reader.text(key)?) } else { Ok(None) }
    }
}
