//! Who a key belongs to.

use std::str::FromStr;

use super::{
    Company, CompanyId, DisplayName, Email, Level, ParseError, PasswordHash, Role, UserId, Username,
};
use crate::clock::Timestamp;

/// Person or bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person, who may log in once there is a password.
    Person {
        /// `None`: cannot log in yet.
        password: Option<PasswordHash>,
    },
    /// A program: acts by its keys alone.
    Bot,
}

/// Whether a user may act at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// May act.
    #[default]
    Active,
    /// Not yet, or not any more, by the user's own doing.
    Inactive,
    /// Stopped by an administrator.
    Blocked,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Inactive, Self::Blocked];

    /// Its name on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Blocked => "blocked",
        }
    }
}

impl FromStr for Status {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|status| status.name() == text);
        found.ok_or(ParseError::new("status", "must be active, inactive or blocked"))
    }
}

/// Who a key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Number of the user.
    pub id: UserId,
    /// Login name: exact and unique.
    pub username: Username,
    /// Name for people.
    pub display_name: Option<DisplayName>,
    /// E-mail address; unique, and also a login name.
    pub email: Option<Email>,
    /// Person or bot.
    pub kind: Kind,
    /// Caps the level of every key of the user.
    pub role: Role,
    /// The tenant the user belongs to.
    pub company: Option<CompanyId>,
    /// Whether the user may act at all.
    pub status: Status,
    /// Whether the user was granted API access, and with it a key in the keyspaces that ask for it.
    pub api_access: bool,
    /// The level of whoever took API access away and was not the user: nobody below it grants it again.
    pub access_held: Level,
    /// When the user last came to be allowed less, or nothing any more.
    pub demoted: Option<Timestamp>,
    /// When the user was added.
    pub created: Timestamp,
}

impl User {
    /// What people call the user.
    pub fn name(&self) -> &str {
        self.display_name.as_ref().map_or_else(|| self.username.as_str(), |name| name.as_str())
    }

    /// Whether this is the account of a company: a bot by its kind, but nobody's to use.
    pub fn is_account(&self) -> bool {
        let name = self.company.and_then(|company| Company::account_name(company).ok());
        self.kind == Kind::Bot && name.is_some_and(|name| name == self.username)
    }

    /// What `verify` needs of the user: a pure function of the record.
    pub fn owner(&self) -> Owner {
        let standing = OwnerStanding { level: self.role.level(), status: self.status };
        let is_bot = self.kind == Kind::Bot;
        Owner { username: self.username.clone(), company: self.company, is_bot, standing }
    }

    /// Whether the user can log in and administer everything.
    pub fn is_administrator_with_password(&self) -> bool {
        let has_password = matches!(self.kind, Kind::Person { password: Some(_) });
        has_password && self.role == Role::Administrator && self.status == Status::Active
    }
}

/// What of a key's owner decides about the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerStanding {
    /// Caps the level of every key of the owner.
    pub level: Level,
    /// Whether the owner may act at all.
    pub status: Status,
}

/// What `verify` knows of a key's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Login name.
    pub username: Username,
    /// The tenant the owner belongs to.
    pub company: Option<CompanyId>,
    /// Whether the owner is a program.
    pub is_bot: bool,
    /// What decides about the owner's keys.
    pub standing: OwnerStanding,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_verifying_needs_follows_from_the_record() {
        for status in Status::ALL {
            assert_eq!(status.name().parse(), Ok(status));
            let company = Some(CompanyId::from_bytes([1; 16]));
            let user = User {
                id: UserId(7),
                username: "flo".parse().unwrap(),
                display_name: None,
                email: None,
                kind: Kind::Bot,
                role: Role::Support,
                company,
                status,
                api_access: false,
                access_held: Level::AUTHENTICATE,
                demoted: None,
                created: Timestamp::from_unix_ms(0),
            };
            let standing = OwnerStanding { level: Level::SUPPORT, status };
            assert_eq!(
                user.owner(),
                Owner { username: user.username.clone(), company, is_bot: true, standing }
            );
        }
        assert!("gone".parse::<Status>().is_err());
    }
}
