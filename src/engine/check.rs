//! Walks the whole store and proves that records, indexes and the audit chain agree.

use std::collections::BTreeMap;

use crate::key::{AuditEvent, HotRecord, Key, User, UserId};
use crate::limits;
use crate::store::codec::{AuditHead, Record};
use crate::store::{Entry, Store, StoreError, schema};

use super::entries::{Entries, of_key, of_user};
use super::operation::event_hash;
use super::{Engine, EngineError};

/// What walking the store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Keys there are.
    pub keys: u64,
    /// Users there are.
    pub users: u64,
    /// Audit events there are.
    pub events: u64,
    /// What does not agree; empty in a sound store. At most 1,000 are kept.
    pub findings: Vec<Finding>,
}

/// One disagreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The entry, in printable form.
    pub place: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Engine {
    /// Walks the whole store. When something seems wrong while changes go on, walks it again with changes held
    /// back, so that what is reported is really there.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the store could not be walked at all; damaged entries are findings.
    pub fn check(&self) -> Result<CheckReport, EngineError> {
        let store = std::sync::Arc::clone(&self.view().store);
        let report = check(store.as_ref())?;
        if report.findings.is_empty() {
            return Ok(report);
        }
        // On the write lane nothing else is written meanwhile.
        self.write(move |_| Ok(check(store.as_ref())?))
    }
}

fn check(store: &dyn Store) -> Result<CheckReport, StoreError> {
    let mut walk = Walk { store, report: CheckReport::default() };
    walk.each(schema::USERS, |walk, entry| walk.user(entry))?;
    walk.each(schema::KEYS, |walk, entry| walk.key(entry))?;
    for index in [schema::HOT, schema::PREFIXES, schema::LISTINGS] {
        walk.each(index, |walk, entry| walk.key_index(index, entry))?;
    }
    for index in [schema::NAMES, schema::EMAILS] {
        walk.each(index, |walk, entry| walk.user_index(entry))?;
    }
    walk.audit()?;
    Ok(walk.report)
}

struct Walk<'a> {
    store: &'a dyn Store,
    report: CheckReport,
}

impl Walk<'_> {
    fn finding(&mut self, place: &[u8], problem: &'static str) {
        if self.report.findings.len() < limits::FINDINGS_MAX {
            self.report.findings.push(Finding { place: schema::printable(place), problem });
        }
    }

    /// Hands every entry under `prefix` to `look`. A damaged one is a finding, and the walk goes on behind it.
    fn each(
        &mut self,
        prefix: &[u8],
        mut look: impl FnMut(&mut Self, &Entry) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.store.scan(prefix, after.as_deref(), limits::PAGE_MAX);
            let page = match page {
                Err(StoreError::Corrupt { place }) => {
                    self.report.findings.push(Finding { place, problem: "is damaged; the walk ends there" });
                    return Ok(());
                }
                page => page?,
            };
            for entry in &page {
                look(self, entry)?;
            }
            match page.last().filter(|_| page.len() == limits::PAGE_MAX) {
                Some(last) => after = Some(last.key.clone()),
                None => return Ok(()),
            }
        }
    }

    /// Reads a record; damage is a finding.
    fn record<T: Record>(&mut self, entry: &Entry) -> Option<T> {
        let record = T::from_entry(entry).ok();
        if record.is_none() {
            self.finding(&entry.key, "is not a record");
        }
        record
    }

    /// Every entry the record needs must be there, as it needs it.
    fn expect(&mut self, entries: &Entries) -> Result<(), StoreError> {
        for (place, value) in entries {
            match self.store.get(place) {
                Ok(Some(found)) if found.value == *value => {}
                Ok(Some(_)) => self.finding(place, "does not agree with its record"),
                Ok(None) => self.finding(place, "is missing"),
                Err(StoreError::Corrupt { .. }) => self.finding(place, "is damaged"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn user(&mut self, entry: &Entry) -> Result<(), StoreError> {
        self.report.users += 1;
        let Some(user) = self.record::<User>(entry) else { return Ok(()) };
        self.expect(&of_user(&user)?)
    }

    fn key(&mut self, entry: &Entry) -> Result<(), StoreError> {
        self.report.keys += 1;
        let Some(key) = self.record::<Key>(entry) else { return Ok(()) };
        if self.store.get(&schema::user(key.owner.0))?.is_none() {
            self.finding(&entry.key, "belongs to no user");
        }
        self.expect(&of_key(&key)?)
    }

    /// An index entry must be one of those its key has.
    fn key_index(&mut self, index: &[u8], entry: &Entry) -> Result<(), StoreError> {
        let id = if index == schema::HOT {
            self.record::<HotRecord>(entry).map(|hot| *hot.id.as_bytes())
        } else {
            schema::indexed_id(&entry.key)
        };
        let Some(id) = id else { return Ok(()) };
        let key = self.store.get(&schema::key(&id))?;
        let entries = key.and_then(|key| Key::from_entry(&key).ok()).map(|key| of_key(&key)).transpose()?;
        self.belongs(entry, entries.as_ref());
        Ok(())
    }

    /// A name must be one of those its user has.
    fn user_index(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let Some(id) = self.record::<UserId>(entry) else { return Ok(()) };
        let user = self.store.get(&schema::user(id.0))?;
        let entries =
            user.and_then(|user| User::from_entry(&user).ok()).map(|user| of_user(&user)).transpose()?;
        self.belongs(entry, entries.as_ref());
        Ok(())
    }

    fn belongs(&mut self, entry: &Entry, entries: Option<&BTreeMap<Vec<u8>, Vec<u8>>>) {
        if !entries.is_some_and(|entries| entries.contains_key(&entry.key)) {
            self.finding(&entry.key, "belongs to no record");
        }
    }

    fn audit(&mut self) -> Result<(), StoreError> {
        let mut head = AuditHead::default();
        self.each(schema::AUDIT, |walk, entry| {
            walk.report.events += 1;
            let Some(event) = walk.record::<AuditEvent>(entry) else { return Ok(()) };
            let follows = event.sequence == head.sequence + 1 && event.previous == head.hash;
            if !follows || entry.key != schema::audit(event.sequence) {
                walk.finding(&entry.key, "does not follow the event before it");
            }
            head = AuditHead { sequence: event.sequence, hash: event_hash(&entry.value) };
            Ok(())
        })?;
        let stored =
            self.store.get(schema::AUDIT_HEAD)?.map(|entry| AuditHead::from_entry(&entry)).transpose()?;
        if stored.unwrap_or_default() != head {
            self.finding(schema::AUDIT_HEAD, "is not the newest event");
        }
        Ok(())
    }
}
