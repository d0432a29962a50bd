//! Keyspaces: named sets of keys that verify together.
//!
//! The rules that differ between keyspaces are here: who sees key texts again, how users get keys, what a demotion does,
//! who may list. The engine and the gate read them here; no dialect has rules of its own about keys.

use super::{KeyFormat, KeyspaceName, Level};

/// Whether a key's text can be shown again after it was issued, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewing {
    /// Shown once, when issued; nothing stored can rebuild it.
    Once,
    /// A sealed copy is stored and shown to the key's owner.
    ByOwner,
    /// A sealed copy is stored and shown to the key's owner, and to administrators of the owner.
    ByAdministrators,
}

/// Whether a key may be presented in an address, where logs and histories keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InQuery {
    /// In header fields and bodies only.
    Refused,
    /// Also as `?api_key=`, because its documented clients do that.
    Taken,
}

/// How users get keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuing {
    /// As many as a user creates.
    Freely,
    /// Exactly one with API access, none without: granting access issues it, removing access deletes it.
    WithAccess,
    /// One for each bot, none for a person.
    OnePerBot,
}

/// Effect of an owner's demotion, block or deactivation on the owner's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demotion {
    /// They act with what the owner may now, and not at all while the owner may not act.
    Caps,
    /// They are revoked, for good.
    Revokes,
}

/// A named set of keys that verify together. A key verifies only in its keyspace.
///
/// ```
/// use keyward::key::{KeyFormat, Keyspace, Viewing};
/// let filebin = Keyspace::named(&"filebin".parse().unwrap()).unwrap();
/// assert_eq!((filebin.format(), filebin.viewing()), (KeyFormat::Filebin, Viewing::ByOwner));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyspace {
    name: KeyspaceName,
    format: KeyFormat,
    viewing: Viewing,
    in_query: InQuery,
    issuing: Issuing,
    demotion: Demotion,
    listed_from: Level,
}

impl Keyspace {
    /// keyward's own keyspace.
    pub const NATIVE: Self = Self::new("native", KeyFormat::Native);
    /// The keyspace of filebin's API.
    pub const FILEBIN: Self = Self { viewing: Viewing::ByOwner, ..Self::new("filebin", KeyFormat::Filebin) };
    /// The keyspace of FreeSewing's API.
    pub const FREESEWING: Self = Self {
        demotion: Demotion::Revokes,
        listed_from: Level::AUTHENTICATE,
        ..Self::new("freesewing", KeyFormat::FreeSewing)
    };
    /// The keyspace of QReserve's API.
    pub const QRESERVE: Self = Self {
        issuing: Issuing::OnePerBot,
        listed_from: Level::AUTHENTICATE,
        ..Self::new("qreserve", KeyFormat::QReserve)
    };
    /// The keyspace of TelVue's API.
    pub const TELVUE: Self = Self {
        viewing: Viewing::ByAdministrators,
        in_query: InQuery::Taken,
        issuing: Issuing::WithAccess,
        listed_from: Level::AUTHENTICATE,
        ..Self::new("telvue", KeyFormat::TelVue)
    };
    /// The keyspace of BokaMera's API.
    pub const BOKAMERA: Self =
        Self { viewing: Viewing::ByAdministrators, ..Self::new("bokamera", KeyFormat::BokaMera) };

    const BUILT_IN: [Self; 6] =
        [Self::FILEBIN, Self::QRESERVE, Self::TELVUE, Self::BOKAMERA, Self::FREESEWING, Self::NATIVE];

    const fn new(name: &str, format: KeyFormat) -> Self {
        Self {
            name: KeyspaceName::known(name),
            format,
            viewing: Viewing::Once,
            in_query: InQuery::Refused,
            issuing: Issuing::Freely,
            demotion: Demotion::Caps,
            listed_from: Level::OWN,
        }
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

    /// How users get its keys.
    pub const fn issuing(&self) -> Issuing {
        self.issuing
    }

    /// The lowest level that issues its keys.
    pub const fn issued_from(&self) -> Level {
        match self.issuing {
            Issuing::Freely => Level::OWN,
            Issuing::WithAccess | Issuing::OnePerBot => Level::ALL,
        }
    }

    /// Effect of an owner's demotion on its keys.
    pub const fn demotion(&self) -> Demotion {
        self.demotion
    }

    /// The lowest level at which a caller may list their own keys.
    pub const fn listed_from(&self) -> Level {
        self.listed_from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyspaces_differ_where_their_apis_do() {
        use {Demotion as D, InQuery as Q, Issuing as I, Viewing as V};
        let all = [
            ("filebin", KeyFormat::Filebin, V::ByOwner, Q::Refused, I::Freely, D::Caps, 4),
            ("qreserve", KeyFormat::QReserve, V::Once, Q::Refused, I::OnePerBot, D::Caps, 0),
            ("telvue", KeyFormat::TelVue, V::ByAdministrators, Q::Taken, I::WithAccess, D::Caps, 0),
            ("bokamera", KeyFormat::BokaMera, V::ByAdministrators, Q::Refused, I::Freely, D::Caps, 4),
            ("freesewing", KeyFormat::FreeSewing, V::Once, Q::Refused, I::Freely, D::Revokes, 0),
            ("native", KeyFormat::Native, V::Once, Q::Refused, I::Freely, D::Caps, 4),
        ];
        assert_eq!(Keyspace::all().count(), all.len());
        for (name, format, viewing, in_query, issuing, demotion, listed_from) in all {
            let keyspace = Keyspace::named(&name.parse().unwrap()).unwrap();
            let listed_from = Level::new(listed_from).unwrap();
            let expected = Keyspace {
                name: *keyspace.name(),
                format,
                viewing,
                in_query,
                issuing,
                demotion,
                listed_from,
            };
            assert_eq!((keyspace.name().as_str(), keyspace), (name, expected));
        }
        assert_eq!(Keyspace::named(&"nobody-s".parse().unwrap()), None);
    }
}
