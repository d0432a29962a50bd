//! Scans of any length, read in pages.

use std::collections::VecDeque;

use crate::limits;

use super::Entry;

/// Iterates over every entry that `scan` returns from just after the key `after`, in pages of [`limits::PAGE_MAX`]; the
/// arguments of `scan` are the key before the page and its length. Ends after the first error.
pub(crate) fn paged<E>(
    after: Option<&[u8]>,
    scan: impl FnMut(Option<&[u8]>, usize) -> Result<Vec<Entry>, E>,
) -> impl Iterator<Item = Result<Entry, E>> {
    paged_by(limits::PAGE_MAX, after.map(<[u8]>::to_vec), scan)
}

/// As [`paged`], from just after the key `cursor`, in pages of `limit`, for callers that need few entries.
pub(crate) fn paged_by<E>(
    limit: usize,
    mut cursor: Option<Vec<u8>>,
    mut scan: impl FnMut(Option<&[u8]>, usize) -> Result<Vec<Entry>, E>,
) -> impl Iterator<Item = Result<Entry, E>> {
    let mut page = VecDeque::new();
    let mut more = true;
    std::iter::from_fn(move || {
        if page.is_empty() && more {
            match scan(cursor.as_deref(), limit) {
                Ok(next) => page.extend(next),
                Err(error) => {
                    more = false;
                    return Some(Err(error));
                }
            }
            more = page.len() == limit;
            cursor = page.back().map(|entry: &Entry| entry.key.clone());
        }
        page.pop_front().map(Ok)
    })
}
