//! The hot index: every key in memory, for `verify` alone. The store is the truth; the index is loaded from it at start.
//!
//! A plain key takes 48 bytes; tables are at most 82 % full. Allowlists, rate limits and grace periods do not fit into a
//! slot: keys that have the same share one policy (`policies.rs`). A key is found by its locator, a number that follows
//! from its public prefix, and recognized by 96 bits of its keyed hash. The buckets are known before the text is hashed,
//! so the processor fetches them meanwhile. Each key is in one of two buckets of two slots, so a hit, a miss and a guess
//! compare the same four slots. More than four keys with one prefix, or an owner whose number takes more than 32 bits,
//! go to an overflow map.
//!
//! **Readers** take no lock and write nothing but the uses they count. **The writer** publishes a change after it is
//! durable and before it is answered: each change is one atomic store. **Not ready** means that readers have to ask the
//! store: while the index is loaded, and after a change could not be published.

mod gcra;
mod last_addresses;
mod lookup;
mod owners;
mod policies;
mod prefetch;
mod rates;
mod records;
mod segments;
mod slot;
mod table;
mod table_memory;
mod uses;

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use thiserror::Error;

pub use lookup::{Bucket, Found, Lookup, LookupVisitor};
pub use rates::{OverLimit, Rates};
pub use slot::Fingerprint;

use self::last_addresses::LastAddresses;
use self::owners::Owners;
use self::policies::{PoliciesById, Policy, PolicyTable};
use self::segments::{Segments, Shared};
use self::slot::{KEYSPACES, KeyspaceNumber, PackedPolicy, Row, SlotContent};
use self::uses::Uses;
use crate::clock::Timestamp;
use crate::key::{HotRecord, KeyId, KeyspaceName, LookupKey, Owner, Usage, Use, UserId};

