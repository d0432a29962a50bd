//! Cursor: the place where a page of a list ended.
//!
//! A cursor carries a mark of the list that it was made for, so the cursor of another owner, filter or kind is refused
//! and does not silently continue a different list.

use std::fmt::{self, Debug, Display};
use std::str::FromStr;

use crate::engine::EngineError;
use crate::key::ParseError;
use crate::limits;

/// Mark that tells lists apart, and detects changed cursors.
type Mark = [u8; 8];

/// Place where a page of a list ended; opaque text outside. It belongs to the list that it was made for: the list of
/// another owner, filter or kind refuses it, and every list refuses a changed one.
///
/// # Security
/// The mark is no signature. A client that makes up a fitting mark only starts a list that the client may read at
/// another place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    mark: Mark,
    place: Vec<u8>,
}

impl Cursor {
    /// Cursor of a page of `list` that ended at `place`.
    pub(crate) fn new(list: &impl Debug, place: Vec<u8>) -> Self {
        Self { mark: mark(list, &place), place }
    }

    /// Returns the place, if the cursor belongs to this list.
    ///
    /// # Errors
    /// [`EngineError::OtherList`].
    pub(crate) fn within(&self, list: &impl Debug) -> Result<&[u8], EngineError> {
        if self.mark == mark(list, &self.place) { Ok(&self.place) } else { Err(EngineError::OtherList) }
    }
}

/// Returns the mark of a list, from its `Debug` text, which differs from that of every other list.
fn mark(list: &impl Debug, place: &[u8]) -> Mark {
    let list = format!("{list:?}");
    let mut hasher = blake3::Hasher::new();
    hasher.update(&list.len().to_be_bytes()).update(list.as_bytes()).update(place);
    let mut mark = Mark::default();
    hasher.finalize_xof().fill(&mut mark);
    mark
}

/// First character of a cursor, so that no cursor is a number.
const BEGINNING: char = 'p';

impl Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{BEGINNING}{}{}", hex::encode(self.mark), hex::encode(&self.place))
    }
}

impl FromStr for Cursor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = ParseError::new("cursor", "is not a cursor of a list");
        let bytes = text.strip_prefix(BEGINNING).and_then(|digits| hex::decode(digits).ok()).ok_or(wrong)?;
        match bytes.split_first_chunk() {
            Some((mark, place)) if (1..=limits::STORE_KEY_BYTES_MAX).contains(&place.len()) => {
                Ok(Self { mark: *mark, place: place.to_vec() })
            }
            Some(_) | None => Err(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_of_one_list_and_not_of_another_nor_anything_made_up() {
        let cursor = Cursor::new(&("keys", 7), b"place".to_vec());
        let text = cursor.to_string();
        assert_eq!(text.parse(), Ok(cursor.clone()));
        assert_eq!(cursor.within(&("keys", 7)).unwrap(), b"place");
        for other in [("keys", 8), ("users", 7)] {
            assert!(matches!(cursor.within(&other), Err(EngineError::OtherList)), "{other:?}");
        }
        for at in 1..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed: Cursor = String::from_utf8(changed).unwrap().parse().unwrap();
            assert!(changed.within(&("keys", 7)).is_err(), "{changed}");
        }
        let long = format!("p{}", "00".repeat(limits::STORE_KEY_BYTES_MAX + 9));
        for wrong in [
            "",
            "p",
            "7",
            "p00",
            "p0000000000000000",
            text.get(1..).unwrap(),
            text.get(..text.len() - 1).unwrap(),
            &long,
        ] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
    }
}
