//! The hot index: every key in memory, for `verify` alone. Never the truth, made from it at every start.
//!
//! A plain key takes 48 bytes; tables are at most 82 % full. What does not fit into them, allowlists, rate limits and
//! grace periods, is kept once for all keys that have the same.
//!
//! **Readers** take no lock and write nothing but the uses they count. **The writer** publishes a change after it is
//! durable and before it is answered: each change is one atomic store. **Not ready** means that the index says nothing
//! and the store has to be asked: while it is built, and after a change could not be published.

mod addresses;
mod look_up;
mod memory;
mod owners;
mod prefetch;
mod rates;
mod records;
mod segments;
mod slot;
mod table;
mod terms;
mod uses;

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use thiserror::Error;

pub use look_up::{Found, Look, Looked, Spot};
pub use rates::{OverLimit, Rates};
pub use slot::Fingerprint;

use self::addresses::Addresses;
use self::owners::Owners;
use self::segments::{Segments, Shared};
use self::slot::{Content, KEYSPACES, KeyspaceNumber, Rights, Row};
use self::terms::{Terms, TermsByNumber, TermsNumbers};
use self::uses::Uses;
use crate::clock::Timestamp;
use crate::key::{HotRecord, KeyId, KeyTrace, KeyspaceName, Owner, Usage, Use, UserId};

/// The index has no room for a change. It says nothing from now on, until it is loaded again.
#[derive(Debug, Error)]
#[error("the hot index has no room: {0}")]
pub struct IndexError(#[from] io::Error);

/// One change, already durable.
#[derive(Clone, Debug)]
pub enum Published {
    /// The key with this fingerprint is as the record says.
    Key(Fingerprint, HotRecord),
    /// No key has this fingerprint any more.
    NoKey(Fingerprint),
    /// The user is as this says.
    Owner(UserId, Owner),
    /// There is no such user any more.
    NoOwner(UserId),
}

/// All keys and their owners, by the traces of the keys' secrets.
pub struct HotIndex {
    shared: Shared,
    terms: TermsByNumber,
    /// Keys without a slot: too many share their locator, or their owner's number does not fit into one.
    spilled: papaya::HashMap<Fingerprint, Arc<HotRecord>>,
    /// How many these are; what readers look at first.
    spilled_count: AtomicUsize,
    keyspaces: [OnceLock<KeyspaceName>; KEYSPACES],
    owners: Owners,
    addresses: Addresses,
    /// Odd while the index is ready. Changes whenever what was read from it may have been incomplete.
    epoch: AtomicU64,
    writer: Mutex<Writer>,
}

struct Writer {
    segments: Segments,
    terms: TermsNumbers,
    /// What was published since loading began: newer than whatever is loaded. `None` when nothing is loaded.
    newer: Option<Newer>,
}

#[derive(Default)]
struct Newer {
    keys: HashSet<Fingerprint>,
    owners: HashSet<UserId>,
}

/// How far one look for uses through the whole index is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pass {
    table: usize,
    mark: usize,
}

impl HotIndex {
    /// An empty index that is not ready and never has more than `slots_max` slots.
    ///
    /// # Errors
    /// [`IndexError`] when the system gives no memory at all.
    pub fn new(slots_max: usize) -> Result<Self, IndexError> {
        let segments = Segments::new(slots_max)?;
        Ok(Self {
            shared: segments.shared(),
            terms: TermsByNumber::default(),
            spilled: papaya::HashMap::new(),
            spilled_count: AtomicUsize::new(0),
            keyspaces: [const { OnceLock::new() }; KEYSPACES],
            owners: Owners::new(),
            addresses: Addresses::default(),
            epoch: AtomicU64::new(0),
            writer: Mutex::new(Writer { segments, terms: TermsNumbers::default(), newer: None }),
        })
    }

    /// Whether it knows every key.
    pub fn is_ready(&self) -> bool {
        ready(self.epoch.load(Ordering::SeqCst))
    }

    /// How many keys have rate limits of which a restart forgets more than an hour's uses.
    pub fn keys_limited_beyond_an_hour(&self) -> usize {
        self.writer().terms.keys_on(Terms::outlast_an_hour)
    }

    /// What is known of a user; `None` when there is no such user, or the index is not ready.
    pub fn owner(&self, id: UserId) -> Option<Arc<Owner>> {
        self.owners.get(id)
    }

