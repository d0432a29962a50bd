//! Entries of a record: the record itself and its index entries, a pure function of the record.
//!
//! So a check can derive every index entry again and compare, and a repair can rebuild all of them. The listing index
//! orders keys by creation time and then by a serial, which is the sequence of the audit event of the creation: keys
//! created in the same millisecond are ordered too.
//!
//! A batch may assert that a key of the store is new ([`Batch::insert`](crate::store::Batch::insert)), which saves the
//! store a read; debug builds check the assertion.

use std::collections::BTreeMap;

use crate::engine::EngineError;
use crate::key::{Company, CompanyId, Key, KeyId, KeyedHash, Locator, LookupKey, User, UserId};
use crate::store::codec::Record;
use crate::store::{StoreError, schema};

use super::transaction::Transaction;

/// Values by their keys in the store.
pub(in crate::engine) type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// All entries of a key.
pub(in crate::engine) fn of_key(key: &Key) -> Result<Entries, StoreError> {
    let id = &key.id.to_bytes();
    let listing = schema::listing(key.owner.0, key.keyspace.as_str(), key.created.unix_ms(), key.serial, id);
    let mut entries = Entries::from([(schema::key(id), key.encode()?), (listing, Vec::new())]);
    for (trace, record) in key.hot_records() {
        entries.insert(hot(&trace), record.encode()?);
    }
    let previous = key.secrets.previous.iter().map(|(secret, _)| secret);
    for secret in previous.chain([&key.secrets.current]) {
        if secret.shows_prefix() {
            entries.insert(schema::prefix(secret.prefix.as_str(), id), Vec::new());
        }
        if secret.imported_hash.is_some() {
            entries.insert(schema::slow(secret.prefix.as_str(), id), Vec::new());
        }
    }
    Ok(entries)
}

/// Store key of the hot record with this lookup key.
pub(in crate::engine) fn hot(trace: &LookupKey) -> Vec<u8> {
    schema::hot(trace.hash.as_bytes(), trace.locator.number())
}

/// Lookup key of a hot record, from its store key.
pub(in crate::engine) fn trace(place: &[u8]) -> Option<LookupKey> {
    let (hash, locator) = schema::hot_trace(place)?;
    Some(LookupKey { hash: KeyedHash::from_bytes(hash), locator: Locator::from_number(locator) })
}

/// All entries of a user.
pub(in crate::engine) fn of_user(user: &User) -> Result<Entries, StoreError> {
    let id = user.id.encode()?;
    let mut entries = Entries::from([(schema::user(user.id.0), user.encode()?)]);
    entries.insert(schema::name(user.username.as_str()), id.clone());
    if let Some(email) = &user.email {
        entries.insert(schema::email(&email.folded()), id);
    }
    let company = user.company.map(|company| company.to_bytes());
    entries.insert(schema::member(company.as_ref(), user.id.0), Vec::new());
    Ok(entries)
}

/// All entries of a company.
fn of_company(company: &Company) -> Result<Entries, StoreError> {
    Ok(Entries::from([(schema::company(&company.id.to_bytes()), company.encode()?)]))
}

impl Transaction<'_> {
    /// Writes the difference between the entries of a record before and after.
    fn replace(&mut self, mut old: Entries, new: Entries) {
        for (place, value) in new {
            match old.remove(&place) {
                // Every store key names its record, so an entry that the record did not have before is new to the
                // store.
                None => self.insert(place, value),
                Some(before) if before != value => self.put_bytes(place, value),
                Some(_) => {}
            }
        }
        for place in old.into_keys() {
            self.delete(place);
        }
    }

    /// Returns the user with this number.
    pub(in crate::engine) fn user(&mut self, id: UserId) -> Result<User, EngineError> {
        self.get(&schema::user(id.0))?.ok_or(EngineError::NoSuchUser)
    }

    /// Returns the key with this id.
    pub(in crate::engine) fn key(&mut self, id: KeyId) -> Result<Key, EngineError> {
        self.get(&schema::key(&id.to_bytes()))?.ok_or(EngineError::NoSuchKey)
    }

    /// Returns the company with this id.
    pub(in crate::engine) fn company(&mut self, id: CompanyId) -> Result<Company, EngineError> {
        self.get(&schema::company(&id.to_bytes()))?.ok_or(EngineError::NoSuchCompany)
    }

    /// Writes a key that was created, changed or removed, with its index entries.
    pub(in crate::engine) fn write_key(
        &mut self,
        old: Option<&Key>,
        new: Option<&Key>,
    ) -> Result<(), EngineError> {
        self.changed.key(old, new);
        let entries = |key: Option<&Key>| key.map_or_else(|| Ok(Entries::new()), of_key);
        self.replace(entries(old)?, entries(new)?);
        Ok(())
    }

    /// Writes a changed key with its index entries.
    pub(in crate::engine) fn replace_key(&mut self, old: &Key, new: &Key) -> Result<(), EngineError> {
        self.write_key(Some(old), Some(new))
    }

    /// Writes a user that was added, changed or removed, with its index entries. The caller checks that names are
    /// unique.
    pub(in crate::engine) fn write_user(
        &mut self,
        old: Option<&User>,
        new: Option<&User>,
    ) -> Result<(), EngineError> {
        self.changed.user(old, new);
        let entries = |user: Option<&User>| user.map_or_else(|| Ok(Entries::new()), of_user);
        self.replace(entries(old)?, entries(new)?);
        Ok(())
    }

    /// Writes a company that was added, changed or removed.
    pub(in crate::engine) fn write_company(
        &mut self,
        old: Option<&Company>,
        new: Option<&Company>,
    ) -> Result<(), EngineError> {
        self.changed.company(old, new);
        let entries = |company: Option<&Company>| company.map_or_else(|| Ok(Entries::new()), of_company);
        self.replace(entries(old)?, entries(new)?);
        Ok(())
    }
}
