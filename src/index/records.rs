//! Export of all hot records, for the index snapshot.

use super::slot::{Row, SlotContent};
use super::{Fingerprint, HotIndex};
use crate::key::{HotRecord, UserId};

impl HotIndex {
    /// Calls `each` with every record, in memory order; writers wait meanwhile. Returns `false` when the index is not ready
    /// and so does not have every record.
    ///
    /// # Errors
    /// The first error of `each`.
    pub fn records<E>(
        &self,
        mut each: impl FnMut(Fingerprint, HotRecord) -> Result<(), E>,
    ) -> Result<bool, E> {
        let writer = self.writer();
        if !self.is_ready() {
            return Ok(false);
        }
        for table in writer.segments.tables().all() {
            for row in table.filled() {
                let Some(record) = self.record(row) else { return Ok(false) };
                each(row.content().fingerprint, record)?;
            }
        }
        for (fingerprint, record) in &self.overflow.pin() {
            each(*fingerprint, record.as_ref().clone())?;
        }
        Ok(true)
    }

    fn record(&self, row: Row<'_>) -> Option<HotRecord> {
        let SlotContent { id, policy, owner, .. } = row.content();
        let Some(number) = policy.policy_id() else {
            return self.plain(id, policy, owner).map(|record| record.to_record());
        };
        self.policies.pin().get(&number).map(|policies| policies.view(id, UserId(owner.into())).to_record())
    }
}