    /// Makes changes visible, in their order.
    ///
    /// # Errors
    /// [`IndexError`] when there is no room for one: the index is not ready any more.
    pub fn publish(&self, changes: impl IntoIterator<Item = Published>) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let published = changes.into_iter().try_for_each(|change| {
            if let Some(newer) = &mut writer.newer {
                newer.note(&change);
            }
            self.apply(&mut writer, change)
        });
        published.map_err(|error| self.fail(&mut writer, error))
    }

    /// Says nothing any more, until it is loaded again: for a change that cannot be published.
    pub fn invalidate(&self) {
        let mut writer = self.writer();
        self.set_ready(false);
        writer.newer = None;
    }

    /// Begins to load everything anew: empties the index, which is not ready until [`HotIndex::finish_loading`].
    ///
    /// # Errors
    /// [`IndexError`] when the system gives no memory.
    pub fn begin_loading(&self) -> Result<(), IndexError> {
        let mut writer = self.writer();
        self.set_ready(false);
        self.owners.clear();
        writer.newer = Some(Newer::default());
        let cleared = writer.segments.clear();
        writer.terms.clear(&self.terms);
        self.spilled.pin().clear();
        self.spilled_count.store(0, Ordering::Release);
        cleared.map_err(|error| self.fail(&mut writer, error))
    }

    /// Makes room for so many keys, which saves moving them.
    ///
    /// # Errors
    /// [`IndexError`] when there is none.
    pub fn reserve(&self, keys: usize) -> Result<(), IndexError> {
        let mut writer = self.writer();
        writer.segments.reserve(keys).map_err(|error| self.fail(&mut writer, error))
    }

    /// Adds what was read from the store, unless something newer was published meanwhile.
    ///
    /// # Errors
    /// [`IndexError`] when there is no room.
    pub fn load(&self, read: impl IntoIterator<Item = Published>) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let loaded = read.into_iter().try_for_each(|change| {
            let is_older = writer.newer.as_ref().is_some_and(|newer| !newer.has(&change));
            if is_older { self.apply(&mut writer, change) } else { Ok(()) }
        });
        loaded.map_err(|error| self.fail(&mut writer, error))
    }

    /// Everything was loaded: the index is ready, unless it failed meanwhile.
    pub fn finish_loading(&self) -> bool {
        let mut writer = self.writer();
        let whole = writer.newer.take().is_some();
        if whole {
            self.set_ready(true);
        }
        whole
    }

    /// How many traces it knows.
    pub fn len(&self) -> usize {
        let tables = self.writer().segments.tables();
        tables.all().map(|table| table.live()).sum::<usize>() + self.spilled_count.load(Ordering::Acquire)
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The uses of the key with this trace that were not taken yet.
    pub fn uses_of(&self, trace: &KeyTrace, now: Timestamp) -> Usage {
        let fingerprint = Fingerprint::from(trace);
        self.shared.with(|tables| {
            let found = tables.of(trace.locator).find(fingerprint);
            found.map_or_else(Usage::default, |row| self.usage(fingerprint, Uses::load(row.slot.uses()), now))
        })
    }

    /// The uses of former secrets of this key that were not taken yet. Waits for the writer.
    pub fn uses_left(&self, key: KeyId, now: Timestamp) -> Usage {
        let mut usage = Usage::default();
        let writer = self.writer();
        let left = writer.segments.left.iter().filter(|left| left.id == key);
        left.for_each(|left| usage.merge(self.usage(left.fingerprint, left.uses, now)));
        usage
    }

    /// Takes uses away to write them, of `limit` keys or a few more, and moves `pass` on; none when it is over.
    pub fn take_uses(&self, now: Timestamp, pass: &mut Pass, limit: usize) -> Vec<(KeyId, Usage)> {
        // Nothing moves meanwhile.
        let mut writer = self.writer();
        let tables = writer.segments.tables();
        let left = &mut writer.segments.left;
        let left = left.drain(left.len().saturating_sub(limit)..);
        let mut taken: Vec<_> =
            left.map(|left| (left.id, self.usage(left.fingerprint, left.uses, now))).collect();
        for table in tables.all().skip(pass.table) {
            while let Some((at, rows)) = table.take_marked(pass.mark) {
                pass.mark = at + 1;
                let used = |row: &Row<'_>| !row.slot.is_free() && Uses::load(row.slot.uses()).count() > 0;
                taken.extend(rows.filter(used).map(|row| {
                    let (content, uses) = (row.content(), Uses::take(row.slot.uses()));
                    (content.id, self.usage(content.fingerprint, uses, now))
                }));
                if taken.len() >= limit {
                    return taken;
                }
            }
            *pass = Pass { table: pass.table + 1, mark: 0 };
        }
        taken
    }

    fn usage(&self, key: Fingerprint, uses: Uses, now: Timestamp) -> Usage {
        let last = || Use { at: uses.time(now), from: self.addresses.of(key) };
        Usage { count: uses.count().into(), last: (uses.count() > 0).then(last) }
    }

    // A writer that panicked may have left a change half made, which `fail` accounts for.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut writer = poisoned.into_inner();
            self.set_ready(false);
            writer.newer = None;
            self.writer.clear_poison();
            writer
        })
    }

    fn fail(&self, writer: &mut Writer, error: io::Error) -> IndexError {
        self.set_ready(false);
        writer.newer = None;
        IndexError(error)
    }

    fn set_ready(&self, wanted: bool) {
        let epoch = self.epoch.load(Ordering::SeqCst);
        // Two steps where one would do, so that no epoch comes again.
        self.epoch.store(epoch + if ready(epoch) == wanted { 2 } else { 1 }, Ordering::SeqCst);
    }

    fn apply(&self, writer: &mut Writer, change: Published) -> io::Result<()> {
        match change {
            Published::Key(fingerprint, record) => self.put(writer, fingerprint, record),
            Published::NoKey(fingerprint) => {
                self.remove(writer, fingerprint);
                Ok(())
            }
            Published::Owner(id, owner) => {
                self.owners.put(id, owner);
                Ok(())
            }
            Published::NoOwner(id) => {
                self.owners.remove(id);
                Ok(())
            }
        }
    }

    fn put(&self, writer: &mut Writer, fingerprint: Fingerprint, record: HotRecord) -> io::Result<()> {
        let spilled = self.spilled.pin();
        let Some(owner) = u32::try_from(record.owner.0).ok().filter(|_| !spilled.contains_key(&fingerprint))
        else {
            self.spill(fingerprint, record);
            return Ok(());
        };
        let plain = Rights::of(&record, self.keyspace_number(&record.keyspace));
        let rights = plain.unwrap_or_else(|| Rights::on_terms(writer.terms.enter(&self.terms, &record)));
        if let Some(row) = writer.segments.tables().of(fingerprint.locator()).find(fingerprint) {
            let before = row.slot.rights();
            row.slot.set_rights(rights);
            self.leave(writer, before);
        } else if !writer.segments.insert(Content { fingerprint, id: record.id, rights, owner })? {
            self.leave(writer, rights);
            self.spill(fingerprint, record);
        }
        Ok(())
    }

    fn remove(&self, writer: &mut Writer, fingerprint: Fingerprint) {
        if let Some(rights) = writer.segments.remove(fingerprint) {
            self.leave(writer, rights);
        } else if self.spilled.pin().remove(&fingerprint).is_some() {
            self.spilled_count.fetch_sub(1, Ordering::Release);
        }
    }

    /// Keeps a key without a slot.
    fn spill(&self, fingerprint: Fingerprint, record: HotRecord) {
        if self.spilled.pin().insert(fingerprint, Arc::new(record)).is_none() {
            self.spilled_count.fetch_add(1, Ordering::Release);
        }
    }

    /// No slot has these rights any more; one of those that had.
    fn leave(&self, writer: &mut Writer, rights: Rights) {
        if let Some(number) = rights.terms() {
            writer.terms.leave(&self.terms, number);
        }
    }

    /// The number of a keyspace, a new one if it has none yet; `None` when all are given out.
    fn keyspace_number(&self, name: &KeyspaceName) -> Option<KeyspaceNumber> {
        let place = self.keyspaces.iter().position(|known| known.get_or_init(|| *name) == name)?;
        KeyspaceNumber::try_from(place).ok()
    }
}

const fn ready(epoch: u64) -> bool {
    epoch % 2 == 1
}

impl Newer {
    fn note(&mut self, change: &Published) {
        match change {
            Published::Key(fingerprint, _) | Published::NoKey(fingerprint) => {
                self.keys.insert(*fingerprint);
            }
            Published::Owner(id, _) | Published::NoOwner(id) => {
                self.owners.insert(*id);
            }
        }
    }

    fn has(&self, change: &Published) -> bool {
        match change {
            Published::Key(fingerprint, _) | Published::NoKey(fingerprint) => self.keys.contains(fingerprint),
            Published::Owner(id, _) | Published::NoOwner(id) => self.owners.contains(id),
        }
    }
}
