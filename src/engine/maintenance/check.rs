//! Walks the whole store and proves that records, indexes and the audit chain agree.

use std::collections::BTreeMap;

use crate::engine::commit::{Entries, event_hash, of_key, of_user};
use crate::engine::{Engine, EngineError};
use crate::key::{AuditEvent, AuditHead, Company, HotRecord, Key, User, UserId};
use crate::limits;
use crate::store::codec::{Deleted, OwnerLimits, Record, Repeatable};
use crate::store::{Entry, Store, StoreError, paged, schema};

/// Result of a check of the whole store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Number of keys.
    pub keys: u64,
    /// Number of users.
    pub users: u64,
    /// Number of audit events.
    pub events: u64,
    /// Disagreements; empty in a sound store. At most 1,000 are listed.
    pub findings: Vec<Finding>,
}

/// One disagreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Key of the entry, in printable form.
    pub place: String,
    /// Problem of the entry.
    pub problem: &'static str,
}

impl Engine {
    /// Walks the whole store. If a finding appears while changes go on, walks it again on the write lane, so that every
    /// reported finding is real.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the store could not be walked at all; damaged entries are findings.
    pub fn check(&self) -> Result<CheckReport, EngineError> {
        let store = std::sync::Arc::clone(&self.view().store);
        let report = check(store.as_ref())?;
        if report.findings.is_empty() {
            return Ok(report);
        }
        if self.closed().is_some() {
            // The store takes no writes any more, so findings of this walk are real.
            return Ok(check(store.as_ref())?);
        }
        // On the write lane no other write happens meanwhile.
        self.write(move |_| Ok(check(store.as_ref())?))
    }
}

fn check(store: &dyn Store) -> Result<CheckReport, StoreError> {
    let mut walk = Walk { store, report: CheckReport::default(), newest: None };
    walk.each(schema::USERS, |walk, entry| walk.user(entry))?;
    walk.counter()?;
    walk.each(schema::KEYS, |walk, entry| walk.key(entry))?;
    for index in [schema::HOT, schema::PREFIXES, schema::SLOW, schema::LISTINGS] {
        walk.each(index, |walk, entry| walk.key_index(index, entry))?;
    }
    walk.each(schema::COMPANIES, |walk, entry| walk.company(entry))?;
    for index in [schema::NAMES, schema::EMAILS, schema::MEMBERS] {
        walk.each(index, |walk, entry| walk.user_index(entry))?;
    }
    walk.each(schema::OWNER_LIMITS, |walk, entry| walk.owner_limits(entry))?;
    for kept in [schema::DELETED, schema::REQUESTS] {
        walk.each(kept, |walk, entry| walk.kept(entry))?;
    }
    walk.audit()?;
    Ok(walk.report)
}

struct Walk<'a> {
    store: &'a dyn Store,
    report: CheckReport,
    /// Highest number of a user.
    newest: Option<UserId>,
}

