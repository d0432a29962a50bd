//! What was counted of the entries that are stored, and whether that is what a tally says.

use crate::store::{StoreError, envelope, schema};

use super::tally::Tally;

/// Count, sum and newest revision of the entries that were counted, and which of them cannot be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) tally: Tally,
    damaged: u64,
    /// The first of these.
    at: Option<String>,
}

impl Counted {
    /// Where a tally is believed without counting.
    pub(super) fn believed(tally: Tally) -> Self {
        Self { tally, ..Self::default() }
    }

    /// Counts one more, as a store of this layout does.
    ///
    /// # Errors
    /// [`StoreError::NewerFormat`].
    pub(super) fn add(&mut self, layout: u8, key: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
        match envelope::open(key, sealed) {
            Ok(opened) => {
                if schema::is_tallied(layout, key) {
                    self.tally.replace(None, Some(opened.sum));
                }
                self.tally.revision = self.tally.revision.max(opened.version);
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
    pub(super) fn agrees(&self, expected: Tally) -> bool {
        (self.tally.count, self.tally.sum) == (expected.count, expected.sum)
    }

    /// What was expected, and what is there, in words.
    pub(super) fn report(&self, expected: Tally) -> String {
        let counted = Tally { revision: expected.revision, ..self.tally };
        let first = self.at.as_ref().map(|place| format!(", the first at {place}")).unwrap_or_default();
        format!("expected {expected}, counted {counted} and {} damaged ones{first}", self.damaged)
    }
}
