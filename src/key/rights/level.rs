//! Levels of keys, 0 to 8, and the roles of users that cap them.

use std::fmt;
use std::str::FromStr;

use crate::key::ParseError;

/// Level of a key or a user, 0 to 8. Each level includes those below.
///
/// 0 authenticates only, 1 reads some and 2 all own data, 3 writes some and 4 all own data (own keys included), 5 reads
/// data of other users, 6 administers its own company, 7 acts on other users in named ways, 8 does everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// Authenticates only.
    pub const AUTHENTICATE: Self = Self(0);
    /// Reads some own data.
    pub const READ_SOME: Self = Self(1);
    /// Reads all own data.
    pub const READ: Self = Self(2);
    /// Writes all own data; creates, lists and deletes own keys.
    pub const OWN: Self = Self(4);
    /// Administers its own company.
    pub const ADMINISTER: Self = Self(6);
    /// Acts on others in named ways; verifies keys for them.
    pub const SUPPORT: Self = Self(7);
    /// Does everything.
    pub const ALL: Self = Self(8);

    const PERMISSIONS: [&'static str; 9] = [
        "authenticate",
        "read-some",
        "read",
        "write-some",
        "write",
        "read-others",
        "administer",
        "support",
        "all",
    ];

    /// Returns the level of this number.
    ///
    /// # Errors
    /// [`ParseError`] above 8.
    pub const fn new(number: u8) -> Result<Self, ParseError> {
        if number <= Self::ALL.0 { Ok(Self(number)) } else { Err(ParseError::new("level", "must be 0 to 8")) }
    }

    /// Number of the level, 0 to 8.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Number of the level as text.
    pub fn digit(self) -> &'static str {
        ["0", "1", "2", "3", "4", "5", "6", "7", "8"].get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// Permission that the level adds to the one below, in a word.
    pub fn permission(self) -> &'static str {
        Self::PERMISSIONS.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// Returns the lowest level with this permission.
    ///
    /// ```
    /// use keyward::key::Level;
    /// assert_eq!(Level::permitting("read"), Ok(Level::READ));
    /// assert_eq!(Level::READ.permission(), "read");
    /// ```
    ///
    /// # Errors
    /// [`ParseError`] when there is no such permission.
    pub fn permitting(permission: &str) -> Result<Self, ParseError> {
        let levels = (0..).zip(Self::PERMISSIONS);
        let found = levels.into_iter().find(|(_, name)| *name == permission);
        found.map(|(number, _)| Self(number)).ok_or(ParseError::new(
            "permission",
            "must be authenticate, read-some, read, write-some, write, read-others, administer, support or all",
        ))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.digit())
    }
}

impl FromStr for Level {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let digit = text.parse().ok().filter(|_| text.len() == 1);
        digit.map_or(Err(ParseError::new("level", "must be 0 to 8")), Self::new)
    }
}

/// Role of a user: caps the level of all keys of the user.
///
/// ```
/// use keyward::key::{Level, Role};
/// assert_eq!(Role::User.level(), Level::OWN);
/// assert_eq!("read-only".parse(), Ok(Role::ReadOnly));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Level 0.
    ReadNone,
    /// Level 1.
    ReadSome,
    /// Level 2.
    ReadOnly,
    /// Level 3.
    WriteSome,
    /// Level 4.
    User,
    /// Level 5.
    Bughunter,
    /// Level 6.
    Moderator,
    /// Level 7.
    Support,
    /// Level 8.
    Administrator,
}

impl Role {
    /// All roles, lowest first: the role at index n has level n.
    pub const ALL: [Self; 9] = [
        Self::ReadNone,
        Self::ReadSome,
        Self::ReadOnly,
        Self::WriteSome,
        Self::User,
        Self::Bughunter,
        Self::Moderator,
        Self::Support,
        Self::Administrator,
    ];

    /// Level of the role, which caps the keys of its users.
    pub const fn level(self) -> Level {
        Level(match self {
            Self::ReadNone => 0,
            Self::ReadSome => 1,
            Self::ReadOnly => 2,
            Self::WriteSome => 3,
            Self::User => 4,
            Self::Bughunter => 5,
            Self::Moderator => 6,
            Self::Support => 7,
            Self::Administrator => 8,
        })
    }

    /// Returns the role of this level.
    pub fn of(level: Level) -> Self {
        Self::ALL.into_iter().find(|role| role.level() == level).unwrap_or(Self::ReadNone)
    }

    /// Name on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadNone => "read-none",
            Self::ReadSome => "read-some",
            Self::ReadOnly => "read-only",
            Self::WriteSome => "write-some",
            Self::User => "user",
            Self::Bughunter => "bughunter",
            Self::Moderator => "moderator",
            Self::Support => "support",
            Self::Administrator => "administrator",
        }
    }
}

impl FromStr for Role {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(ParseError::new(
            "role",
            "must be read-none, read-some, read-only, write-some, user, bughunter, moderator, support or administrator",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_exactly_the_role_that_names_it() {
        for (number, role) in (0..=8).zip(Role::ALL) {
            assert_eq!(role.level().number(), number);
            assert_eq!(Role::of(role.level()), role);
            assert_eq!(role.name().parse(), Ok(role));
        }
    }

    #[test]
    fn every_level_has_a_permission_of_its_own() {
        for number in 0..=8 {
            let level = Level::new(number).unwrap();
            assert_eq!(Level::permitting(level.permission()), Ok(level));
        }
        assert!(Level::permitting("").is_err() && Level::permitting("Read").is_err());
    }

    #[test]
    fn levels_end_at_eight() {
        assert!(Level::new(8).is_ok());
        for wrong in ["9", "-1", "08", "+1", "", "4.0", "x"] {
            assert!(wrong.parse::<Level>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn levels_are_written_as_their_numbers() {
        for number in 0..=8 {
            let level = Level::new(number).unwrap();
            assert_eq!((level.digit(), level.to_string()), (number.to_string().as_str(), number.to_string()));
            assert_eq!((level.to_string().parse(), Role::of(level).level()), (Ok(level), level));
            assert_eq!(Level::permitting(level.permission()), Ok(level));
        }
    }
}
