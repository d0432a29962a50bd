//! The three access levels that filebin's API documents.

use std::fmt;

use crate::key::Level;

/// Access level of filebin's API. Each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessLevel {
    /// Levels 0 and 1.
    Basic,
    /// Levels 2 and 3.
    Apikey,
    /// Levels 4 to 8: lists, creates and deletes keys of its owner.
    Full,
}

impl AccessLevel {
    /// Returns the access level that includes `level`.
    pub fn of(level: Level) -> Self {
        if level < Level::READ {
            Self::Basic
        } else if level < Level::OWN {
            Self::Apikey
        } else {
            Self::Full
        }
    }

    /// Returns the access level of this exact name.
    pub fn named(text: &[u8]) -> Option<Self> {
        [Self::Basic, Self::Apikey, Self::Full].into_iter().find(|level| level.name().as_bytes() == text)
    }

    /// Level of a key that is created with this access level.
    pub const fn level(self) -> Level {
        match self {
            Self::Basic => Level::AUTHENTICATE,
            Self::Apikey => Level::READ,
            Self::Full => Level::OWN,
        }
    }

    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Apikey => "apikey",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for AccessLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_levels_have_three_names() {
        let names = ["basic", "basic", "apikey", "apikey", "full", "full", "full", "full", "full"];
        for (number, name) in (0..=8).zip(names) {
            let level = Level::new(number).unwrap();
            let named = AccessLevel::named(name.as_bytes()).unwrap();
            assert_eq!((AccessLevel::of(level), named.to_string().as_str()), (named, name), "level {number}");
            assert_eq!(AccessLevel::of(named.level()), named);
            assert!(named.level() <= level, "a name never gives more than the lowest level that has it");
        }
        for wrong in ["", "Full", "full ", "all", "4"] {
            assert_eq!(AccessLevel::named(wrong.as_bytes()), None, "{wrong:?}");
        }
    }
}
