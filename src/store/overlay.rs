//! Entries that stand in front of a store: what is not durable yet, or not committed yet.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::iter::from_fn;
use std::ops::Bound;

use crate::limits;

use super::{Batch, Entry, Revision, Store, StoreError};

/// Keys that override what an underlying reader says of them; `None` means there is no such key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    entries: BTreeMap<Vec<u8>, Option<Entry>>,
}

impl Overlay {
    /// What the overlay says of `key`; `None` when it says nothing.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<&Entry>> {
        self.entries.get(key).map(Option::as_ref)
    }

    /// Overrides `key`.
    pub(crate) fn insert(&mut self, key: &[u8], entry: Option<Entry>) {
        self.entries.insert(key.to_vec(), entry);
    }

    /// Shows the writes of `batch` as if commit `version` had made them.
    pub(crate) fn stage(&mut self, batch: &Batch, version: Revision) {
        for (key, value) in batch.writes() {
            self.insert(key, value.map(|value| Entry { key: key.to_vec(), value: value.to_vec(), version }));
        }
    }

    /// Overrides nothing any more.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Scans `store` through the overlay; arguments and answer as [`Store::scan`].
    ///
    /// # Errors
    /// As [`Store::get`].
    pub(crate) fn scan(
        &self,
        store: &dyn Store,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let page_size = limit.clamp(1, limits::PAGE_MAX);
        let mut cursor = after.map(<[u8]>::to_vec);
        let mut page = VecDeque::new();
        let mut more = true;
        let below = from_fn(|| {
            if page.is_empty() && more {
                match store.scan(prefix, cursor.as_deref(), page_size) {
                    Ok(next) => page.extend(next),
                    Err(error) => return Some(Err(error)),
                }
                more = page.len() == page_size;
                cursor = page.back().map(|entry: &Entry| entry.key.clone());
            }
            page.pop_front().map(Ok)
        });
        self.merge(prefix, after, limit, below)
    }

    /// Merges `below`, the underlying entries under `prefix` after `after` in ascending order, with the overlay's
    /// own; at most `limit` of them.
    ///
    /// # Errors
    /// The first error of `below` that comes before the page is full.
    pub(crate) fn merge(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
        below: impl Iterator<Item = Result<Entry, StoreError>>,
    ) -> Result<Vec<Entry>, StoreError> {
        let range = self.entries.range::<[u8], _>((start(prefix, after), Bound::Unbounded));
        let mut above = range.take_while(|(key, _)| key.starts_with(prefix)).peekable();
        let mut below = below.peekable();
        let mut merged = Vec::new();
        while merged.len() < limit {
            let order = match (above.peek(), below.peek()) {
                (_, Some(Err(_))) | (None, Some(_)) => Ordering::Greater,
                (Some((key, _)), Some(Ok(entry))) => key.as_slice().cmp(&entry.key),
                (Some(_), None) => Ordering::Less,
                (None, None) => break,
            };
            let overridden = if order.is_ge() { below.next().transpose()? } else { None };
            if order.is_gt() {
                merged.extend(overridden);
            } else {
                merged.extend(above.next().and_then(|(_, entry)| entry.clone()));
            }
        }
        Ok(merged)
    }
}

/// Where a scan of `prefix` after `after` starts.
pub(super) fn start<'a>(prefix: &'a [u8], after: Option<&'a [u8]>) -> Bound<&'a [u8]> {
    after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded)
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
                Some(value) => batch.put(&[b'k', *key], &[*value]),
                None => batch.delete(&[b'k', *key]),
            }
        }
        batch
    }

    fn writes() -> impl Strategy<Value = Writes> {
        proptest::collection::btree_map(0..30_u8, proptest::option::of(any::<u8>()), 0..20)
    }

    proptest! {
        #[test]
        fn a_store_seen_through_an_overlay_is_the_store_after_the_commit(
            committed in writes(), staged in writes(), later in writes(), after in 0..30_u8, limit in 0..12_usize,
        ) {
            let (below, reference) = (MemoryStore::new(), MemoryStore::new());
            let mut overlay = Overlay::default();
            for store in [&below, &reference] {
                store.commit(&batch(&committed)).unwrap();
            }
            for writes in [&staged, &later] {
                let version = reference.commit(&batch(writes)).unwrap();
                let mut newer = Overlay::default();
                newer.stage(&batch(writes), version);
                overlay.absorb(newer);
            }
            for key in 0..30 {
                prop_assert_eq!(overlay.read(&below, &[b'k', key]).unwrap(), reference.get(&[b'k', key]).unwrap());
            }
            for after in [None, Some(&[b'k', after][..])] {
                let seen = overlay.scan(&below, b"k", after, limit).unwrap();
                prop_assert_eq!(seen, reference.scan(b"k", after, limit).unwrap());
            }
            overlay.clear();
            prop_assert_eq!(overlay.scan(&below, b"k", None, 99).unwrap(), below.scan(b"k", None, 99).unwrap());
        }
    }
}
