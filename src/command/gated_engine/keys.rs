//! Operations on keys.

use super::GatedEngine;
use crate::command::{Authorized, CommandError, WholeSystem};
use crate::engine::{
    CreateOutcome, Cursor, IdempotencyKey, Imported, ImportedKey, KeyChange, KeyFilter, KeyScope, NewKey,
};
use crate::key::{IssuedKey, Key, KeyspaceName, RevokeReason, User};
use crate::limits;

/// Page of keys.
#[derive(Debug)]
pub struct KeyPage {
    /// Keys, with the texts that were asked for and that the caller may see.
    pub keys: Vec<(Key, Option<IssuedKey>)>,
    /// Cursor of the next page; `None` on the last one.
    pub next: Option<Cursor>,
}

impl GatedEngine<'_> {
    /// Returns a key with the uses that are not written yet.
    fn counted(&self, key: Key) -> Key {
        self.reader.with_uses(key)
    }

    /// Creates a key.
    ///
    /// # Errors
    /// Those of the engine, as for all methods here.
    pub fn create_key(&self, new: Authorized<NewKey>) -> Result<(Key, IssuedKey), CommandError> {
        Ok(self.engine.create_key(self.by(), new.get())?)
    }

    /// Creates a key, unless the same request created it before.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn create_key_idempotent(
        &self,
        new: Authorized<NewKey>,
        mark: IdempotencyKey,
    ) -> Result<CreateOutcome, CommandError> {
        Ok(self.engine.create_key_idempotent(self.by(), new.get(), mark)?)
    }

    /// Changes a key.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn update_key(&self, changed: Authorized<(Key, KeyChange)>) -> Result<Key, CommandError> {
        let (key, change) = changed.get();
        Ok(self.counted(self.engine.update_key(self.by(), key.id, change)?))
    }

    /// Rotates a key.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn rotate_key(&self, key: Authorized<Key>, grace_ms: u64) -> Result<(Key, IssuedKey), CommandError> {
        let (key, text) = self.engine.rotate_key(self.by(), key.get().id, grace_ms)?;
        Ok((self.counted(key), text))
    }

    /// Stages a rotation: returns a new text that does not verify yet.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn stage_rotation(&self, key: Authorized<Key>) -> Result<(Key, IssuedKey), CommandError> {
        Ok(self.engine.stage_rotation(self.by(), key.get().id)?)
    }

    /// Commits the rotation that the caller staged.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn commit_rotation(&self, key: Authorized<Key>) -> Result<Key, CommandError> {
        Ok(self.counted(self.engine.commit_rotation(self.by(), key.get().id)?))
    }

    /// Cancels the rotation that the caller staged.
    pub fn cancel_rotation(&self, key: Authorized<Key>) {
        self.engine.cancel_rotation(self.by(), key.get().id);
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn revoke_key(&self, key: Authorized<Key>, reason: RevokeReason) -> Result<Key, CommandError> {
        Ok(self.counted(self.engine.revoke_key(self.by(), key.get().id, reason)?))
    }

    /// Deletes a key.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn delete_key(&self, key: Authorized<Key>) -> Result<(), CommandError> {
        Ok(self.engine.delete_key(self.by(), key.get().id)?)
    }

    /// Brings a deleted key back.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn undelete_key(&self, key: Authorized<Key>) -> Result<Key, CommandError> {
        Ok(self.counted(self.engine.undelete_key(self.by(), key.get().id)?))
    }

    /// Imports keys of another system, or with `dry` returns what an import would do.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn import_keys(
        &self,
        _: Authorized<WholeSystem>,
        keys: Vec<ImportedKey>,
        dry: bool,
    ) -> Result<Vec<Imported>, CommandError> {
        Ok(self.engine.import_keys(self.by(), keys, dry)?)
    }

    /// Returns the text of a key, if its keyspace keeps it and the caller may see it.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn text(&self, key: Authorized<Key>) -> Result<Option<IssuedKey>, CommandError> {
        self.shown_text(&key.get())
    }

    /// Returns a page of a user's keys, or without `limit` all of them. With `texts` also the texts that the caller may see.
    ///
    /// # Errors
    /// Those of the engine.
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

    /// Returns a page of the keys that match the filter.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn find_keys(
        &self,
        whose: Authorized<KeyScope>,
        filter: &KeyFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Key>, Option<Cursor>), CommandError> {
        Ok(self.reader.find_keys(whose.get(), filter, after, limit)?)
    }

    fn shown_text(&self, key: &Key) -> Result<Option<IssuedKey>, CommandError> {
        if self.gate.may_see_text(key)? { Ok(self.reader.text(key)?) } else { Ok(None) }
    }
}