impl Walk<'_> {
    fn finding(&mut self, place: &[u8], problem: &'static str) {
        if self.report.findings.len() < limits::FINDINGS_MAX {
            self.report.findings.push(Finding { place: schema::printable(place), problem });
        }
    }

    /// Returns the entry with this key; `None` when it is damaged, since the walk over its prefix reports that.
    fn found(&self, place: &[u8]) -> Result<Option<Entry>, StoreError> {
        match self.store.get(place) {
            Err(StoreError::Corrupt { .. }) => Ok(None),
            found => found,
        }
    }

    /// Calls `look` with every entry under `prefix`, up to a damaged one, which is a finding.
    fn each(
        &mut self,
        prefix: &[u8],
        mut look: impl FnMut(&mut Self, &Entry) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let store = self.store;
        for entry in paged(None, |after, limit| store.scan(prefix, after, limit)) {
            match entry {
                Ok(entry) => look(self, &entry)?,
                Err(StoreError::Corrupt { place }) => {
                    self.report.findings.push(Finding { place, problem: "is damaged; the walk ends there" });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads a record; damage is a finding.
    fn record<T: Record>(&mut self, entry: &Entry) -> Option<T> {
        let record = T::from_entry(entry).ok();
        if record.is_none() {
            self.finding(&entry.key, "is not a record");
        }
        record
    }

    /// Every entry that the record needs must exist with the right value.
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
        self.newest = self.newest.max(Some(user.id));
        if let Some(company) = user.company
            && self.found(&schema::company(&company.to_bytes()))?.is_none()
        {
            self.finding(&entry.key, "belongs to no company");
        }
        self.expect(&of_user(&user)?)
    }

    /// User numbers must not be given twice.
    fn counter(&mut self) -> Result<(), StoreError> {
        let counter = self.found(schema::USER_COUNTER)?;
        if counter.and_then(|entry| UserId::from_entry(&entry).ok()) < self.newest {
            self.finding(schema::USER_COUNTER, "is behind the newest user");
        }
        Ok(())
    }

    fn company(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let Some(company) = self.record::<Company>(entry) else { return Ok(()) };
        let account = self.found(&schema::user(company.account.0))?;
        let account = account.and_then(|account| User::from_entry(&account).ok());
        if account.is_none_or(|account| account.company != Some(company.id)) {
            self.finding(&entry.key, "has no account");
        }
        Ok(())
    }

    /// Owner limits must belong to an existing user.
    fn owner_limits(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let Some(OwnerLimits { .. }) = self.record(entry) else { return Ok(()) };
        let owner = schema::limited_owner(&entry.key).map(schema::user);
        if owner.map(|owner| self.found(&owner)).transpose()?.flatten().is_none() {
            self.finding(&entry.key, "binds no user");
        }
        Ok(())
    }

    /// A TTL entry must have an entry for its time.
    fn kept(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let until = if entry.key.starts_with(schema::DELETED) {
            self.record::<Deleted>(entry).map(|deleted| deleted.until)
        } else {
            self.record::<Repeatable>(entry).map(|request| request.until)
        };
        let Some(until) = until else { return Ok(()) };
        if self.found(&schema::kept(until.unix_ms(), &entry.key))?.is_none() {
            self.finding(&entry.key, "would never go");
        }
        Ok(())
    }

    fn key(&mut self, entry: &Entry) -> Result<(), StoreError> {
        self.report.keys += 1;
        let Some(key) = self.record::<Key>(entry) else { return Ok(()) };
        if self.found(&schema::user(key.owner.0))?.is_none() {
            self.finding(&entry.key, "belongs to no user");
        }
        self.expect(&of_key(&key)?)
    }

    /// An index entry must be one that its key has.
    fn key_index(&mut self, index: &[u8], entry: &Entry) -> Result<(), StoreError> {
        let id = if index == schema::HOT {
            self.record::<HotRecord>(entry).map(|hot| hot.id.to_bytes())
        } else {
            schema::indexed_id(&entry.key)
        };
        let Some(id) = id else { return Ok(()) };
        let key = self.found(&schema::key(&id))?;
        let entries = key.and_then(|key| Key::from_entry(&key).ok()).map(|key| of_key(&key)).transpose()?;
        self.belongs(entry, entries.as_ref());
        Ok(())
    }

    /// A name must be one that its user has.
    fn user_index(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let id = if entry.key.starts_with(schema::MEMBERS) {
            schema::member_id(&entry.key).map(UserId)
        } else {
            self.record::<UserId>(entry)
        };
        let Some(id) = id else { return Ok(()) };
        let user = self.found(&schema::user(id.0))?;
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
            let follows = event.sequence.checked_sub(1) == Some(head.sequence) && event.previous == head.hash;
            if !follows || entry.key != schema::audit(event.sequence) {
                walk.finding(&entry.key, "does not follow the event before it");
            }
            head = AuditHead { sequence: event.sequence, hash: event_hash(&entry.value) };
            Ok(())
        })?;
        let stored = self.found(schema::AUDIT_HEAD)?;
        if stored.and_then(|entry| AuditHead::from_entry(&entry).ok()).unwrap_or_default() != head {
            self.finding(schema::AUDIT_HEAD, "is not the newest event");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::{NewCompany, NewKey, NewUser, Parts};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, Level, PepperRing, Role};
    use crate::store::{Batch, MemoryStore};

    /// An engine with a user and two keys, one of them rotated, and its store.
    fn filled() -> (Engine, Arc<MemoryStore>) {
        let store = Arc::new(MemoryStore::new());
        let ring = PepperRing::generate(&OsEntropy).unwrap();
        let parts =
            Parts { store: Arc::<MemoryStore>::clone(&store), ..Parts::new(MemoryStore::new(), ring) };
        let engine = Engine::open(parts).unwrap();
        let mut flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        flo.email = Some("flo@example.org".parse().unwrap());
        let name = "Example".parse().unwrap();
        let company = engine.add_company(Actor::Operator, NewCompany { id: None, name }).unwrap();
        flo.company = Some(company.id);
        let owner = engine.add_user(Actor::Operator, flo).unwrap().id;
        for keyspace in ["filebin", "native"] {
            let new = NewKey::new(keyspace.parse().unwrap(), owner, Level::OWN);
            let (key, _) = engine.create_key(Actor::Operator, new).unwrap();
            engine.rotate_key(Actor::Operator, key.id, 1_000).unwrap();
        }
        (engine, store)
    }

    #[test]
    fn every_entry_that_goes_missing_or_changes_is_found() {
        let (_engine, store) = filled();
        let entries = store.scan(b"", None, usize::MAX).unwrap();
        assert_eq!(entries.len(), 28);
        let unchecked = [schema::PEPPERS];
        for n in 0..entries.len() {
            let (engine, store) = filled();
            assert_eq!(engine.check().unwrap().findings, Vec::new());
            let place = store.scan(b"", None, usize::MAX).unwrap().swap_remove(n).key;
            for value in [None, Some(b"junk")] {
                let mut batch = Batch::default();
                match value {
                    Some(value) => batch.put(place.clone(), value),
                    None => batch.delete(place.clone()),
                }
                store.commit(batch).unwrap();
                let found = !check(store.as_ref()).unwrap().findings.is_empty();
                assert!(
                    found || unchecked.contains(&place.as_slice()),
                    "{}: {value:?}",
                    schema::printable(&place)
                );
            }
        }
    }

    #[test]
    fn an_event_of_the_highest_number_is_found() {
        let (_engine, store) = filled();
        let place = schema::audit(1);
        let event = AuditEvent::from_entry(&store.get(&place).unwrap().unwrap()).unwrap();
        let mut batch = Batch::default();
        batch.put(place, AuditEvent { sequence: u64::MAX, ..event }.encode().unwrap());
        store.commit(batch).unwrap();
        assert_ne!(check(store.as_ref()).unwrap().findings, Vec::new());
    }

    #[test]
    fn counters_at_their_end_or_behind_are_damage_and_stop_no_other_change() {
        let head = AuditHead { sequence: u64::MAX, ..AuditHead::default() };
        for (place, value) in [
            (schema::USER_COUNTER, UserId(u64::MAX).encode().unwrap()),
            (schema::USER_COUNTER, UserId(0).encode().unwrap()),
            (schema::AUDIT_HEAD, head.encode().unwrap()),
        ] {
            let (engine, store) = filled();
            let mut batch = Batch::default();
            batch.put(place, value);
            store.commit(batch).unwrap();
            let added = engine
                .add_user(Actor::Operator, NewUser::person("new".parse().unwrap(), Role::User, None))
                .map(|user| user.id);
            assert!(matches!(added, Err(EngineError::Store(StoreError::Corrupt { .. }))), "{added:?}");
            assert_eq!(engine.closed(), None);
            let flo = engine.reader().user_named(&"flo".parse().unwrap()).unwrap().unwrap();
            assert_eq!(flo.role, Role::User);
        }
    }

    #[test]
    fn entries_that_no_record_has_are_found() {
        let (_engine, store) = filled();
        let strays = [
            schema::prefix("kw_stray", &[7; 16]),
            schema::listing(1, "native", 1, 1, &[7; 16]),
            schema::name("ghost"),
            schema::email("ghost@example.org"),
            schema::audit(99),
        ];
        for stray in strays {
            let mut batch = Batch::default();
            batch.put(stray.clone(), UserId(1).encode().unwrap());
            store.commit(batch).unwrap();
            assert_ne!(check(store.as_ref()).unwrap().findings, Vec::new(), "{}", schema::printable(&stray));
            let mut batch = Batch::default();
            batch.delete(stray);
            store.commit(batch).unwrap();
        }
    }
}
