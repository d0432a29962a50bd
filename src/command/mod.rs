//! The one door: everything a caller may ask, whatever the protocol, and who may ask it.

mod authorize;
mod backoff;
mod caller;
mod dispatch;
mod error;
mod fault;
mod hs256;
mod overview;
mod recent;
mod service;
mod session;
mod setup;
#[cfg(test)]
mod table_tests;
mod token;
mod trying;
mod verifying;

use crate::engine::{
    BackupPiece, BackupPlace, Chain, CheckReport, Cursor, EventFilter, Imported, ImportedKey, KeyChange,
    KeyFilter, NewCompany, NewKey, NewUser, PepperUses, RequestMark, Trail, UserChange,
};
use crate::key::{
    AuditEvent, AuditHead, Company, CompanyId, DisplayName, IssuedKey, Key, KeyId, Keyspace, KeyspaceName,
    Password, RevokeReason, UncheckedKey, User, UserId, Username,
};

pub use caller::{AuthenticateError, Caller};
pub use error::CommandError;
pub use fault::{Fault, told};
pub use overview::Overview;
pub use recent::AnsweredRequest;
pub use service::Service;
pub use session::{FormToken, SessionToken};
pub use setup::SetupError;
pub use token::Audience;
pub use trying::Tried;
pub use verifying::{Asker, Decision, Verifying, VerifyingError};

/// Names a user.
#[derive(Clone, Debug)]
pub enum UserRef {
    /// By number.
    Id(UserId),
    /// By login name.
    Name(Username),
}

/// Names a key.
#[derive(Clone, Debug)]
pub enum KeyRef {
    /// By its public name.
    Id(KeyId),
    /// By its public name, in one keyspace: in every other it is unknown.
    Within(Keyspace, KeyId),
    /// By its text; the key has to be the caller's own, whatever the caller's level.
    OwnText {
        /// The keyspace it has to be in.
        keyspace: Keyspace,
        /// The text as presented; untrusted.
        text: UncheckedKey,
    },
    /// By its text, whoever's it is.
    Text {
        /// The keyspace it has to be in.
        keyspace: Keyspace,
        /// The text as presented; untrusted.
        text: UncheckedKey,
    },
}

