//! Counts what a large store holds while it is open, page by page, and finds whether all is there that its digest says.

use std::ops::Bound;

use sled::Db;

use crate::limits;
use crate::store::{StoreError, schema};

use super::guarded;
use super::scrub_totals::ScrubTotals;
use super::store_digest::StoreDigest;

/// How far counting is.
///
/// What lies before it is as it was counted, or as a commit has left it since; what lies behind is still to be counted.
/// So a commit changes what was counted only where it writes before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Scrub {
    /// The last entry that was counted.
    last: Vec<u8>,
    counted: ScrubTotals,
}

impl Scrub {
    /// Takes note of what a commit does, which is durable when this counts.
    pub(super) fn replace(&mut self, key: &[u8], before: Option<u64>, after: Option<u64>) {
        if key <= self.last.as_slice() {
            self.counted.digest.replace(before, after);
        }
    }

    /// Counts some more; `false` when that was all, and it is what `digest` says.
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

    /// Where counting cannot go on for ever, what was acknowledged is not there.
    fn unreadable(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Io { .. } => error,
            other => {
                StoreError::Missing { report: format!("behind {}: {other}", schema::printable(&self.last)) }
            }
        }
    }
}
