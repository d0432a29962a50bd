//! Write-behind: uses of keys, rehashed keys, auth events and due TTL entries, written once a minute.
//!
//! Writing a use takes far more work than counting it, so uses are counted in memory. A crash may lose the uses and
//! auth events of the last minute, and nothing else.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::engine::EngineError;
use crate::engine::commit::Transaction;
use crate::entropy::Entropy;
use crate::index::ScanCursor;
use crate::key::PepperRing;
use crate::limits;
use crate::store::Store;

use super::clock_doubt::ClockDoubt;
use super::hot_state::HotState;
use super::{auth_events, rehash, ttl, use_overflow};

/// Collects pending writes in bounded pieces, so that no operation waits long behind them.
pub(in crate::engine) struct WriteBehind {
    pub(in crate::engine) hot: Arc<HotState>,
    pub(in crate::engine) peppers: Arc<PepperRing>,
    pub(in crate::engine) entropy: Arc<dyn Entropy>,
    pub(in crate::engine) store: Arc<dyn Store>,
    /// Doubt about the clock: while it lasts, no TTL entry is removed.
    pub(in crate::engine) doubt: ClockDoubt,
    /// Position of the scan of the hot index.
    pub(in crate::engine) pass: ScanCursor,
    /// Time of the last complete collection.
    pub(in crate::engine) last: Timestamp,
    /// The engine stops: this is the last collection.
    pub(in crate::engine) ends: bool,
    /// The last write failed. TTL entries stay until the next collection: a damaged entry would otherwise be retried in
    /// a tight loop.
    pub(in crate::engine) failed: bool,
}

/// One piece, run as an operation.
pub(in crate::engine) type Job = Box<dyn FnMut(&mut Transaction<'_>) -> Result<(), EngineError> + Send>;

impl WriteBehind {
    /// Whether a collection is due.
    pub(in crate::engine) fn is_due(&self, now: Timestamp) -> bool {
        // A clock that was set back does not delay it.
        now >= self.last.plus_ms(limits::WRITE_BEHIND_SECONDS * 1_000)
            || now < self.last
            || self.hot.uses.are_many()
            || self.hot.rehashes.are_urgent()
    }

    /// Starts the last collection from the beginning: uses counted behind the scan's position would otherwise wait for
    /// the next one.
    pub(in crate::engine) fn end(&mut self) {
        self.pass = ScanCursor::default();
        self.ends = true;
    }

    /// Returns the next piece; `None` when everything is collected, or the store takes no writes any more.
    pub(in crate::engine) fn next(&mut self, now: Timestamp) -> Option<Job> {
        if self.store.closed().is_some() {
            // Pending writes would never be written.
            self.hot.rates.sweep(now);
            self.last = now;
            return None;
        }
        let hashes = self.hot.rehashes.take(limits::WRITE_BEHIND_ENTRIES_MAX);
        if !hashes.is_empty() {
            let (peppers, entropy) = (Arc::clone(&self.peppers), Arc::clone(&self.entropy));
            return Some(Box::new(move |tx| rehash::write(tx, &hashes, &peppers, entropy.as_ref())));
        }
        let mut used = self.hot.uses.take(limits::WRITE_BEHIND_ENTRIES_MAX);
        if used.is_empty() {
            used = self.hot.index.take_uses(now, &mut self.pass, limits::WRITE_BEHIND_ENTRIES_MAX);
        }
        let may_remove = self.doubt.clears(now) && !self.failed;
        if used.is_empty() && may_remove && ttl::is_due(self.store.as_ref(), now).unwrap_or(false) {
            return Some(Box::new(ttl::write));
        }
        if used.is_empty() {
            if let Err(error) = self.hot.auth_events.begin(self.store.as_ref(), now) {
                tracing::warn!(%error, "the audit could not be looked at: its hour begins anew");
            }
            if let Some(event) = self.hot.auth_events.take(now, self.ends) {
                return Some(Box::new(move |tx| auth_events::write(tx, &event)));
            }
            self.hot.rates.sweep(now);
            self.last = now;
            self.pass = ScanCursor::default();
            self.failed = false;
            return None;
        }
        Some(Box::new(move |tx| use_overflow::write(tx, &used)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::engine::{Engine, NewKey, NewUser, Parts};
    use crate::entropy::SeededEntropy;
    use crate::index::Found;
    use crate::key::{Actor, KeyFormat, Keyspace, Level, Role};
    use crate::store::{Batch, MemoryStore, schema};

    #[test]
    fn a_use_behind_the_look_through_the_index_is_collected_when_it_begins_anew() {
        let now = Timestamp::from_unix_ms(1_764_100_000_000);
        let (peppers, entropy) =
            (PepperRing::generate(&SeededEntropy::new(1)).unwrap(), SeededEntropy::new(2));
        let parts = Parts::new(MemoryStore::new(), peppers);
        let engine = Engine::open(Parts { clock: Arc::new(ManualClock::at(now)), ..parts }).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        let new = NewKey::new(*Keyspace::NATIVE.name(), flo, Level::READ);
        let (_, text) = engine.create_key(Actor::Operator, new).unwrap();
        let reader = engine.reader();
        let mut write_behind = WriteBehind {
            hot: Arc::clone(&reader.hot),
            peppers: Arc::clone(&reader.peppers),
            entropy: Arc::new(entropy),
            doubt: ClockDoubt::begin(Arc::clone(&reader.store), &ManualClock::at(now)),
            store: Arc::clone(&reader.store),
            pass: ScanCursor::default(),
            last: now,
            ends: false,
            failed: false,
        };
        let text = text.reveal();
        let presented = KeyFormat::Native.parse(&text).unwrap();
        let use_it = || {
            let mut noted = |found: &Found<'_>| reader.hot().count_use(found, now, None);
            reader.look_up(&presented, &mut noted).unwrap();
        };
        use_it();
        assert!(write_behind.next(now).is_some());
        use_it();
        // As when the engine stops: nothing comes after this.
        write_behind.end();
        assert!(write_behind.next(now).is_some());
        assert!(write_behind.next(now).is_none());
    }
    #[test]
    fn a_damaged_entry_whose_time_is_over_does_not_keep_an_engine_from_stopping() {
        let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::at(Timestamp::from_unix_ms(1)));
        let peppers = PepperRing::generate(&SeededEntropy::new(1)).unwrap();
        let parts = Parts::over(Arc::<MemoryStore>::clone(&store), peppers);
        let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
        let mut batch = Batch::default();
        let place = schema::request(0, &[1; 32]);
        batch.put(schema::kept(2, &place), b"");
        batch.put(place.clone(), b"junk");
        store.commit(batch).unwrap();
        clock.advance_ms(1_000);
        let (stopped, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || stopped.send(engine.stop().is_ok()));
        assert_eq!(ended.recv_timeout(std::time::Duration::from_secs(60)), Ok(true));
        assert!(store.get(&place).unwrap().is_some(), "what cannot be read is not removed");
    }
}
