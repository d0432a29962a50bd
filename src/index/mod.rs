//! The hot index: every key in memory, for `verify` alone. Never the truth, always rebuilt from it.
//!
//! A plain key takes one slot of 48 bytes; tables are at most 82 % full. Keys with an allowlist, a rate limit or a
//! grace period have their record out of line as well.
//!
//! **Readers** take no lock and write nothing but the uses they count. **The writer** publishes a change after it is
//! durable and before it is answered: each change is one atomic store. **Not ready** means that the index says nothing
//! and the store has to be asked: while it is built, and after a change could not be published.

mod addresses;
mod memory;
mod owners;
mod prefetch;
mod rates;
mod segments;
mod slot;
mod table;
mod uses;

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use thiserror::Error;

pub use rates::{OverLimit, Rates};

use self::addresses::Addresses;
use self::owners::Owners;
use self::segments::{Segments, Shared};
use self::slot::{Content, Fingerprint, KEYSPACES, KeyspaceNumber, Rights, Slot};
use self::table::{Place, Table};
use self::uses::{Noted, Uses};
use crate::clock::Timestamp;
use crate::key::{
    HotRecord, HotView, KeyId, KeyTrace, KeyspaceName, Locator, Owner, OwnerStanding, Usage, Use, UserId,
};

/// The index has no room for a change. It says nothing from now on, until it is loaded again.
#[derive(Debug, Error)]
#[error("the hot index has no room: {0}")]
pub struct IndexError(#[from] io::Error);

/// One change, already durable.
#[derive(Clone, Debug)]
pub enum Published {
    /// The key with this trace is as the record says.
    Key(KeyTrace, HotRecord),
    /// No key has this trace any more.
    NoKey(KeyTrace),
    /// The user is as this says.
    Owner(UserId, Owner),
    /// There is no such user any more.
    NoOwner(UserId),
}

/// All keys and their owners, by the traces of the keys' secrets.
pub struct HotIndex {
    shared: Shared,
    out_of_line: papaya::HashMap<(u64, u64), Arc<HotRecord>>,
    keyspaces: [OnceLock<KeyspaceName>; KEYSPACES],
    owners: Owners,
    addresses: Addresses,
    /// Keys that lie out of line without a slot, because too many share their locator.
    spilled: AtomicUsize,
    /// Odd while the index is ready. Changes whenever what was read from it may have been incomplete.
    epoch: AtomicU64,
    writer: Mutex<Writer>,
}

struct Writer {
    segments: Segments,
    /// What was published since loading began: newer than whatever is loaded. `None` when nothing is loaded.
    newer: Option<Newer>,
}

#[derive(Default)]
struct Newer {
    keys: HashSet<(u64, u64)>,
    owners: HashSet<UserId>,
}

/// How far one look for uses through the whole index is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pass {
    table: usize,
    mark: usize,
}

/// What came of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// There is such a key, and it was looked at.
    Found,
    /// There is none.
    Absent,
    /// The index cannot say: ask the store.
    Unready,
}

/// A key that was found, while it is looked at.
pub struct Found<'a> {
    /// What decides about it.
    pub record: HotView<'a>,
    /// What decides about its owner; `None` when there is none any more.
    pub owner: Option<OwnerStanding>,
    index: &'a HotIndex,
    table: &'a Table,
    fingerprint: Fingerprint,
    /// `None` for a key without a slot.
    place: Option<Place<'a>>,
}

