//! What goes into a commit and what comes out of a read.

use std::collections::BTreeMap;

use crate::limits;

use super::{StoreError, schema};

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
    /// Its place in the keyspace.
    pub key: Vec<u8>,
    /// Its bytes, without the store's own envelope.
    pub value: Vec<u8>,
    /// The commit that wrote it.
    pub version: Revision,
}

/// What must hold of a key for a batch to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// There is no such key.
    Absent,
    /// The key is there, last written by this commit.
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
/// store.commit(&batch)?;
/// assert!(store.commit(&batch).is_err(), "it is not absent any more");
/// # Ok::<(), keyward::store::StoreError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    expectations: BTreeMap<Vec<u8>, Expectation>,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Batch {
    /// The batch applies only if `key` meets `expectation`.
    pub fn expect(&mut self, key: &[u8], expectation: Expectation) {
        self.expectations.entry(key.to_vec()).or_insert(expectation);
    }

    /// The batch applies only if there is no `key`.
    pub fn expect_absent(&mut self, key: &[u8]) {
        self.expect(key, Expectation::Absent);
    }

    /// Writes `value` at `key`.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.writes.insert(key.to_vec(), Some(value.to_vec()));
    }

    /// Removes `key`; fine when it is not there.
    pub fn delete(&mut self, key: &[u8]) {
        self.writes.insert(key.to_vec(), None);
    }

    /// Every expectation, in key order.
    pub fn expectations(&self) -> impl Iterator<Item = (&[u8], Expectation)> {
        self.expectations.iter().map(|(key, expectation)| (key.as_slice(), *expectation))
    }

    /// Every write in key order; `None` removes.
    pub fn writes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.writes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// Takes over what `later` expects and writes; of one key its word is the last.
    pub(crate) fn absorb(&mut self, later: Self) {
        for (key, expectation) in later.expectations {
            self.expectations.entry(key).or_insert(expectation);
        }
        self.writes.extend(later.writes);
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
    pub(super) fn check(
        &self,
        mut version: impl FnMut(&[u8]) -> Result<Option<Revision>, StoreError>,
    ) -> Result<(), StoreError> {
        for (key, value) in self.writes() {
            let why = if schema::is_own(key) {
                "the store keeps this entry itself"
            } else if key.len() > limits::PLACE_BYTES_MAX {
                "the key is too long"
            } else if value.is_some_and(|value| value.len() > limits::VALUE_BYTES_MAX) {
                "the value is too long"
            } else {
                continue;
            };
            return Err(StoreError::Refused { place: schema::printable(key), why });
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
    pub(super) fn change(&self, revision: Revision) -> Change {
        let writes = self.writes().map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec)));
        Change { revision, writes: writes.collect() }
    }
}

/// What one commit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The commit.
    pub revision: Revision,
    /// Its writes in key order; `None` removed the key.
    pub writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}
