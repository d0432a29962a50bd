//! What a store has to hold, told from its records alone: every index is made again.

use std::collections::BTreeMap;

use crate::engine::commit::{Entries, event_hash, of_key, of_user};
use crate::key::{AuditEvent, AuditHead, Company, Key, User, UserId};
use crate::store::codec::{Deleted, OwnerLimits, Record, Repeatable};
use crate::store::{Entry, StoreError, schema};

/// What was left out, and counters on the way to their last value.
#[derive(Clone, Debug, Default)]
pub struct Repair {
    /// Places of what could not be read, in printable form.
    pub lost: Vec<String>,
    /// Entries of indexes that were there, each made again if its record has it.
    pub dropped: u64,
    /// Entries that were made.
    pub made: u64,
    newest_user: Option<UserId>,
    newest_event: AuditHead,
    counter: Option<UserId>,
    has_head: bool,
}

/// Everything whose content follows from records.
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
    /// The entries that a repaired store has because of one that is there, or was to be.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when a record cannot be written.
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

    /// What is still to be written when all entries were seen: counters that were lost.
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
