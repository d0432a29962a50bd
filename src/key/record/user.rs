//! Records of users, and what verifying needs of them.

use std::str::FromStr;

use crate::clock::Timestamp;
use crate::key::{
    Company, CompanyId, DisplayName, Email, Level, ParseError, PasswordHash, Role, UserId, Username,
};

/// Kind of a user: person or bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserKind {
    /// Person, who can log in once the record has a password.
    Person {
        /// Password hash; `None` while the person cannot log in.
        password: Option<PasswordHash>,
    },
    /// Program, which acts by its keys alone.
    Bot,
}

/// Status of a user: whether the user may act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserStatus {
    /// The user may act.
    #[default]
    Active,
    /// The user does not act yet, or left.
    Inactive,
    /// An administrator blocked the user.
    Blocked,
}

impl UserStatus {
    /// All statuses.
    pub const ALL: [Self; 3] = [Self::Active, Self::Inactive, Self::Blocked];

    /// Name on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Blocked => "blocked",
        }
    }
}

impl FromStr for UserStatus {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|status| status.name() == text);
        found.ok_or(ParseError::new("status", "must be active, inactive or blocked"))
    }
}

/// Record of a user, who owns keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub id: UserId,
    /// Login name, unique.
    pub username: Username,
    /// Display name.
    pub display_name: Option<DisplayName>,
    /// E-mail address, unique; the user may log in with it.
    pub email: Option<Email>,
    /// Person or bot.
    pub kind: UserKind,
    /// Role, which caps the level of all keys of the user.
    pub role: Role,
    /// Company of the user, if any.
    pub company: Option<CompanyId>,
    /// Whether the user may act.
    pub status: UserStatus,
    /// Whether the user has API access, and with it a key in each keyspace that issues keys so.
    pub api_access: bool,
    /// Level of the principal that removed API access and was not the user. Principals of a lower level cannot grant it
    /// again.
    pub api_access_removed_by: Level,
    /// Time of the latest change that lowered the role or stopped the user.
    pub demoted: Option<Timestamp>,
    /// Time of creation.
    pub created: Timestamp,
}

impl User {
    /// Display name, or the login name without one.
    pub fn name(&self) -> &str {
        self.display_name.as_ref().map_or_else(|| self.username.as_str(), |name| name.as_str())
    }

    /// Whether the user is the account of a company.
    pub fn is_account(&self) -> bool {
        let name = self.company.and_then(|company| Company::account_name(company).ok());
        self.kind == UserKind::Bot && name.is_some_and(|name| name == self.username)
    }

    /// Returns what verifying needs of the user. A pure function of the record.
    pub fn owner(&self) -> Owner {
        let rights = OwnerRights { level: self.role.level(), status: self.status };
        let is_bot = self.kind == UserKind::Bot;
        Owner { username: self.username.clone(), company: self.company, is_bot, rights }
    }

    /// Whether the user is an active administrator with a password.
    pub fn is_administrator_with_password(&self) -> bool {
        let has_password = matches!(self.kind, UserKind::Person { password: Some(_) });
        has_password && self.role == Role::Administrator && self.status == UserStatus::Active
    }
}

/// Rights of a key's owner: what of the owner decides about the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerRights {
    /// Level of the role, which caps all keys of the owner.
    pub level: Level,
    /// Whether the owner may act.
    pub status: UserStatus,
}

/// Owner of a key, as verifying knows the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Login name.
    pub username: Username,
    /// Company of the owner, if any.
    pub company: Option<CompanyId>,
    /// Whether the owner is a bot.
    pub is_bot: bool,
    /// Rights of the owner.
    pub rights: OwnerRights,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_verifying_needs_follows_from_the_record() {
        for status in UserStatus::ALL {
            assert_eq!(status.name().parse(), Ok(status));
            let company = Some(CompanyId::from_bytes([1; 16]));
            let user = User {
                id: UserId(7),
                username: "flo".parse().unwrap(),
                display_name: None,
                email: None,
                kind: UserKind::Bot,
                role: Role::Support,
                company,
                status,
                api_access: false,
                api_access_removed_by: Level::AUTHENTICATE,
                demoted: None,
                created: Timestamp::from_unix_ms(0),
            };
            let rights = OwnerRights { level: Level::SUPPORT, status };
            assert_eq!(
                user.owner(),
                Owner { username: user.username.clone(), company, is_bot: true, rights }
            );
        }
        assert!("gone".parse::<UserStatus>().is_err());
    }
}