/// Everything a caller may ask for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Adds a user. Answer: [`Outcome::User`].
    AddUser(NewUser),
    /// Reads a user. Answer: [`Outcome::User`].
    ShowUser(UserRef),
    /// Reads users by rising number, from just after one. Answer: [`Outcome::Users`].
    ListUsers {
        /// The last user of the page before.
        after: Option<UserId>,
        /// Most users wanted.
        limit: usize,
    },
    /// Reads users of a company, or of none, by rising number, from just after one. Answer: [`Outcome::Members`].
    ListUsersOf {
        /// The company.
        company: Option<CompanyId>,
        /// The last user of the page before.
        after: Option<UserId>,
        /// Most users wanted.
        limit: usize,
    },
    /// Changes fields of a user. Answer: [`Outcome::User`].
    UpdateUser(UserRef, UserChange),
    /// Sets a person's password. Answer: [`Outcome::User`].
    SetPassword(UserRef, Password),
    /// Removes a user and all their keys. Answer: [`Outcome::Done`].
    RemoveUser(UserRef),
    /// Creates a key. Answer: [`Outcome::Issued`].
    CreateKey(NewKey),
    /// As [`Command::CreateKey`], but a repeated request makes no second key. Answer: [`Outcome::Issued`], or
    /// [`Outcome::Key`] with the one it made before.
    CreateKeyOnce(NewKey, RequestMark),
    /// Shows the text of a key again. Answer: [`Outcome::Text`].
    ShowText(KeyRef),
    /// Finds keys, in pages. Answer: [`Outcome::Keys`].
    FindKeys {
        /// Whose; left out, those of everyone whom the caller may act for: everyone's, the company's or the caller's own.
        owner: Option<UserRef>,
        /// Which of them.
        filter: KeyFilter,
        /// Where the page before ended.
        after: Option<Cursor>,
        /// Most keys wanted.
        limit: usize,
    },
    /// Reads a key. Answer: [`Outcome::Key`].
    ShowKey(KeyRef),
    /// Reads a user's keys, newest first. Answer: [`Outcome::Keys`].
    ListKeys {
        /// Whose.
        owner: UserRef,
        /// Of one keyspace, or of all.
        keyspace: Option<KeyspaceName>,
        /// Where the page before ended.
        after: Option<Cursor>,
        /// Most keys wanted; `None` for all of them.
        limit: Option<usize>,
        /// With the key texts, where there is a sealed copy. Only for the caller's own keys.
        texts: bool,
    },
    /// Changes fields of a key, suspends or resumes it. Answer: [`Outcome::Key`].
    UpdateKey(KeyRef, KeyChange),
    /// Gives a key a new secret; the old one verifies for `grace_ms` milliseconds more. Answer: [`Outcome::Issued`].
    RotateKey {
        /// The key.
        key: KeyRef,
        /// How long the old secret still verifies, in milliseconds.
        grace_ms: u64,
    },
    /// Proposes a key a new text that is not in force yet. Answer: [`Outcome::Issued`].
    ProposeText(KeyRef),
    /// Puts the text that the caller proposed last in force. Answer: [`Outcome::Key`].
    AdoptText(KeyRef),
    /// Throws away what the caller proposed. Answer: [`Outcome::Done`].
    DiscardText(KeyRef),
    /// Stops a key for good; the record stays. Answer: [`Outcome::Key`].
    RevokeKey(KeyRef, RevokeReason),
    /// Removes a key and its record. Answer: [`Outcome::Done`].
    DeleteKey(KeyRef),
    /// Adds a company. Answer: [`Outcome::Company`].
    AddCompany(NewCompany),
    /// Reads a company. Answer: [`Outcome::Company`].
    ShowCompany(CompanyId),
    /// Reads companies by rising id, from just after one. Answer: [`Outcome::Companies`].
    ListCompanies {
        /// The last company of the page before.
        after: Option<CompanyId>,
        /// Most companies wanted.
        limit: usize,
    },
    /// Gives a company another name. Answer: [`Outcome::Company`].
    RenameCompany(CompanyId, DisplayName),
    /// Removes a company that nobody belongs to any more. Answer: [`Outcome::Done`].
    RemoveCompany(CompanyId),
    /// Takes keys of another system over, or only says what would become of them. Answer: [`Outcome::Imported`].
    ImportKeys {
        /// The keys, at most 1,000.
        keys: Vec<ImportedKey>,
        /// Whether nothing is to be changed.
        dry: bool,
    },
    /// Brings a deleted key back. Answer: [`Outcome::Key`].
    UndeleteKey(KeyId),
    /// Reads audit events by rising sequence, from just after one. Answer: [`Outcome::Events`].
    ListEvents {
        /// Which events.
        filter: EventFilter,
        /// The last event of the page before; 0 for the first page.
        after: u64,
        /// Most events wanted.
        limit: usize,
    },
    /// Looks back through the audit, newest first. Answer: [`Outcome::Trail`].
    SearchEvents {
        /// Which events.
        filter: EventFilter,
        /// From before this event; `None` from the newest.
        before: Option<u64>,
        /// Most events wanted.
        limit: usize,
    },
    /// Proves the audit's chain from its end to its beginning. Answer: [`Outcome::Chain`].
    CheckAudit {
        /// A newest event that was kept elsewhere, to be found again.
        kept: Option<AuditHead>,
    },
    /// Copies the next piece of the whole store, from its beginning when `from` is `None`. Answer: [`Outcome::Piece`].
    Backup {
        /// Where the piece before ended.
        from: Option<BackupPlace>,
    },
    /// Counts the secrets under each pepper. Answer: [`Outcome::Peppers`].
    CountPeppers,
    /// Walks the whole store. Answer: [`Outcome::Checked`].
    Check,
    /// Counts what there is and how much is verified. Answer: [`Outcome::Overview`].
    ShowOverview,
    /// Reads the latest requests of a bot, newest first. Answer: [`Outcome::Requests`].
    ListRequests(UserRef),
    /// Counts the sessions of a user. Answer: [`Outcome::Count`].
    CountSessions(UserRef),
    /// Ends all sessions of a user. Answer: [`Outcome::Done`].
    EndSessions(UserRef),
}

/// What a command led to.
#[derive(Debug)]
pub enum Outcome {
    /// It is done.
    Done,
    /// One user.
    User(Box<User>),
    /// A page of users; fewer than asked for means the end.
    Users(Vec<User>),
    /// A page of users, and after which the next begins.
    Members(Vec<User>, Option<UserId>),
    /// One key.
    Key(Box<Key>),
    /// A page of keys with their texts where those were asked for and may be shown, and where the next begins.
    Keys(Vec<(Key, Option<IssuedKey>)>, Option<Cursor>),
    /// The text of a key; `None` where it cannot be shown, or not to this caller.
    Text(Option<IssuedKey>),
    /// What became of each imported key.
    Imported(Vec<Imported>),
    /// A page of audit events, and after which the next begins.
    Events(Vec<AuditEvent>, Option<u64>),
    /// A key with a fresh text, shown this once (again only if its keyspace says so).
    Issued(Box<Key>, IssuedKey),
    /// One company.
    Company(Company),
    /// A page of companies; fewer than asked for means the end.
    Companies(Vec<Company>),
    /// What walking the store found.
    Checked(CheckReport),
    /// A page of audit events, newest first.
    Trail(Trail),
    /// How many secrets are known under each pepper.
    Peppers(PepperUses),
    /// A piece of a backup.
    Piece(BackupPiece),
    /// The audit's chain.
    Chain(Chain),
    /// What there is, and how much is verified.
    Overview(Overview),
    /// Requests, newest first.
    Requests(Vec<AnsweredRequest>),
    /// How many.
    Count(usize),
}
