//! The one door: everything a caller may ask, whatever the protocol, and who may ask it.
//!
//! Whatever may be asked is a struct with its input, its typed output, its row of [`Need`] and its two steps: the gate
//! decides, and what it hands out is all that the door acts on.

mod audit;
mod caller;
mod companies;
mod door;
mod error;
mod fault;
mod gate;
#[cfg(test)]
mod gate_tests;
mod keys;
mod list;
mod login;
mod overview;
mod recent;
mod service;
mod store;
#[cfg(test)]
mod table_tests;
mod trying;
mod users;
mod verifying;

use crate::key::{KeyId, Keyspace, UncheckedKey, UserId, Username};

pub use audit::{CheckAudit, ListEvents, SearchEvents};
pub use caller::{AuthenticateError, Caller, Login, Proof};
pub use companies::{AddCompany, ListCompanies, RemoveCompany, RenameCompany, ShowCompany};
pub use door::Door;
pub use error::CommandError;
pub use fault::{Fault, told};
pub use gate::{Authorized, Everything, Gate, Need};
pub use keys::{
    AdoptText, CreateKey, CreateKeyOnce, DeleteKey, DiscardText, FindKeys, ImportKeys, Issued, KeyPage,
    ListKeys, ProposeText, RevokeKey, RotateKey, ShowKey, ShowText, UndeleteKey, UpdateKey,
};
pub use login::{Audience, FormToken, SessionToken, SetupError};
pub use overview::Overview;
pub use recent::AnsweredRequest;
pub use service::Service;
pub use store::{AcceptClock, Backup, CheckStore, CountPeppers, ShowOverview};
pub use trying::Tried;
pub use users::{
    AddUser, CountSessions, EndSessions, ListRequests, ListUsers, ListUsersOf, RemoveUser, SetPassword,
    ShowUser, UpdateUser,
};
pub use verifying::{Asker, Decision, Verifying, VerifyingError};

/// Something a caller may ask for. Those there are stand in one list, `command/list.rs`.
///
/// What changes something is reached through the gate alone: the [`Door`] takes nothing but what is [`Authorized`], and
/// only the [`Gate`] makes that.
///
/// ```
/// use keyward::command::{Authorized, CommandError, Door};
/// use keyward::key::{Key, RevokeReason};
///
/// fn revoke(door: &Door<'_>, key: Authorized<Key>) -> Result<Key, CommandError> {
///     door.revoke_key(key, RevokeReason::Unspecified)
/// }
/// ```
///
/// Without leave it does not compile:
///
/// ```compile_fail,E0308
/// use keyward::command::{CommandError, Door};
/// use keyward::key::{Key, RevokeReason};
///
/// fn revoke(door: &Door<'_>, key: Key) -> Result<Key, CommandError> {
///     door.revoke_key(key, RevokeReason::Unspecified)
/// }
/// ```
///
/// Nor does leave that the gate did not give:
///
/// ```compile_fail,E0423
/// use keyward::command::{Authorized, CommandError, Door};
/// use keyward::key::{Key, RevokeReason};
///
/// fn revoke(door: &Door<'_>, key: Key) -> Result<Key, CommandError> {
///     door.revoke_key(Authorized(key), RevokeReason::Unspecified)
/// }
/// ```
pub trait Command: list::Listed + Sized {
    /// What it acts on.
    type Target;
    /// What it answers.
    type Output;

    /// Its row of the table of who may do what.
    fn need(&self) -> Need;

    /// Asks the gate for what it acts on.
    ///
    /// # Errors
    /// What the gate says.
    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Self::Target>, CommandError>;

    /// Carries it out.
    ///
    /// # Errors
    /// [`CommandError::Engine`].
    ///
    /// # Durability
    /// When one that changes something answers `Ok`, the change survives a power cut.
    fn run(self, door: &Door<'_>, on: Authorized<Self::Target>) -> Result<Self::Output, CommandError>;
}

impl Service {
    /// Carries out `command` for `caller`, if the caller may.
    ///
    /// # Errors
    /// [`CommandError`]: each variant says what the caller can do.
    ///
    /// # Durability
    /// When a command that changes something answers `Ok`, the change survives a power cut.
    pub fn run<C: Command>(&self, caller: &Caller, command: C) -> Result<C::Output, CommandError> {
        let door = Door::open(self, caller, command.need())?;
        let on = command.authorize(door.gate())?;
        command.run(&door, on)
    }
}

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
