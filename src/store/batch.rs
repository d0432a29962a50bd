//! Input of a commit and output of a read: batches and entries.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::limits;

use super::overlay::{merge, start};
use super::{Store, StoreError, paged, schema};

/// Number of a commit: 1 for the first, then rising. Also the version of every value that commit wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The commit after this one.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One stored entry as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Key in the store.
    pub key: Vec<u8>,
    /// Value without the store's envelope.
    pub value: Vec<u8>,
    /// The commit that wrote it.
    pub version: Revision,
}

/// Expected state of a key when a batch is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The key does not exist.
    Absent,
    /// The key exists, last written by this commit.
    Version(Revision),
}

/// Expectations and writes that apply together or not at all.
///
/// A second write of a key in one batch replaces the first; a second expectation of a key is ignored, because
/// the first is the one that was read before any write.
///
/// ```
/// use keyward::store::{Batch, MemoryStore, Store};
/// let store = MemoryStore::new();
/// let mut batch = Batch::default();
/// batch.expect_absent(b"n/test");
/// batch.put(b"n/test", b"1");
/// store.commit(batch.clone())?;
/// assert!(store.commit(batch).is_err(), "it is not absent any more");
/// # Ok::<(), keyward::store::StoreError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    expectations: BTreeMap<Vec<u8>, Expectation>,
    writes: BTreeMap<Vec<u8>, Write>,
}

/// Write of a batch to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Write {
    /// Writes a key that the caller asserts to be new.
    Insert(Vec<u8>),
    /// Writes a key, new or not.
    Put(Vec<u8>),
    Delete,
}

impl Write {
    fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Insert(value) | Self::Put(value) => Some(value),
            Self::Delete => None,
        }
    }

    fn into_value(self) -> Option<Vec<u8>> {
        match self {
            Self::Insert(value) | Self::Put(value) => Some(value),
            Self::Delete => None,
        }
    }

    /// Combines this write with a later one. An insert stays an insert.
    fn then(&self, later: Self) -> Self {
        match (self, later) {
            (Self::Insert(_), Self::Insert(value) | Self::Put(value)) => Self::Insert(value),
            (Self::Put(_) | Self::Delete, Self::Insert(value) | Self::Put(value)) => Self::Put(value),
            (_, Self::Delete) => Self::Delete,
        }
    }
}

impl Batch {
    /// The batch applies only if `key` meets `expectation`.
    pub fn expect(&mut self, key: impl Into<Vec<u8>>, expectation: Expectation) {
        self.expectations.entry(key.into()).or_insert(expectation);
    }

    /// The batch applies only if there is no `key`.
    pub fn expect_absent(&mut self, key: impl Into<Vec<u8>>) {
        self.expect(key, Expectation::Absent);
    }

