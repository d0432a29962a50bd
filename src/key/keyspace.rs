//! Keyspaces: named sets of keys that verify together.

use std::fmt;
use std::str::FromStr;

use super::{KeyFormat, ParseError};
use crate::limits;

/// Name of a keyspace: 1 to 32 of `a-z0-9-`, the first a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyspaceName(String);

impl KeyspaceName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyspaceName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let good = text.len() <= limits::KEYSPACE_NAME_BYTES_MAX
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(legal);
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new("keyspace", "must be 1 to 32 of a-z 0-9 -, starting with a letter"))
        }
    }
}

impl fmt::Display for KeyspaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a key's text can be shown again after it was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewing {
    /// Shown once, when issued; nothing stored can rebuild it.
    Once,
    /// A sealed copy is kept and shown to the key's owner.
    Again,
}

/// A named set of keys that verify together. A key verifies only in its keyspace.
///
/// ```
/// use keyward::key::{KeyFormat, Keyspace, Viewing};
/// let filebin = Keyspace::named(&"filebin".parse().unwrap()).unwrap();
/// assert_eq!((filebin.format(), filebin.viewing()), (KeyFormat::Filebin, Viewing::Again));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyspace {
    name: KeyspaceName,
    format: KeyFormat,
    viewing: Viewing,
}

impl Keyspace {
    const BUILT_IN: [(&'static str, KeyFormat, Viewing); 6] = [
        ("filebin", KeyFormat::Filebin, Viewing::Again),
        ("qreserve", KeyFormat::QReserve, Viewing::Once),
        ("telvue", KeyFormat::TelVue, Viewing::Again),
        ("bokamera", KeyFormat::BokaMera, Viewing::Again),
        ("freesewing", KeyFormat::FreeSewing, Viewing::Once),
        ("native", KeyFormat::Native, Viewing::Once),
    ];

    /// The keyspace of this name, if there is one.
    pub fn named(name: &KeyspaceName) -> Option<Self> {
        let (_, format, viewing) =
            Self::BUILT_IN.into_iter().find(|(built_in, ..)| *built_in == name.as_str())?;
        Some(Self { name: name.clone(), format, viewing })
    }

    /// The keyspace of filebin's API.
    pub fn filebin() -> Self {
        Self { name: KeyspaceName("filebin".to_owned()), format: KeyFormat::Filebin, viewing: Viewing::Again }
    }

    /// Every keyspace there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let name = |name: &str| KeyspaceName(name.to_owned());
        Self::BUILT_IN.into_iter().map(move |(n, format, viewing)| Self { name: name(n), format, viewing })
    }

    /// Its name.
    pub const fn name(&self) -> &KeyspaceName {
        &self.name
    }

    /// The form of its key texts.
    pub const fn format(&self) -> KeyFormat {
        self.format
    }

    /// Whether its keys can be shown again.
    pub const fn viewing(&self) -> Viewing {
        self.viewing
    }
}