impl Found<'_> {
    /// Counts a use. Answers how many are to be counted elsewhere because the index cannot hold more, this one
    /// included: mostly none.
    #[inline]
    pub fn note_use(&self, now: Timestamp, from: Option<IpAddr>) -> u32 {
        let Some(place) = self.place else { return 1 };
        let noted = self.table.note_use(place, now);
        if let Some(from) = from {
            self.index.addresses.note(self.fingerprint, from);
        }
        match noted {
            Noted::Here => 0,
            Noted::Elsewhere(count) => count,
        }
    }
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
            out_of_line: papaya::HashMap::new(),
            keyspaces: [const { OnceLock::new() }; KEYSPACES],
            owners: Owners::new(),
            addresses: Addresses::default(),
            spilled: AtomicUsize::new(0),
            epoch: AtomicU64::new(0),
            writer: Mutex::new(Writer { segments, newer: None }),
        })
    }

    /// Whether it knows every key.
    pub fn is_ready(&self) -> bool {
        ready(self.epoch.load(Ordering::SeqCst))
    }

    /// Has the processor fetch what [`HotIndex::look_up`] will look at for a key with this locator. Changes nothing.
    #[inline]
    pub fn prefetch(&self, locator: Locator) {
        self.shared.with(|tables| {
            if let Some(table) = tables.of(locator) {
                table.prefetch(locator);
            }
        });
        self.addresses.prefetch(locator);
    }

    /// Hands the key with this trace to `then`, if there is one.
    ///
    /// # Security
    /// Takes no lock and never waits. A trace that is not there costs no more than one that is.
    #[inline]
    pub fn look_up(&self, trace: &KeyTrace, then: impl FnOnce(&Found<'_>)) -> Looked {
        let epoch = self.epoch.load(Ordering::Acquire);
        if !ready(epoch) {
            return Looked::Unready;
        }
        let fingerprint = Fingerprint::of(trace);
        self.shared.with(|tables| {
            let Some(table) = tables.of(fingerprint.locator()) else { return Looked::Unready };
            let Ok(seen) = table.read(fingerprint) else { return Looked::Unready };
            let out_of_line;
            let record = match &seen {
                Some(seen) if seen.content.rights != Rights::OUT_OF_LINE => self.plain(&seen.content),
                None if self.spilled.load(Ordering::Acquire) == 0 => None,
                _ => {
                    out_of_line = self.out_of_line.pin();
                    out_of_line.get(&fingerprint.words()).map(|record| record.view())
                }
            };
            let owner = record.and_then(|record| self.owners.standing(record.owner));
            // Unless what was read since may have been incomplete.
            if self.epoch.load(Ordering::Acquire) != epoch {
                return Looked::Unready;
            }
            match (record, seen.map(|seen| seen.place)) {
                (Some(record), place) => {
                    then(&Found { record, owner, index: self, table, fingerprint, place });
                    Looked::Found
                }
                (None, None) => Looked::Absent,
                // Not there any more: the key changed this moment. The store knows how.
                (None, Some(_)) => Looked::Unready,
            }
        })
    }

    /// The record of a slot that holds all of it.
    #[inline]
    fn plain(&self, content: &Content) -> Option<HotView<'_>> {
        let Content { id, rights, owner, .. } = *content;
        let keyspace = self.keyspaces.get(usize::from(rights.keyspace()))?.get()?;
        let (owner, standing) = (UserId(owner.into()), rights.standing()?);
        Some(HotView::plain(id, keyspace, owner, rights.level(), standing, rights.expiry()))
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
            self.apply(&mut writer.segments, change)
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
        self.out_of_line.pin().clear();
        self.spilled.store(0, Ordering::Release);
        self.owners.clear();
        writer.newer = Some(Newer::default());
        writer.segments.clear().map_err(|error| self.fail(&mut writer, error))
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
        let Writer { segments, newer } = &mut *writer;
        let older = |change: &Published| newer.as_ref().is_some_and(|newer| !newer.has(change));
        let loaded = read.into_iter().filter(older).try_for_each(|change| self.apply(segments, change));
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
        self.writer().segments.tables().all().map(|table| table.live()).sum()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The uses of the key with this trace that were not taken yet.
    pub fn uses_of(&self, trace: &KeyTrace, now: Timestamp) -> Usage {
        let fingerprint = Fingerprint::of(trace);
        self.shared.with(|tables| {
            let found = tables.of(fingerprint.locator()).and_then(|table| table.find(fingerprint));
            let usage = |slot: &Slot| self.usage(fingerprint, Uses::load(slot.uses()), now);
            found.map_or_else(Usage::default, |(_, slot)| usage(slot))
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
            while let Some((at, slots)) = table.take_marked(pass.mark) {
                pass.mark = at + 1;
                let used = |slot: &&Slot| !slot.is_free() && Uses::load(slot.uses()).count() > 0;
                taken.extend(slots.iter().filter(used).map(|slot| {
                    let (content, uses) = (slot.content(), Uses::take(slot.uses()));
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

    fn apply(&self, segments: &mut Segments, change: Published) -> io::Result<()> {
        match change {
            Published::Key(trace, record) => self.put(segments, &trace, record),
            Published::NoKey(trace) => {
                self.remove(segments, &trace);
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

    fn put(&self, segments: &mut Segments, trace: &KeyTrace, record: HotRecord) -> io::Result<()> {
        let fingerprint = Fingerprint::of(trace);
        let tables = segments.tables();
        let found = tables.of(fingerprint.locator()).and_then(|table| table.find(fingerprint));
        let (id, owner) = (record.id, u32::try_from(record.owner.0).unwrap_or_default());
        let rights = Rights::of(&record, self.keyspace_number(&record.keyspace));
        let rest = self.out_of_line.pin();
        let spilled = found.is_none() && rest.contains_key(&fingerprint.words());
        let record = Arc::new(record);
        if spilled || rights == Rights::OUT_OF_LINE {
            // Before a slot says that it is there.
            rest.insert(fingerprint.words(), Arc::clone(&record));
        }
        match found {
            Some((_, slot)) => {
                slot.set_rights(rights);
                if rights != Rights::OUT_OF_LINE {
                    rest.remove(&fingerprint.words());
                }
            }
            None if spilled || segments.insert(Content { fingerprint, id, rights, owner })? => {}
            None => {
                rest.insert(fingerprint.words(), record);
                self.spilled.fetch_add(1, Ordering::Release);
            }
        }
        Ok(())
    }

    fn remove(&self, segments: &mut Segments, trace: &KeyTrace) {
        let fingerprint = Fingerprint::of(trace);
        let slot = segments.remove(fingerprint);
        let removed = self.out_of_line.pin().remove(&fingerprint.words()).is_some();
        if removed && !slot {
            self.spilled.fetch_sub(1, Ordering::Release);
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
            Published::Key(trace, _) | Published::NoKey(trace) => {
                self.keys.insert(Fingerprint::of(trace).words());
            }
            Published::Owner(id, _) | Published::NoOwner(id) => {
                self.owners.insert(*id);
            }
        }
    }

    fn has(&self, change: &Published) -> bool {
        match change {
            Published::Key(trace, _) | Published::NoKey(trace) => {
                self.keys.contains(&Fingerprint::of(trace).words())
            }
            Published::Owner(id, _) | Published::NoOwner(id) => self.owners.contains(id),
        }
    }
}
