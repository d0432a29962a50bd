//! One field of an update: leave it, empty it, or set it.

/// What an update does to one field that may be empty. Leaving a field out keeps it; it never clears it.
///
/// ```
/// use keyward::key::Change;
/// assert_eq!(Change::Set(2).over(Some(1)), Some(2));
/// assert_eq!(Change::<u8>::Keep.over(Some(1)), Some(1));
/// assert_eq!(Change::<u8>::Clear.over(Some(1)), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Make it empty.
    Clear,
    /// Give it this value.
    Set(T),
}

impl<T> Change<T> {
    /// The field after the change.
    pub fn over(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Clear => None,
            Self::Set(new) => Some(new),
        }
    }
}

impl<T> From<Option<T>> for Change<T> {
    /// What somebody filled in, or left empty on purpose.
    fn from(filled_in: Option<T>) -> Self {
        filled_in.map_or(Self::Clear, Self::Set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_kept_cleared_or_set() {
        assert_eq!((Change::Set(2).over(Some(1)), Change::Set(2).over(None)), (Some(2), Some(2)));
        assert_eq!((Change::<u8>::Keep.over(Some(1)), Change::<u8>::Keep.over(None)), (Some(1), None));
        assert_eq!(Change::<u8>::Clear.over(Some(1)), None);
        assert_eq!((Change::from(Some(1)), Change::<u8>::from(None)), (Change::Set(1), Change::Clear));
    }
}
