//! What callers give to make or change users and keys; every field is already checked.

use crate::key::{
    Allowlist, Comment, CompanyId, Contact, DisplayName, Email, Expiry, KeyspaceName, Level, Password, Patch,
    RateLimits, Role, UserId, UserStatus, Username,
};

/// A user to add.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Login name; exact and unique. `None`: one made of the user's number, `person-7` or `bot-7`.
    pub username: Option<Username>,
    /// Name for people.
    pub display_name: Option<DisplayName>,
    /// E-mail address; unique.
    pub email: Option<Email>,
    /// Person or bot.
    pub kind: NewKind,
    /// Caps the level of the user's keys.
    pub role: Role,
    /// Tenant.
    pub company: Option<CompanyId>,
}

impl NewUser {
    /// A person of this name and role, with nothing else given.
    pub const fn person(username: Username, role: Role, password: Option<Password>) -> Self {
        let kind = NewKind::Person { password };
        Self { username: Some(username), display_name: None, email: None, kind, role, company: None }
    }
}

/// Person or bot, to be added.
#[derive(Clone, Debug)]
pub enum NewKind {
    /// A person; without a password there is no login yet.
    Person {
        /// The first password.
        password: Option<Password>,
    },
    /// A program.
    Bot,
}

/// A company to add.
#[derive(Clone, Debug)]
pub struct NewCompany {
    /// Its public name in addresses; a random one if there is none yet.
    pub id: Option<CompanyId>,
    /// Its name for people.
    pub name: DisplayName,
}

/// Changes to a user; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Login name.
    pub username: Option<Username>,
    /// Name for people.
    pub display_name: Patch<DisplayName>,
    /// E-mail address.
    pub email: Patch<Email>,
    /// Role.
    pub role: Option<Role>,
    /// Tenant.
    pub company: Patch<CompanyId>,
    /// Whether the user may act.
    pub status: Option<UserStatus>,
    /// Grants API access, and with it a key, or removes both.
    pub api_access: Option<bool>,
}

/// A key to create.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The set of keys it verifies in.
    pub keyspace: KeyspaceName,
    /// Who it belongs to.
    pub owner: UserId,
    /// What it is for.
    pub comment: Comment,
    /// Whom to ask about it.
    pub contact: Option<Contact>,
    /// What it may do, at most.
    pub level: Level,
    /// Where it may be used from; left out, as whoever creates it and its owner are bound, else from anywhere.
    pub allowlist: Option<Allowlist>,
    /// How often it may be used; left out, as they are bound, else as often as one likes.
    pub rate_limits: Option<RateLimits>,
    /// When it stops by itself; left out, as they are bound, else never.
    pub expiry: Option<Expiry>,
}

impl NewKey {
    /// A key of this keyspace, owner and level, with nothing else given.
    pub const fn new(keyspace: KeyspaceName, owner: UserId, level: Level) -> Self {
        Self {
            keyspace,
            owner,
            comment: Comment::empty(),
            contact: None,
            level,
            allowlist: None,
            rate_limits: None,
            expiry: None,
        }
    }
}

/// Changes to a key; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// What it is for.
    pub comment: Option<Comment>,
    /// Whom to ask about it.
    pub contact: Patch<Contact>,
    /// What it may do, at most.
    pub level: Option<Level>,
    /// Where it may be used from.
    pub allowlist: Option<Allowlist>,
    /// How often it may be used.
    pub rate_limits: Option<RateLimits>,
    /// When it stops by itself.
    pub expiry: Option<Expiry>,
    /// Suspend or resume.
    pub active: Option<bool>,
}
