//! Keyspaces: named sets of keys that verify together.

use super::{KeyFormat, KeyspaceName};

/// Whether a key's text can be shown again after it was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewing {
    /// Shown once, when issued; nothing stored can rebuild it.
    Once,
    /// A sealed copy is kept and shown to the key's owner.
    Again,
}

/// Whether a key may be presented in an address, where logs and histories keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InQuery {
    /// In header fields and bodies only.
    Refused,
    /// Also as `?api_key=`, because its documented clients do that.
    Taken,
}

/// A named set of keys that verify together. A key verifies only in its keyspace.
///
/// ```
/// use keyward::key::{KeyFormat, Keyspace, Viewing};
/// let filebin = Keyspace::named(&"filebin".parse().unwrap()).unwrap();
/// assert_eq!((filebin.format(), filebin.viewing()), (KeyFormat::Filebin, Viewing::Again));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyspace {
    name: KeyspaceName,
    format: KeyFormat,
    viewing: Viewing,
    in_query: InQuery,
}

impl Keyspace {
    /// keyward's own keyspace.
    pub const NATIVE: Self = Self::new("native", KeyFormat::Native, Viewing::Once, InQuery::Refused);
    /// The keyspace of filebin's API.
    pub const FILEBIN: Self = Self::new("filebin", KeyFormat::Filebin, Viewing::Again, InQuery::Refused);
    /// The keyspace of TelVue's API.
    pub const TELVUE: Self = Self::new("telvue", KeyFormat::TelVue, Viewing::Again, InQuery::Taken);

    const BUILT_IN: [Self; 6] = [
        Self::FILEBIN,
        Self::new("qreserve", KeyFormat::QReserve, Viewing::Once, InQuery::Refused),
        Self::TELVUE,
        Self::new("bokamera", KeyFormat::BokaMera, Viewing::Again, InQuery::Refused),
        Self::new("freesewing", KeyFormat::FreeSewing, Viewing::Once, InQuery::Refused),
        Self::NATIVE,
    ];

    const fn new(name: &str, format: KeyFormat, viewing: Viewing, in_query: InQuery) -> Self {
        Self { name: KeyspaceName::known(name), format, viewing, in_query }
    }

    /// The keyspace of this name, if there is one.
    pub fn named(name: &KeyspaceName) -> Option<Self> {
        Self::BUILT_IN.iter().find(|keyspace| keyspace.name == *name).copied()
    }

    /// Every keyspace there is.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::BUILT_IN.into_iter()
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

    /// Whether its keys may be presented in an address.
    pub const fn in_query(&self) -> InQuery {
        self.in_query
    }
}
