//! What was counted of the entries that are stored, and whether that is what a digest says.

use crate::store::{StoreError, envelope, schema};

use super::store_digest::StoreDigest;

/// Count, sum and newest revision of the entries that were counted, and which of them cannot be read.
#[derive(Clone, Debug, Default)]
pub(super) struct ScrubTotals {
    pub(super) digest: StoreDigest,
    damaged: u64,
    /// The first of these.
    at: Option<String>,
}

impl ScrubTotals {
    /// Where a digest is believed without counting.
    pub(super) fn believed(digest: StoreDigest) -> Self {
        Self { digest, ..Self::default() }
    }

    /// Counts one more, as a store of this layout does.
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

    /// Whether everything could be read.
    pub(super) fn is_sound(&self) -> bool {
        self.damaged == 0
    }

    /// Whether count and sum are those of `expected`. One that could not be read and was recovered from is in neither.
    pub(super) fn agrees(&self, expected: StoreDigest) -> bool {
        (self.digest.count, self.digest.sum) == (expected.count, expected.sum)
    }

    /// What was expected, and what is there, in words.
    pub(super) fn report(&self, expected: StoreDigest) -> String {
        let counted = StoreDigest { revision: expected.revision, ..self.digest };
        let first = self.at.as_ref().map(|place| format!(", the first at {place}")).unwrap_or_default();
        format!("expected {expected}, counted {counted} and {} damaged ones{first}", self.damaged)
    }
}
