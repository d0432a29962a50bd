//! Transaction: reads, writes and audit event of one operation, as one batch.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::engine::EngineError;
use crate::key::{Actor, AuditAction, AuditEvent, AuditHead, EventDetails, EventHash, Subject};
use crate::store::codec::{OwnerLimits, Record};
use crate::store::{Batch, Entry, Expectation, Revision, Store, StoreError, schema};

use super::audit_changes::AuditChanges;

/// Transaction of one operation on the write lane. An operation reads first and writes then: its reads see the writes
/// of earlier operations of the group, not its own.
pub(crate) struct Transaction<'a> {
    store: &'a dyn Store,
    before: &'a Batch,
    now: Timestamp,
    batch: Batch,
    /// Written changes, for the audit event.
    pub(in crate::engine) changed: AuditChanges,
    /// Changed limits of owners, by store key.
    pub(in crate::engine) owner_limits: BTreeMap<Vec<u8>, Option<OwnerLimits>>,
    event: Option<Event>,
}

/// Audit event of an operation that is not over yet.
struct Event {
    sequence: u64,
    previous: EventHash,
    actor: Actor,
    action: AuditAction,
    subject: Subject,
    details: EventDetails,
}

impl<'a> Transaction<'a> {
    pub(in crate::engine) fn new(store: &'a dyn Store, before: &'a Batch, now: Timestamp) -> Self {
        let (batch, changed) = (Batch::default(), AuditChanges::default());
        Self { store, before, now, batch, changed, owner_limits: BTreeMap::new(), event: None }
    }

    /// Time of this operation; the same for all of its writes.
    pub(in crate::engine) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns everything that the operation writes, with its audit event.
    pub(in crate::engine) fn into_batch(mut self) -> Result<Batch, EngineError> {
        if let Some(Event { sequence, previous, actor, action, subject, details }) = self.event.take() {
            let mut changes = std::mem::take(&mut self.changed).about(subject);
            changes.extend(details.changes);
            let details = EventDetails { changes, ..details };
            let event =
                AuditEvent { sequence, at: self.now, actor, action, subject, details, previous }.encode()?;
            let hash = event_hash(&event);
            self.batch.insert(schema::audit(sequence), event);
            self.put(schema::AUDIT_HEAD, &AuditHead { sequence, hash })?;
        }
        Ok(self.batch)
    }

    /// Reads an entry. The commit fails with a conflict if the entry changes before it.
    fn read(&mut self, place: &[u8]) -> Result<Option<Entry>, StoreError> {
        if let Some(written) = self.before.written(place) {
            let version = Revision::default();
            return Ok(written.map(|value| Entry { key: place.to_vec(), value: value.to_vec(), version }));
        }
        let entry = self.store.get(place)?;
        let expected =
            entry.as_ref().map_or(Expectation::Absent, |entry| Expectation::Version(entry.version));
        self.batch.expect(place, expected);
        Ok(entry)
    }

    /// Makes the commit fail with a conflict if this entry exists then.
    pub(in crate::engine) fn expect_absent(&mut self, place: Vec<u8>) {
        self.batch.expect_absent(place);
    }

    /// Reads a record.
    pub(in crate::engine) fn get<T: Record>(&mut self, place: &[u8]) -> Result<Option<T>, EngineError> {
        Ok(self.read(place)?.as_ref().map(T::from_entry).transpose()?)
    }

    /// Whether an entry exists.
    pub(in crate::engine) fn has(&mut self, place: &[u8]) -> Result<bool, EngineError> {
        // An earlier operation read this entry and none wrote it since.
        let expected = self.before.expected(place).filter(|_| self.before.written(place).is_none());
        if let Some(expected) = expected {
            return Ok(expected != Expectation::Absent);
        }
        Ok(self.read(place)?.is_some())
    }

    /// Scans as [`Store::scan`] does, with the writes of earlier operations of the group.
    pub(in crate::engine) fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineError> {
        Ok(self.before.scan_over(self.store, prefix, after, limit)?)
    }

    pub(in crate::engine) fn put(&mut self, place: &[u8], record: &impl Record) -> Result<(), EngineError> {
        self.batch.put(place, record.encode()?);
        Ok(())
    }

    pub(in crate::engine) fn insert(&mut self, place: Vec<u8>, value: Vec<u8>) {
        self.batch.insert(place, value);
    }

    pub(in crate::engine) fn put_bytes(&mut self, place: Vec<u8>, value: Vec<u8>) {
        self.batch.put(place, value);
    }

    pub(in crate::engine) fn delete(&mut self, place: Vec<u8>) {
        self.batch.delete(place);
    }

    /// Appends the audit event of this operation when it is over, and returns the event's sequence. Called once.
    pub(in crate::engine) fn record(
        &mut self,
        actor: Actor,
        action: AuditAction,
        subject: Subject,
    ) -> Result<u64, EngineError> {
        self.record_with(actor, action, subject, EventDetails::default())
    }

    /// As [`Transaction::record`], with details that do not follow from the written records.
    pub(in crate::engine) fn record_with(
        &mut self,
        actor: Actor,
        action: AuditAction,
        subject: Subject,
        details: EventDetails,
    ) -> Result<u64, EngineError> {
        let AuditHead { sequence, hash: previous } = self.get(schema::AUDIT_HEAD)?.unwrap_or_default();
        let sequence = after(sequence, schema::AUDIT_HEAD)?;
        self.event = Some(Event { sequence, previous, actor, action, subject, details });
        Ok(sequence)
    }
}

/// Number after `last`, which is stored at `place`. An overflow can only be damage.
pub(in crate::engine) fn after(last: u64, place: &[u8]) -> Result<u64, StoreError> {
    last.checked_add(1).ok_or_else(|| StoreError::Corrupt { place: schema::printable(place) })
}

/// Hash that the next event is chained to: of the event as stored.
pub(in crate::engine) fn event_hash(stored: &[u8]) -> EventHash {
    EventHash(*blake3::hash(stored).as_bytes())
}
