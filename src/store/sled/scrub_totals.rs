//! Totals over counted entries, for comparison with a store digest.

use crate::store::{StoreError, envelope, schema};

use super::store_digest::StoreDigest;

/// Count, sum and newest revision of the counted entries, and the number of damaged ones.
#[derive(Clone, Debug, Default)]
pub(super) struct ScrubTotals {
    pub(super) digest: StoreDigest,
    damaged: u64,
    /// Key of the first damaged entry.
    at: Option<String>,
}

impl ScrubTotals {
    /// Returns totals equal to a digest, for an open that does not count.
    pub(super) fn believed(digest: StoreDigest) -> Self {
        Self { digest, ..Self::default() }
    }

    /// Counts one entry, by the rules of this layout.
    ///
    /// # Errors
    /// [`StoreError::NewerFormat`].
    pub(super) fn add(&mut self, layout: u8, key: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
        match envelope::open(key, sealed) {
            Ok(opened) => {
                if schema::is_in_digest(layout, key) {
                    self.digest.replace(None, Some(opened.sum));
                }
                self.digest.revision = self.digest.revision.max(opened.version);
            }
            Err(StoreError::Corrupt { place }) => {
                tracing::warn!(place, "damaged entry");
                self.damaged += 1;
                self.at.get_or_insert(place);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether no counted entry is damaged.
    pub(super) fn is_sound(&self) -> bool {
        self.damaged == 0
    }

    /// Whether count and sum are those of `expected`. A damaged entry that a recovery left behind is in neither.
    pub(super) fn agrees(&self, expected: StoreDigest) -> bool {
        (self.digest.count, self.digest.sum) == (expected.count, expected.sum)
    }

    /// Returns expected and found totals in words.
    pub(super) fn report(&self, expected: StoreDigest) -> String {
        let counted = StoreDigest { revision: expected.revision, ..self.digest };
        let first = self.at.as_ref().map(|place| format!(", the first at {place}")).unwrap_or_default();
        format!("expected {expected}, counted {counted} and {} damaged ones{first}", self.damaged)
    }
}
