//! Repair: the entries that a store must have, derived from its records alone. Every index entry is rebuilt.

use std::collections::BTreeMap;

use crate::engine::commit::{Entries, event_hash, of_key, of_user};
use crate::key::{AuditEvent, AuditHead, Company, Key, User, UserId};
use crate::store::codec::{Deleted, OwnerLimits, Record, Repeatable};
use crate::store::{Entry, StoreError, schema};

/// Repair in progress: lost entries, and counters until the last entry was seen.
#[derive(Clone, Debug, Default)]
pub struct Repair {
    /// Keys of unreadable entries, in printable form.
    pub lost: Vec<String>,
    /// Number of index entries that were dropped. Each is rebuilt if its record has it.
    pub dropped: u64,
    /// Number of entries that were written.
    pub made: u64,
    newest_user: Option<UserId>,
    newest_event: AuditHead,
    counter: Option<UserId>,
    has_head: bool,
}

/// Prefixes of entries that follow from records.
const INDEXES: [&[u8]; 8] = [
    schema::HOT,
    schema::PREFIXES,
    schema::SLOW,
    schema::LISTINGS,
    schema::NAMES,
    schema::EMAILS,
    schema::MEMBERS,
    schema::KEPT,
];

impl Repair {
    /// Returns the entries that the repaired store has for this entry.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when a record cannot be encoded.
    pub fn entries(
        &mut self,
        found: Result<Entry, StoreError>,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StoreError> {
        let entry = match found {
            Ok(entry) => entry,
            Err(StoreError::Corrupt { place }) => {
                self.lost.push(place);
                return Ok(Entries::new());
            }
            Err(error) => return Err(error),
        };
        if INDEXES.iter().any(|index| entry.key.starts_with(index)) {
            self.dropped += 1;
            return Ok(Entries::new());
        }
        let Ok(entries) = self.of_record(&entry) else {
            self.lost.push(schema::printable(&entry.key));
            return Ok(Entries::new());
        };
        self.made += entries.len() as u64;
        Ok(entries)
    }

    fn of_record(&mut self, entry: &Entry) -> Result<Entries, StoreError> {
        let place = entry.key.as_slice();
        let kept = |until: u64| {
            Entries::from([
                (entry.key.clone(), entry.value.clone()),
                (schema::kept(until, place), Vec::new()),
            ])
        };
        if place.starts_with(schema::KEYS) {
            return of_key(&Key::from_entry(entry)?);
        }
        if place.starts_with(schema::USERS) {
            let user = User::from_entry(entry)?;
            self.newest_user = self.newest_user.max(Some(user.id));
            return of_user(&user);
        }
        if place.starts_with(schema::DELETED) {
            return Ok(kept(Deleted::from_entry(entry)?.until.unix_ms()));
        }
        if place.starts_with(schema::REQUESTS) {
            return Ok(kept(Repeatable::from_entry(entry)?.until.unix_ms()));
        }
        if place.starts_with(schema::COMPANIES) {
            Company::from_entry(entry)?;
        } else if place.starts_with(schema::OWNER_LIMITS) {
            OwnerLimits::from_entry(entry)?;
        } else if place.starts_with(schema::AUDIT) {
            let event = AuditEvent::from_entry(entry)?;
            self.newest_event = AuditHead { sequence: event.sequence, hash: event_hash(&entry.value) };
        } else if place == schema::USER_COUNTER {
            self.counter = Some(UserId::from_entry(entry)?);
        } else if place == schema::AUDIT_HEAD {
            AuditHead::from_entry(entry)?;
            self.has_head = true;
        }
        Ok(Entries::from([(entry.key.clone(), entry.value.clone())]))
    }

    /// Returns the remaining entries after all entries were seen: lost counters.
    ///
    /// # Errors
    /// As [`Repair::entries`].
    pub fn rest(&mut self) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StoreError> {
        let mut rest = Entries::new();
        if let Some(newest) = self.newest_user
            && self.counter < self.newest_user
        {
            rest.insert(schema::USER_COUNTER.to_vec(), newest.encode()?);
        }
        if !self.has_head && self.newest_event.sequence > 0 {
            rest.insert(schema::AUDIT_HEAD.to_vec(), self.newest_event.encode()?);
        }
        self.made += rest.len() as u64;
        Ok(rest)
    }
}
