//! The hot index: every key in memory, for `verify` alone. Never the truth, always rebuilt from it.
//!
//! A plain key takes one slot of 56 bytes and one byte that finds it; tables are at most 92 % full. Keys with an
//! allowlist, a rate limit or a grace period have their record out of line as well.
//!
//! **Readers** take no lock and write nothing but the uses they count. **The writer** publishes a change after it is
//! durable and before it is answered: each change is one atomic store. **Not ready** means that the index says nothing
//! and the store has to be asked: while it is built, and after a change could not be published.

mod addresses;
mod memory;
mod owners;
mod rates;
mod segments;
mod slot;
mod table;

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use thiserror::Error;

pub use rates::{OverLimit, Rates};

use self::addresses::Addresses;
use self::owners::Owners;
use self::segments::{Segments, Shared, Tables};
use self::slot::{Fingerprint, KEYSPACES, KeyspaceNumber, Rights, Slot};
use self::table::Table;
use crate::clock::Timestamp;
use crate::key::{
    Allowlist, HotRecord, KeyId, KeyedHash, KeyspaceName, Owner, OwnerStanding, RateLimits, Usage, Use,
    UserId,
};

/// The index has no room for a change. It says nothing from now on, until it is loaded again.
#[derive(Debug, Error)]
#[error("the hot index has no room: {0}")]
pub struct IndexError(#[from] io::Error);

/// One change, already durable.
#[derive(Clone, Debug)]
pub enum Published {
    /// The key with this hash is as the record says.
    Key(KeyedHash, HotRecord),
    /// No key has this hash any more.
    NoKey(KeyedHash),
    /// The user is as this says.
    Owner(UserId, Owner),
    /// There is no such user any more.
    NoOwner(UserId),
}

/// All keys and their owners, by the hashes of the keys' secrets.
pub struct HotIndex {
    shared: Shared,
    out_of_line: papaya::HashMap<(u64, u64), Arc<HotRecord>>,
    keyspaces: [OnceLock<KeyspaceName>; KEYSPACES],
    owners: Owners,
    addresses: Addresses,
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

/// A key that was found, while it is looked at.
pub struct Found<'a> {
    /// What decides about it.
    pub record: &'a HotRecord,
    /// What decides about its owner; `None` when there is none any more.
    pub owner: Option<OwnerStanding>,
    slot: Place<'a>,
}

/// Where the uses of a key are counted.
struct Place<'a> {
    index: &'a HotIndex,
    table: &'a Table,
    number: usize,
    slot: &'a Slot,
}

