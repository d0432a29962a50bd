//! Patches: what an update does to one field.

/// What an update does to a field that may be empty. An update that does not mention a field keeps it.
///
/// ```
/// use keyward::key::Patch;
/// assert_eq!(Patch::Set(2).over(Some(1)), Some(2));
/// assert_eq!(Patch::<u8>::Keep.over(Some(1)), Some(1));
/// assert_eq!(Patch::<u8>::Clear.over(Some(1)), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Keeps the field.
    #[default]
    Keep,
    /// Empties the field.
    Clear,
    /// Sets the field.
    Set(T),
}

impl<T> Patch<T> {
    /// Returns the field after the update.
    pub fn over(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Clear => None,
            Self::Set(new) => Some(new),
        }
    }
}

impl<T> From<Option<T>> for Patch<T> {
    /// A form field: filled in sets, empty clears.
    fn from(filled_in: Option<T>) -> Self {
        filled_in.map_or(Self::Clear, Self::Set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_kept_cleared_or_set() {
        assert_eq!((Patch::Set(2).over(Some(1)), Patch::Set(2).over(None)), (Some(2), Some(2)));
        assert_eq!((Patch::<u8>::Keep.over(Some(1)), Patch::<u8>::Keep.over(None)), (Some(1), None));
        assert_eq!(Patch::<u8>::Clear.over(Some(1)), None);
        assert_eq!((Patch::from(Some(1)), Patch::<u8>::from(None)), (Patch::Set(1), Patch::Clear));
    }
}
