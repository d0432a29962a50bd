//! Inputs of operations: new users, companies and keys, and changes of them. Every field is already checked.

use crate::key::{
    Allowlist, Comment, CompanyId, Contact, DisplayName, Email, Expiry, KeyspaceName, Level, Password, Patch,
    RateLimits, Role, UserId, UserStatus, Username,
};

/// A user to add.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Login name; exact and unique. `None`: made of the user's number, `person-7` or `bot-7`.
    pub username: Option<Username>,
    /// Name for people.
    pub display_name: Option<DisplayName>,
    /// E-mail address; unique.
    pub email: Option<Email>,
    /// Person or bot.
    pub kind: NewKind,
    /// Highest level that the user's keys act with.
    pub role: Role,
    /// Company of the user.
    pub company: Option<CompanyId>,
}

impl NewUser {
    /// A person with this name, role and password, and no other field.
    pub const fn person(username: Username, role: Role, password: Option<Password>) -> Self {
        let kind = NewKind::Person { password };
        Self { username: Some(username), display_name: None, email: None, kind, role, company: None }
    }
}

/// Kind of a new user.
#[derive(Clone, Debug)]
pub enum NewKind {
    /// A person. Without a password the person cannot log in yet.
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
    /// Company id; `None`: a random one.
    pub id: Option<CompanyId>,
    /// Name for people.
    pub name: DisplayName,
}

/// Changes to a user. Fields that are `None` stay.
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
    /// Company of the user.
    pub company: Patch<CompanyId>,
    /// Whether the user is active or blocked.
    pub status: Option<UserStatus>,
    /// `true` grants API access and issues its keys; `false` removes both.
    pub api_access: Option<bool>,
}

/// A key to create.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Keyspace of the key.
    pub keyspace: KeyspaceName,
    /// Owner of the key.
    pub owner: UserId,
    /// Purpose of the key, for people.
    pub comment: Comment,
    /// Contact for questions about the key.
    pub contact: Option<Contact>,
    /// Highest level that the key acts with.
    pub level: Level,
    /// Networks that the key may be used from. `None`: the allowlist that binds the caller, else every network.
    pub allowlist: Option<Allowlist>,
    /// Rate limits of the key. `None`: the limits that bind the caller or the owner, else no limits.
    pub rate_limits: Option<RateLimits>,
    /// Time when the key expires. `None`: the expiry that binds the caller, else never.
    pub expiry: Option<Expiry>,
}

impl NewKey {
    /// A key with this keyspace, owner and level, and no other field.
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

/// Changes to a key. Fields that are `None` stay.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// Purpose of the key, for people.
    pub comment: Option<Comment>,
    /// Contact for questions about the key.
    pub contact: Patch<Contact>,
    /// Highest level that the key acts with.
    pub level: Option<Level>,
    /// Networks that the key may be used from.
    pub allowlist: Option<Allowlist>,
    /// Rate limits of the key.
    pub rate_limits: Option<RateLimits>,
    /// Time when the key expires.
    pub expiry: Option<Expiry>,
    /// Suspend or resume.
    pub active: Option<bool>,
}