    /// Writes `value` at `key`.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.write(key.into(), Write::Put(value.into()));
    }

    /// Writes `value` at `key`, which the caller asserts to be new, such as a random id. Saves the store a read of the old
    /// value; readers hide the entry by its revision until it is durable.
    ///
    /// A store may check this and answer [`StoreError::Conflict`]; debug builds do. Without the check, inserting an existing
    /// key makes the store digest wrong, and the next open may refuse with [`StoreError::Missing`].
    pub fn insert(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.write(key.into(), Write::Insert(value.into()));
    }

    /// Removes `key`, if it exists.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.write(key.into(), Write::Delete);
    }

    fn write(&mut self, key: Vec<u8>, write: Write) {
        let write = match self.writes.get(&key) {
            Some(earlier) => earlier.then(write),
            None => write,
        };
        self.writes.insert(key, write);
    }

    /// Every expectation, in key order.
    pub fn expectations(&self) -> impl Iterator<Item = (&[u8], Expectation)> {
        self.expectations.iter().map(|(key, expectation)| (key.as_slice(), *expectation))
    }

    /// Every write in key order; `None` removes.
    pub fn writes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.writes.iter().map(|(key, write)| (key.as_slice(), write.value()))
    }

    /// Whether the caller asserts that `key` is new.
    pub(super) fn asserts_new(&self, key: &[u8]) -> bool {
        matches!(self.writes.get(key), Some(Write::Insert(_)))
    }

    /// Adds the expectations and writes of `later`; its write of a key replaces an earlier one.
    pub(crate) fn absorb(&mut self, later: Self) {
        for (key, expectation) in later.expectations {
            self.expectations.entry(key).or_insert(expectation);
        }
        for (key, write) in later.writes {
            self.write(key, write);
        }
    }

    /// Whether the batch writes nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Refuses a batch that may not apply; `version` answers which commit wrote a key, `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when a write is one that no store takes, [`StoreError::Conflict`] when an
    /// expectation does not hold, and every error of `version`.
    pub(super) fn check<'a>(
        &'a self,
        mut version: impl FnMut(&'a [u8]) -> Result<Option<Revision>, StoreError>,
    ) -> Result<(), StoreError> {
        for (key, value) in self.writes() {
            let why = if schema::is_own(key) {
                "the store keeps this entry itself"
            } else if key.len() > limits::STORE_KEY_BYTES_MAX {
                "the key is too long"
            } else if value.is_some_and(|value| value.len() > limits::STORE_VALUE_BYTES_MAX) {
                "the value is too long"
            } else {
                continue;
            };
            return Err(StoreError::Refused { place: schema::printable(key), why });
        }
        if cfg!(debug_assertions) {
            for (key, _) in self.writes().filter(|(key, _)| self.asserts_new(key)) {
                if version(key)?.is_some() {
                    return Err(StoreError::Conflict { place: schema::printable(key) });
                }
            }
        }
        for (key, expectation) in self.expectations() {
            let expected = match expectation {
                Expectation::Absent => None,
                Expectation::Version(version) => Some(version),
            };
            if version(key)? != expected {
                return Err(StoreError::Conflict { place: schema::printable(key) });
            }
        }
        Ok(())
    }

    /// The batch as the change that commit `revision` makes of it.
    pub(super) fn into_change(self, revision: Revision) -> Change {
        Change {
            revision,
            writes: self.writes.into_iter().map(|(key, write)| (key, write.into_value())).collect(),
        }
    }

    /// Expected state of `key`; `None` when the batch expects nothing of it.
    pub(crate) fn expected(&self, key: &[u8]) -> Option<Expectation> {
        self.expectations.get(key).copied()
    }

    /// Value that the batch writes at `key`: `Some(None)` when it removes the entry, `None` when it does not write it.
    pub(crate) fn written(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.writes.get(key).map(Write::value)
    }

    /// Scans `store` as if the batch had been committed; arguments and answer as [`Store::scan`], but for the
    /// versions of what the batch writes, which are not known yet.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub(crate) fn scan_over(
        &self,
        store: &dyn Store,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let below = paged(after, |after, limit| store.scan(prefix, after, limit));
        let range = self.writes.range::<[u8], _>((start(prefix, after), Bound::Unbounded));
        let above = range.take_while(|(key, _)| key.starts_with(prefix)).map(|(key, write)| {
            let version = Revision::default();
            let entry = |value: &[u8]| Entry { key: key.clone(), value: value.to_vec(), version };
            (key.as_slice(), write.value().map(entry))
        });
        merge(above, below, limit)
    }
}

/// Changes of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The commit.
    pub revision: Revision,
    /// Writes of the commit in key order; `None` removed the key.
    pub writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::MemoryStore;

    type Writes = BTreeMap<u8, Option<u8>>;

    fn batch(writes: &Writes) -> Batch {
        let mut batch = Batch::default();
        for (key, value) in writes {
            match value {
                Some(value) => batch.put([b'k', *key], [*value]),
                None => batch.delete([b'k', *key]),
            }
        }
        batch
    }

    fn writes() -> impl Strategy<Value = Writes> {
        proptest::collection::btree_map(0..30_u8, proptest::option::of(any::<u8>()), 0..20)
    }

    fn content(entries: Vec<Entry>) -> Vec<(Vec<u8>, Vec<u8>)> {
        entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    proptest! {
        #[test]
        fn a_store_scanned_under_a_batch_is_the_store_after_the_commit(
            committed in writes(), staged in writes(), later in writes(), after in 0..30_u8, limit in 0..12_usize,
        ) {
            let (below, reference) = (MemoryStore::new(), MemoryStore::new());
            let mut whole = Batch::default();
            for store in [&below, &reference] {
                store.commit(batch(&committed)).unwrap();
            }
            for writes in [&staged, &later] {
                reference.commit(batch(writes)).unwrap();
                whole.absorb(batch(writes));
            }
            for after in [None, Some(&[b'k', after][..])] {
                let seen = whole.scan_over(&below, b"k", after, limit).unwrap();
                prop_assert_eq!(content(seen), content(reference.scan(b"k", after, limit).unwrap()));
            }
        }
    }
}
