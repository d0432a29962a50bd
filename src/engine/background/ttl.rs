//! What is kept for a while only: deleted keys that may come back, and requests that may be repeated.

use crate::clock::Timestamp;
use crate::engine::EngineError;
use crate::engine::commit::Transaction;
use crate::limits;
use crate::store::codec::{Deleted, Repeatable};
use crate::store::{Store, StoreError, schema};

impl Transaction<'_> {
    /// Writes an entry that goes by itself at `until`.
    pub(in crate::engine) fn keep(&mut self, place: Vec<u8>, value: Vec<u8>, until: Timestamp) {
        self.put_bytes(schema::kept(until.unix_ms(), &place), Vec::new());
        self.put_bytes(place, value);
    }

    /// How long an entry is kept, if it is there.
    fn until(&mut self, place: &[u8]) -> Result<Option<Timestamp>, EngineError> {
        Ok(if place.starts_with(schema::DELETED) {
            self.get::<Deleted>(place)?.map(|deleted| deleted.until)
        } else {
            self.get::<Repeatable>(place)?.map(|request| request.until)
        })
    }

    /// Removes such an entry before its time.
    pub(in crate::engine) fn remove_before_ttl(&mut self, place: Vec<u8>, until: Timestamp) {
        self.delete(schema::kept(until.unix_ms(), &place));
        self.delete(place);
    }
}

/// Whether the time of any entry is over.
pub(in crate::engine) fn is_due(store: &dyn Store, now: Timestamp) -> Result<bool, StoreError> {
    let first = store.scan(schema::KEPT, None, 1)?;
    Ok(first
        .first()
        .and_then(|entry| schema::kept_until(&entry.key))
        .is_some_and(|(until, _)| until <= now.unix_ms()))
}

/// Removes entries whose time is over, some of them. Changes nothing that a caller can see, so it has no audit event.
pub(in crate::engine) fn write(tx: &mut Transaction<'_>) -> Result<(), EngineError> {
    let now = tx.now().unix_ms();
    for entry in tx.scan(schema::KEPT, None, limits::WRITE_BEHIND_ENTRIES_MAX)? {
        match schema::kept_until(&entry.key) {
            Some((until, place)) if until <= now => {
                // It may have been written anew, to be kept for longer.
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
