//! A page of a list whose records follow one another by their ids.

use std::fmt::Debug;

use super::{Refusal, decode};
use crate::engine::Cursor;

/// A page that is asked for.
pub(super) struct Page<L> {
    list: L,
    after: Option<Cursor>,
    limit: usize,
}

impl<L: Debug> Page<L> {
    /// The page of this list behind the cursor `after`.
    pub(super) fn of(list: L, after: Option<String>, limit: Option<String>) -> Result<Self, Refusal> {
        let after = after.as_deref().map(decode::cursor).transpose()?;
        if let Some(cursor) = &after {
            cursor.within(&list)?;
        }
        Ok(Self { list, after, limit: decode::limit(limit)? })
    }

    /// The id that the page before ended with.
    pub(super) fn after<const N: usize>(&self) -> Option<[u8; N]> {
        let place = self.after.as_ref()?.within(&self.list).ok()?;
        place.try_into().ok()
    }

    /// How many records to ask for: one more than the page has, which tells whether there is another.
    pub(super) const fn and_next(&self) -> usize {
        self.limit + 1
    }

    /// The records of the page, and where the next begins, if there is one; `more` when there are more than are here.
    pub(super) fn cut<T>(
        &self,
        mut records: Vec<T>,
        more: bool,
        id: impl Fn(&T) -> Vec<u8>,
    ) -> (Vec<T>, Option<String>) {
        let more = more || records.len() > self.limit;
        records.truncate(self.limit);
        let next = records.last().filter(|_| more).map(|last| Cursor::new(&self.list, id(last)).to_string());
        (records, next)
    }
}
