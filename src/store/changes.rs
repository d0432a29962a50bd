//! Changes of the newest commits, remembered for followers of the store such as a backup.

use std::collections::VecDeque;

use crate::limits;

use super::{Change, Revision, StoreError};

/// A bounded list of the newest commits, without gaps.
#[derive(Debug)]
pub(super) struct Changes {
    newest: Revision,
    /// Consecutive revisions, the last of them `newest`.
    kept: VecDeque<Change>,
    /// Sum of [`size`] over `kept`.
    bytes: usize,
}

impl Changes {
    /// An empty list that goes on after `newest`.
    pub(super) fn following(newest: Revision) -> Self {
        Self { newest, kept: VecDeque::new(), bytes: 0 }
    }

    /// The newest commit's revision.
    pub(super) fn newest(&self) -> Revision {
        self.newest
    }

    /// Adds the next commit and forgets the oldest ones over the bounds.
    pub(super) fn remember(&mut self, change: Change) {
        self.newest = change.revision;
        self.bytes += size(&change);
        self.kept.push_back(change);
        while self.kept.len() > limits::CHANGES_KEPT_MAX || self.bytes > limits::CHANGES_KEPT_BYTES_MAX {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= size(&oldest);
        }
    }

    /// At most `limit` commits after `after`, oldest first.
    pub(super) fn after(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        let missing = self.newest.0.checked_sub(after.0).and_then(|count| usize::try_from(count).ok());
        // A follower ahead of the store has followed another one, and starts anew as well.
        let forgotten = missing.and_then(|count| self.kept.len().checked_sub(count));
        let start = forgotten.ok_or(StoreError::Forgotten { after })?;
        Ok(self.kept.iter().skip(start).take(limit).cloned().collect())
    }
}

fn size(change: &Change) -> usize {
    change.writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(revision: u64, bytes: usize) -> Change {
        Change { revision: Revision(revision), writes: vec![(vec![0; bytes], None)] }
    }

    #[test]
    fn what_is_remembered_comes_in_order_and_in_pages() {
        let mut changes = Changes::following(Revision(5));
        (6..=9).for_each(|revision| changes.remember(change(revision, 1)));
        let revisions = |after, limit| -> Vec<u64> {
            changes.after(Revision(after), limit).unwrap().iter().map(|change| change.revision.0).collect()
        };
        assert_eq!(revisions(5, 9), [6, 7, 8, 9]);
        assert_eq!(revisions(6, 2), [7, 8]);
        assert!(revisions(9, 9).is_empty());
        for unknown in [4, 10] {
            assert!(matches!(changes.after(Revision(unknown), 9), Err(StoreError::Forgotten { .. })));
        }
    }

    #[test]
    fn both_bounds_hold() {
        let mut many = Changes::following(Revision(0));
        let commits = limits::CHANGES_KEPT_MAX as u64 + 10;
        (1..=commits).for_each(|revision| many.remember(change(revision, 1)));
        assert!(many.after(Revision(9), 1).is_err());
        assert_eq!(many.after(Revision(10), usize::MAX).unwrap().len(), limits::CHANGES_KEPT_MAX);

        let mut large = Changes::following(Revision(0));
        (1..=3).for_each(|revision| large.remember(change(revision, limits::CHANGES_KEPT_BYTES_MAX / 2)));
        assert!(large.after(Revision(0), 9).is_err());
        assert_eq!(large.after(Revision(1), 9).unwrap().len(), 2);
    }
}
