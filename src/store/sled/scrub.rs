//! Background integrity scan of a large store, page by page while it is open: compares its entries with the store digest.

use std::ops::Bound;

use sled::Db;

use crate::limits;
use crate::store::{StoreError, schema};

use super::guarded;
use super::scrub_totals::ScrubTotals;
use super::store_digest::StoreDigest;

/// Progress of the scan.
///
/// `last` divides the keyspace: keys up to it are in `counted`, later keys are not yet. A commit adjusts `counted` only
/// for keys up to `last`.
#[derive(Clone, Debug, Default)]
pub(super) struct Scrub {
    /// Key of the last entry that was counted.
    last: Vec<u8>,
    counted: ScrubTotals,
}

impl Scrub {
    /// Adjusts the totals by one write of a commit. The caller keeps the result only once the commit is durable.
    pub(super) fn replace(&mut self, key: &[u8], before: Option<u64>, after: Option<u64>) {
        if key <= self.last.as_slice() {
            self.counted.digest.replace(before, after);
        }
    }

    /// Counts one page of entries; returns `false` when all entries are counted and agree with `digest`.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not, or cannot be read; [`StoreError::Io`], and nothing was counted.
    pub(super) fn page(&mut self, database: &Db, digest: StoreDigest) -> Result<bool, StoreError> {
        let mut entries = guarded("counting", || {
            Ok(database.range::<&[u8], _>((Bound::Excluded(self.last.as_slice()), Bound::Unbounded)))
        })?;
        let mut next = Self::clone(self);
        for _ in 0..limits::SCRUB_PAGE {
            let entry = guarded("counting", || entries.next().transpose());
            let Some((key, sealed)) = entry.map_err(|error| next.unreadable(error))? else {
                *self = next;
                if self.counted.agrees(digest) {
                    return Ok(false);
                }
                return Err(StoreError::Missing { report: self.counted.report(digest) });
            };
            let added = next.counted.add(schema::LAYOUT, &key, &sealed);
            added.map_err(|error| next.unreadable(error))?;
            next.last = key.to_vec();
        }
        *self = next;
        Ok(true)
    }

    /// An entry that can never be read counts as missing; an I/O error may pass.
    fn unreadable(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Io { .. } => error,
            other => {
                StoreError::Missing { report: format!("behind {}: {other}", schema::printable(&self.last)) }
            }
        }
    }
}