/// The index has no room for a change. It is not ready until it is loaded again.
#[derive(Debug, Error)]
#[error("the hot index has no room: {0}")]
pub struct IndexError(#[from] io::Error);

/// One durable change to publish.
#[derive(Clone, Debug)]
pub enum IndexUpdate {
    /// A key was created or changed.
    Key(Fingerprint, HotRecord),
    /// A key was removed.
    NoKey(Fingerprint),
    /// A user was created or changed.
    Owner(UserId, Owner),
    /// A user was removed.
    NoOwner(UserId),
}

/// All keys, by the lookup keys of their secrets, and their owners.
pub struct HotIndex {
    shared: Shared,
    policies: PoliciesById,
    /// Keys without a slot: too many share their locator, or their owner's number does not fit into one.
    overflow: papaya::HashMap<Fingerprint, Arc<HotRecord>>,
    /// Number of keys in `overflow`; readers read it first.
    overflow_count: AtomicUsize,
    keyspaces: [OnceLock<KeyspaceName>; KEYSPACES],
    owners: Owners,
    addresses: LastAddresses,
    /// Odd while the index is ready. Changes whenever what was read from it may have been incomplete.
    epoch: AtomicU64,
    writer: Mutex<Writer>,
}

struct Writer {
    segments: Segments,
    policies: PolicyTable,
    /// Keys and users published since loading began, newer than what is loaded. `None` while nothing is loaded.
    newer: Option<PublishedWhileLoading>,
}

#[derive(Default)]
struct PublishedWhileLoading {
    keys: HashSet<Fingerprint>,
    owners: HashSet<UserId>,
}

/// Position of one pass over the index that takes uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScanCursor {
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
            policies: PoliciesById::default(),
            overflow: papaya::HashMap::new(),
            overflow_count: AtomicUsize::new(0),
            keyspaces: [const { OnceLock::new() }; KEYSPACES],
            owners: Owners::new(),
            addresses: LastAddresses::default(),
            epoch: AtomicU64::new(0),
            writer: Mutex::new(Writer { segments, policies: PolicyTable::default(), newer: None }),
        })
    }

    /// Whether the index has every key.
    pub fn is_ready(&self) -> bool {
        ready(self.epoch.load(Ordering::SeqCst))
    }

    /// Number of keys whose rate limits take more than an hour to become unused: a restart frees them at once.
    pub fn keys_limited_beyond_an_hour(&self) -> usize {
        self.writer().policies.keys_with(Policy::outlast_an_hour)
    }

    /// Returns a user; `None` when the user does not exist, or the index is not ready.
    pub fn owner(&self, id: UserId) -> Option<Arc<Owner>> {
        self.owners.get(id)
    }

    /// Publishes changes to readers, in their order.
    ///
    /// # Errors
    /// [`IndexError`] when there is no memory for one: the index is not ready any more.
    pub fn publish(&self, changes: impl IntoIterator<Item = IndexUpdate>) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let published = changes.into_iter().try_for_each(|change| {
            if let Some(newer) = &mut writer.newer {
                newer.note(&change);
            }
            self.apply(&mut writer, change)
        });
        published.map_err(|error| self.fail(&mut writer, error))
    }

    /// Makes the index not ready until it is loaded again: for a change that cannot be published.
    pub fn invalidate(&self) {
        let mut writer = self.writer();
        self.set_ready(false);
        writer.newer = None;
    }

    /// Begins loading: empties the index, which is not ready until [`HotIndex::finish_loading`].
    ///
    /// # Errors
    /// [`IndexError`] when the system gives no memory.
    pub fn begin_loading(&self) -> Result<(), IndexError> {
        let mut writer = self.writer();
        self.set_ready(false);
        self.owners.clear();
        writer.newer = Some(PublishedWhileLoading::default());
        let cleared = writer.segments.clear();
        writer.policies.clear(&self.policies);
        self.overflow.pin().clear();
        self.overflow_count.store(0, Ordering::Release);
        cleared.map_err(|error| self.fail(&mut writer, error))
    }

    /// Allocates memory for `keys` keys, which saves moving them while they are loaded.
    ///
    /// # Errors
    /// [`IndexError`] when the system gives none.
    pub fn reserve(&self, keys: usize) -> Result<(), IndexError> {
        let mut writer = self.writer();
        writer.segments.reserve(keys).map_err(|error| self.fail(&mut writer, error))
    }

    /// Adds records read from the store, but for those that were published since loading began.
    ///
    /// # Errors
    /// [`IndexError`] when there is no room.
    pub fn load(&self, read: impl IntoIterator<Item = IndexUpdate>) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let loaded = read.into_iter().try_for_each(|change| {
            let is_older = writer.newer.as_ref().is_some_and(|newer| !newer.has(&change));
            if is_older { self.apply(&mut writer, change) } else { Ok(()) }
        });
        loaded.map_err(|error| self.fail(&mut writer, error))
    }

    /// Ends loading. Returns whether the index is ready now; it is not if an update failed meanwhile.
    pub fn finish_loading(&self) -> bool {
        let mut writer = self.writer();
        let whole = writer.newer.take().is_some();
        if whole {
            self.set_ready(true);
        }
        whole
    }

    /// Number of secrets in the index.
    pub fn len(&self) -> usize {
        let tables = self.writer().segments.tables();
        tables.all().map(|table| table.live()).sum::<usize>() + self.overflow_count.load(Ordering::Acquire)
    }

    /// Whether the index is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Uses of the key with this lookup key that were not taken yet.
    pub fn uses_of(&self, key: &LookupKey, now: Timestamp) -> Usage {
        let fingerprint = Fingerprint::from(key);
        self.shared.with(|tables| {
            let found = tables.of(key.locator).find(fingerprint);
            found.map_or_else(Usage::default, |row| self.usage(fingerprint, Uses::load(row.slot.uses()), now))
        })
    }

    /// The uses of former secrets of this key that were not taken yet. Waits for the writer.
    pub fn orphaned_uses_of(&self, key: KeyId, now: Timestamp) -> Usage {
        let mut usage = Usage::default();
        let writer = self.writer();
        let orphaned = writer.segments.orphaned.iter().filter(|orphan| orphan.id == key);
        orphaned.for_each(|orphan| usage.merge(self.usage(orphan.fingerprint, orphan.uses, now)));
        usage
    }

    /// Takes uses away to write them, of `limit` keys or a few more, and moves `cursor` on; none when it is over.
    pub fn take_uses(&self, now: Timestamp, cursor: &mut ScanCursor, limit: usize) -> Vec<(KeyId, Usage)> {
        // Nothing moves meanwhile.
        let mut writer = self.writer();
        let tables = writer.segments.tables();
        let orphaned = &mut writer.segments.orphaned;
        let orphaned = orphaned.drain(orphaned.len().saturating_sub(limit)..);
        let mut taken: Vec<_> =
            orphaned.map(|orphan| (orphan.id, self.usage(orphan.fingerprint, orphan.uses, now))).collect();
        for table in tables.all().skip(cursor.table) {
            while let Some((at, rows)) = table.take_marked(cursor.mark) {
                cursor.mark = at + 1;
                let used = |row: &Row<'_>| !row.slot.is_free() && Uses::load(row.slot.uses()).count() > 0;
                taken.extend(rows.filter(used).map(|row| {
                    let (content, uses) = (row.content(), Uses::take(row.slot.uses()));
                    (content.id, self.usage(content.fingerprint, uses, now))
                }));
                if taken.len() >= limit {
                    return taken;
                }
            }
            *cursor = ScanCursor { table: cursor.table + 1, mark: 0 };
        }
        taken
    }

    fn usage(&self, key: Fingerprint, uses: Uses, now: Timestamp) -> Usage {
        let last = || Use { at: uses.time(now), from: self.addresses.of(key) };
        Usage { count: uses.count().into(), last: (uses.count() > 0).then(last) }
    }

    // A writer that panicked may have left a change half made: the index is not ready then.
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
        // A step of 2 keeps the parity and still gives a new epoch: no epoch is used twice.
        self.epoch.store(epoch + if ready(epoch) == wanted { 2 } else { 1 }, Ordering::SeqCst);
    }

    fn apply(&self, writer: &mut Writer, change: IndexUpdate) -> io::Result<()> {
        match change {
            IndexUpdate::Key(fingerprint, record) => self.put(writer, fingerprint, record),
            IndexUpdate::NoKey(fingerprint) => {
                self.remove(writer, fingerprint);
                Ok(())
            }
            IndexUpdate::Owner(id, owner) => {
                self.owners.put(id, owner);
                Ok(())
            }
            IndexUpdate::NoOwner(id) => {
                self.owners.remove(id);
                Ok(())
            }
        }
    }

    fn put(&self, writer: &mut Writer, fingerprint: Fingerprint, record: HotRecord) -> io::Result<()> {
        let overflow = self.overflow.pin();
        let Some(owner) = u32::try_from(record.owner.0).ok().filter(|_| !overflow.contains_key(&fingerprint))
        else {
            self.put_in_overflow(fingerprint, record);
            return Ok(());
        };
        let plain = PackedPolicy::of(&record, self.keyspace_number(&record.keyspace));
        let policy =
            plain.unwrap_or_else(|| PackedPolicy::shared(writer.policies.acquire(&self.policies, &record)));
        if let Some(row) = writer.segments.tables().of(fingerprint.locator()).find(fingerprint) {
            let before = row.slot.policy();
            row.slot.set_policy(policy);
            self.release_policy(writer, before);
        } else if !writer.segments.insert(SlotContent { fingerprint, id: record.id, policy, owner })? {
            self.release_policy(writer, policy);
            self.put_in_overflow(fingerprint, record);
        }
        Ok(())
    }

    fn remove(&self, writer: &mut Writer, fingerprint: Fingerprint) {
        if let Some(policy) = writer.segments.remove(fingerprint) {
            self.release_policy(writer, policy);
        } else if self.overflow.pin().remove(&fingerprint).is_some() {
            self.overflow_count.fetch_sub(1, Ordering::Release);
        }
    }

    /// Stores a key without a slot.
    fn put_in_overflow(&self, fingerprint: Fingerprint, record: HotRecord) {
        if self.overflow.pin().insert(fingerprint, Arc::new(record)).is_none() {
            self.overflow_count.fetch_add(1, Ordering::Release);
        }
    }

    /// Drops the reference of one slot to its shared policy.
    fn release_policy(&self, writer: &mut Writer, policy: PackedPolicy) {
        if let Some(number) = policy.policy_id() {
            writer.policies.release(&self.policies, number);
        }
    }

    /// Returns the number of a keyspace, a new one for a new keyspace; `None` when all numbers are used.
    fn keyspace_number(&self, name: &KeyspaceName) -> Option<KeyspaceNumber> {
        let place = self.keyspaces.iter().position(|known| known.get_or_init(|| *name) == name)?;
        KeyspaceNumber::try_from(place).ok()
    }
}

const fn ready(epoch: u64) -> bool {
    epoch % 2 == 1
}

impl PublishedWhileLoading {
    fn note(&mut self, change: &IndexUpdate) {
        match change {
            IndexUpdate::Key(fingerprint, _) | IndexUpdate::NoKey(fingerprint) => {
                self.keys.insert(*fingerprint);
            }
            IndexUpdate::Owner(id, _) | IndexUpdate::NoOwner(id) => {
                self.owners.insert(*id);
            }
        }
    }

    fn has(&self, change: &IndexUpdate) -> bool {
        match change {
            IndexUpdate::Key(fingerprint, _) | IndexUpdate::NoKey(fingerprint) => {
                self.keys.contains(fingerprint)
            }
            IndexUpdate::Owner(id, _) | IndexUpdate::NoOwner(id) => self.owners.contains(id),
        }
    }
}