impl Found<'_> {
    /// Counts a use. `false` when the key has just moved: count it elsewhere.
    pub fn note_use(&self, now: Timestamp, from: Option<IpAddr>) -> bool {
        let Place { index, table, number, slot } = self.slot;
        let (v4, v6) = match from {
            Some(IpAddr::V4(address)) => (Some(address), None),
            Some(IpAddr::V6(address)) => (None, Some(address)),
            None => (None, None),
        };
        if !slot.note_use(now, v4) {
            return false;
        }
        if let Some(address) = v6 {
            index.addresses.note(slot.fingerprint(), address);
        }
        table.mark(number);
        true
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
            epoch: AtomicU64::new(0),
            writer: Mutex::new(Writer { segments, newer: None }),
        })
    }

    /// Whether it knows every key.
    pub fn is_ready(&self) -> bool {
        ready(self.epoch.load(Ordering::SeqCst))
    }

    /// Hands what is known of the key with this hash to `then`. `None` when the index is not ready: ask the store.
    ///
    /// # Security
    /// Takes no lock and never waits. A hash that is not there costs less than one that is.
    pub fn look_up<R>(&self, hash: &KeyedHash, then: impl FnOnce(Option<Found<'_>>) -> R) -> Option<R> {
        let epoch = self.epoch.load(Ordering::SeqCst);
        if !ready(epoch) {
            return None;
        }
        let fingerprint = Fingerprint::of(hash);
        self.shared.with(|tables| {
            let Some(table) = tables.segment(fingerprint) else { return None };
            let found = table.find(fingerprint);
            let Some((number, slot)) = found else {
                return self.unchanged_since(epoch).then(|| then(None));
            };
            let place = Place { index: self, table, number, slot };
            let rights = slot.rights();
            let known = self.plain(slot, rights);
            match known {
                Some(record) => {
                    let owner = self.owners.standing(record.owner);
                    self.unchanged_since(epoch)
                        .then(|| then(Some(Found { record: &record, owner, slot: place })))
                }
                None if rights == Rights::NONE => self.unchanged_since(epoch).then(|| then(None)),
                None => {
                    let records = self.out_of_line.pin();
                    // Not there any more: the key changed this moment. The store knows how.
                    let record = records.get(&fingerprint.words())?;
                    let owner = self.owners.standing(record.owner);
                    self.unchanged_since(epoch).then(|| then(Some(Found { record, owner, slot: place })))
                }
            }
        })
    }

    fn unchanged_since(&self, epoch: u64) -> bool {
        self.epoch.load(Ordering::SeqCst) == epoch
    }

    /// The record of a slot that holds all of it.
    fn plain(&self, slot: &Slot, rights: Rights) -> Option<HotRecord> {
        let standing = rights.standing().filter(|_| rights != Rights::NONE)?;
        Some(HotRecord {
            id: slot.id(),
            keyspace: *self.keyspaces.get(usize::from(rights.keyspace()))?.get()?,
            owner: UserId(slot.owner().into()),
            level: rights.level(),
            standing,
            expiry: rights.expiry(),
            allowlist: Allowlist::Anyone,
            rate_limits: RateLimits::none(),
        })
    }

    /// What is known of a user; `None` when there is no such user, or the index is not ready.
    pub fn owner(&self, id: UserId) -> Option<Arc<Owner>> {
        self.owners.get(id)
    }

    /// Makes changes visible, in their order. Answers with the uses of what they removed that were not taken yet: a
    /// key that only lost one of its secrets still wants them written.
    ///
    /// # Errors
    /// [`IndexError`] when there is no room for one: the index is not ready any more.
    pub fn publish(
        &self,
        changes: impl IntoIterator<Item = Published>,
        now: Timestamp,
    ) -> Result<Vec<(KeyId, Usage)>, IndexError> {
        let mut writer = self.writer();
        let mut left = Vec::new();
        let published = changes.into_iter().try_for_each(|change| {
            if let Some(newer) = &mut writer.newer {
                newer.note(&change);
            }
            if let Published::NoKey(hash) = &change {
                left.extend(self.remove(&writer.segments.tables(), hash, now));
            }
            self.add(&mut writer.segments, change)
        });
        published.map_err(|error| self.fail(&mut writer, error))?;
        Ok(left)
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
        let loaded = read.into_iter().filter(older).try_for_each(|change| self.add(segments, change));
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

    /// How many hashes it knows.
    pub fn len(&self) -> usize {
        let live = |slot: &&Slot| slot.rights() != Rights::NONE;
        let tables = self.writer().segments.tables();
        tables.all().map(|table| table.filled().filter(live).count()).sum()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The uses of the key with this hash that were not taken yet.
    pub fn uses_of(&self, hash: &KeyedHash, now: Timestamp) -> Usage {
        let fingerprint = Fingerprint::of(hash);
        self.shared.with(|tables| {
            let found = tables.segment(fingerprint).and_then(|table| table.find(fingerprint));
            found.map_or_else(Usage::default, |(_, slot)| self.usage(slot, slot.uses(), now))
        })
    }

    /// Takes uses away to write them, of `limit` keys or a few more; fewer mean that none is left.
    pub fn take_uses(&self, now: Timestamp, limit: usize) -> Vec<(KeyId, Usage)> {
        // Nothing moves meanwhile.
        let writer = self.writer();
        let tables = writer.segments.tables();
        let mut taken = Vec::new();
        for table in tables.all() {
            let mut from = 0;
            while taken.len() < limit
                && let Some((at, slots)) = table.take_marked(from)
            {
                from = at + 1;
                let used = slots.iter().filter(|slot| slot.uses().count() > 0);
                taken.extend(used.map(|slot| (slot.id(), self.usage(slot, slot.take_uses(), now))));
            }
        }
        taken
    }

    fn usage(&self, slot: &Slot, uses: slot::Tally, now: Timestamp) -> Usage {
        let v6 = || self.addresses.of(slot.fingerprint()).map(IpAddr::from);
        let last = || Use { at: uses.time(now), from: slot.from().or_else(v6) };
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

    fn add(&self, segments: &mut Segments, change: Published) -> io::Result<()> {
        match change {
            Published::Key(hash, record) => self.put(segments, &hash, record),
            // Removed where it is published; nothing that is loaded says so.
            Published::NoKey(_) => Ok(()),
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

    fn put(&self, segments: &mut Segments, hash: &KeyedHash, record: HotRecord) -> io::Result<()> {
        let fingerprint = Fingerprint::of(hash);
        let tables = segments.tables();
        let found = tables.segment(fingerprint).and_then(|table| table.find(fingerprint));
        let (id, owner) = (record.id, u32::try_from(record.owner.0).unwrap_or_default());
        let rights = Rights::of(&record, self.keyspace_number(&record.keyspace));
        let rest = self.out_of_line.pin();
        if rights == Rights::OUT_OF_LINE {
            // Before the slot says that it is there.
            rest.insert(fingerprint.words(), Arc::new(record));
        }
        match found {
            Some((_, slot)) => slot.set_rights(rights),
            None => segments.insert(fingerprint, |slot| slot.fill(fingerprint, id, owner, rights))?,
        }
        if rights != Rights::OUT_OF_LINE {
            rest.remove(&fingerprint.words());
        }
        Ok(())
    }

    /// Removes a hash; answers with its uses that were not taken yet.
    fn remove(&self, tables: &Tables, hash: &KeyedHash, now: Timestamp) -> Option<(KeyId, Usage)> {
        let fingerprint = Fingerprint::of(hash);
        let (_, slot) = tables.segment(fingerprint).and_then(|table| table.find(fingerprint))?;
        slot.set_rights(Rights::NONE);
        let uses = slot.close();
        self.out_of_line.pin().remove(&fingerprint.words());
        (uses.count() > 0).then(|| (slot.id(), self.usage(slot, uses, now)))
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
            Published::Key(hash, _) | Published::NoKey(hash) => {
                self.keys.insert(Fingerprint::of(hash).words());
            }
            Published::Owner(id, _) | Published::NoOwner(id) => {
                self.owners.insert(*id);
            }
        }
    }

    fn has(&self, change: &Published) -> bool {
        match change {
            Published::Key(hash, _) | Published::NoKey(hash) => {
                self.keys.contains(&Fingerprint::of(hash).words())
            }
            Published::Owner(id, _) | Published::NoOwner(id) => self.owners.contains(id),
        }
    }
}
