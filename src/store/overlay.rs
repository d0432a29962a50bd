//! Overlay: entries that override stored ones, so that a store hides writes until they are durable.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Entry, StoreError};

/// Entries that override those of an underlying reader; `None` means that the key does not exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay {
    entries: BTreeMap<Vec<u8>, Option<Entry>>,
}

impl Overlay {
    /// Returns the override of `key`; `None` when it has none.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<&Entry>> {
        self.entries.get(key).map(Option::as_ref)
    }

    /// Overrides `key`.
    pub(super) fn insert(&mut self, key: &[u8], entry: Option<Entry>) {
        self.entries.insert(key.to_vec(), entry);
    }

    /// Removes all overrides.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Overrides of keys under `prefix` after `after`, in ascending order.
    pub(super) fn range<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
    ) -> impl Iterator<Item = (&'a [u8], Option<Entry>)> {
        let range = self.entries.range::<[u8], _>((start(prefix, after), Bound::Unbounded));
        let under = range.take_while(move |(key, _)| key.starts_with(prefix));
        under.map(|(key, entry)| (key.as_slice(), entry.clone()))
    }
}

/// Merges `below`, entries in ascending order, with their overrides `above`, also in ascending order; at most `limit`
/// entries.
///
/// # Errors
/// The first error of `below` that comes before the page is full.
pub(super) fn merge<'a>(
    above: impl Iterator<Item = (&'a [u8], Option<Entry>)>,
    below: impl Iterator<Item = Result<Entry, StoreError>>,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let (mut above, mut below) = (above.peekable(), below.peekable());
    let mut merged = Vec::new();
    while merged.len() < limit {
        let order = match (above.peek(), below.peek()) {
            (_, Some(Err(_))) | (None, Some(_)) => Ordering::Greater,
            (Some((key, _)), Some(Ok(entry))) => (*key).cmp(&entry.key),
            (Some(_), None) => Ordering::Less,
            (None, None) => break,
        };
        let overridden = if order.is_ge() { below.next().transpose()? } else { None };
        if order.is_gt() {
            merged.extend(overridden);
        } else {
            merged.extend(above.next().and_then(|(_, entry)| entry));
        }
    }
    Ok(merged)
}

/// Bound at which a scan of `prefix` after `after` starts.
pub(super) fn start<'a>(prefix: &'a [u8], after: Option<&'a [u8]>) -> Bound<&'a [u8]> {
    after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded)
}
