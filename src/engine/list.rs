//! Listings in pages.

use crate::key::{AuditEvent, CompanyId, Key, KeyId, KeyspaceName, ParseError, Prefix, User, UserId};
use crate::limits;
use crate::store::codec::Record;
use crate::store::schema;

use super::{EngineError, Reader};

/// Where a page of keys ended; opaque text outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl std::str::FromStr for Cursor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes =
            hex::decode(text).ok().filter(|bytes| (1..=limits::PLACE_BYTES_MAX).contains(&bytes.len()));
        bytes.map(Self).ok_or(ParseError::new("cursor", "is not one that a listing gave"))
    }
}

impl Reader {
    /// Up to `limit` keys of `owner` (at most 1,000) and where the next page begins, if there may be one. Newest
    /// first within a keyspace; without one, keyspaces by name.
    ///
    /// # Errors
    /// [`EngineError::Store`] when they could not be read.
    pub fn keys_of(
        &self,
        owner: UserId,
        keyspace: Option<&KeyspaceName>,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Key>, Option<Cursor>), EngineError> {
        let limit = limit.clamp(1, limits::PAGE_MAX);
        let all = schema::owned(owner.0);
        let prefix = keyspace.map_or_else(|| all.clone(), |name| schema::owned_in(owner.0, name.as_str()));
        let after = after.map(|cursor| [all.as_slice(), &cursor.0].concat());
        let entries = self.store.scan(&prefix, after.as_deref(), limit)?;
        let last = entries.last().filter(|_| entries.len() == limit);
        let next =
            last.and_then(|entry| entry.key.strip_prefix(all.as_slice())).map(|rest| Cursor(rest.to_vec()));
        // A key deleted since the index was read is left out.
        let ids = entries.iter().filter_map(|entry| schema::indexed_id(&entry.key)).map(KeyId::from_bytes);
        let keys = ids.filter_map(|id| self.key(id).transpose()).collect::<Result<_, _>>()?;
        Ok((keys, next))
    }

    /// Up to `limit` keys (at most 1,000) of everyone, by rising id, from just after one, with the uses that are not
    /// written yet; fewer mean the end.
    ///
    /// # Errors
    /// [`EngineError::Store`] when they could not be read.
    pub fn keys(&self, after: Option<KeyId>, limit: usize) -> Result<Vec<Key>, EngineError> {
        let after = after.map(|id| schema::key(&id.to_bytes()));
        let entries = self.store.scan(schema::KEYS, after.as_deref(), limit.clamp(1, limits::PAGE_MAX))?;
        let keys = entries.iter().map(|entry| Key::from_entry(entry).map(|key| self.with_uses(key)));
        Ok(keys.collect::<Result<_, _>>()?)
    }

    /// The keys that show this prefix: most often one, at most 1,000.
    ///
    /// # Errors
    /// [`EngineError::Store`] when they could not be read.
    pub fn keys_showing(&self, prefix: &Prefix) -> Result<Vec<Key>, EngineError> {
        let entries = self.store.scan(&schema::prefixed(prefix.as_str()), None, limits::PAGE_MAX)?;
        let ids = entries.iter().filter_map(|entry| schema::indexed_id(&entry.key)).map(KeyId::from_bytes);
        ids.filter_map(|id| self.key(id).transpose()).collect()
    }

    /// Up to `limit` audit events (at most 1,000) by rising sequence, from just after one; fewer mean the end.
    ///
    /// # Errors
    /// [`EngineError::Store`] when they could not be read.
    pub fn events(&self, after: u64, limit: usize) -> Result<Vec<AuditEvent>, EngineError> {
        let after = schema::audit(after);
        let entries = self.store.scan(schema::AUDIT, Some(&after), limit.clamp(1, limits::PAGE_MAX))?;
        Ok(entries.iter().map(AuditEvent::from_entry).collect::<Result<_, _>>()?)
    }

    /// Up to `limit` users (at most 1,000) of a company, or of none, by rising number, from just after one, and
    /// after which the next page begins, if there may be one.
    ///
    /// # Errors
    /// [`EngineError::Store`] when they could not be read.
    pub fn users_of(
        &self,
        company: Option<CompanyId>,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<User>, Option<UserId>), EngineError> {
        let company = company.map(|company| company.to_bytes());
        let after = after.map(|id| schema::member(company.as_ref(), id.0));
        let limit = limit.clamp(1, limits::PAGE_MAX);
        let entries = self.store.scan(&schema::members(company.as_ref()), after.as_deref(), limit)?;
        // A user removed since the index was read is left out.
        let ids = entries.iter().filter_map(|entry| schema::member_id(&entry.key)).map(UserId);
        let next = ids.clone().next_back().filter(|_| entries.len() == limit);
        let users = ids.filter_map(|id| self.user(id).transpose()).collect::<Result<_, _>>()?;
        Ok((users, next))
    }

    /// Up to `limit` users (at most 1,000) by rising number, from just after one; fewer mean the end.
    ///
    /// # Errors
    /// [`EngineError::Store`] when they could not be read.
    pub fn users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, EngineError> {
        let after = after.map(|id| schema::user(id.0));
        let entries = self.store.scan(schema::USERS, after.as_deref(), limit.clamp(1, limits::PAGE_MAX))?;
        Ok(entries.iter().map(User::from_entry).collect::<Result<_, _>>()?)
    }
}
