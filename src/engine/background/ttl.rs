//! TTL entries: deleted keys that can be undeleted, and idempotency keys.
//!
//! Each has a second entry ordered by its time, so removing the due ones reads no others.

use crate::clock::Timestamp;
use crate::engine::EngineError;
use crate::engine::commit::Transaction;
use crate::limits;
use crate::store::codec::{Deleted, Repeatable};
use crate::store::{Store, StoreError, schema};

impl Transaction<'_> {
    /// Writes an entry that is removed at `until`.
    pub(in crate::engine) fn keep(&mut self, place: Vec<u8>, value: Vec<u8>, until: Timestamp) {
        self.put_bytes(schema::kept(until.unix_ms(), &place), Vec::new());
        self.put_bytes(place, value);
    }

    /// Time at which an entry is removed, if the entry exists.
    fn until(&mut self, place: &[u8]) -> Result<Option<Timestamp>, EngineError> {
        Ok(if place.starts_with(schema::DELETED) {
            self.get::<Deleted>(place)?.map(|deleted| deleted.until)
        } else {
            self.get::<Repeatable>(place)?.map(|request| request.until)
        })
    }

    /// Removes a TTL entry before its time.
    pub(in crate::engine) fn remove_before_ttl(&mut self, place: Vec<u8>, until: Timestamp) {
        self.delete(schema::kept(until.unix_ms(), &place));
        self.delete(place);
    }
}

/// Whether any TTL entry is due.
pub(in crate::engine) fn is_due(store: &dyn Store, now: Timestamp) -> Result<bool, StoreError> {
    let first = store.scan(schema::KEPT, None, 1)?;
    Ok(first
        .first()
        .and_then(|entry| schema::kept_until(&entry.key))
        .is_some_and(|(until, _)| until <= now.unix_ms()))
}

/// Removes some of the due entries. Callers see no difference, so no audit event is written.
pub(in crate::engine) fn write(tx: &mut Transaction<'_>) -> Result<(), EngineError> {
    let now = tx.now().unix_ms();
    for entry in tx.scan(schema::KEPT, None, limits::WRITE_BEHIND_ENTRIES_MAX)? {
        match schema::kept_until(&entry.key) {
            Some((until, place)) if until <= now => {
                // The entry may have been written again with a later time.
                if tx.until(place)?.is_none_or(|until| until.unix_ms() <= now) {
                    tx.delete(place.to_vec());
                }
            }
            Some(_) | None => break,
        }
        tx.delete(entry.key);
    }
    Ok(())
}
