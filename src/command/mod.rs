//! Commands: everything that a caller can ask for in any protocol, and who may ask for it.
//!
//! A command is a struct with its input, its output, its row of the level table ([`Need`]) and two steps: the [`Gate`]
//! authorizes the target, and the [`GatedEngine`] acts on an [`Authorized`] target and on nothing else. Each command has a
//! file in the room of its subject: `keys/`, `users/`, `companies/`, `audit/`, `store/`. `list.rs` names them all.
//! [`Service`] runs them, and verifies keys for APIs ([`VerifyGrant`]).

mod audit;
mod companies;
mod contract;
mod error;
mod error_kind;
mod explain;
mod gate;
#[cfg(test)]
mod gate_tests;
mod gated_engine;
mod keys;
mod list;
mod metrics;
mod node;
mod recent_requests;
mod service;
mod store;
#[cfg(test)]
mod table_tests;
mod target;
mod users;
#[cfg(feature = "server")]
mod verify_grant;

pub use audit::{CheckAudit, ListEvents, SearchEvents};
pub use companies::{AddCompany, ListCompanies, RemoveCompany, RenameCompany, ShowCompany};
pub use contract::Command;
pub use error::CommandError;
pub use error_kind::{ErrorKind, client_message};
pub use explain::DryRun;
pub use gate::{Authorized, Gate, Need, WholeSystem};
pub use gated_engine::{GatedEngine, KeyPage};
pub use keys::{
    CancelRotation, CommitRotation, CreateKey, CreateKeyOnce, DeleteKey, FindKeys, ImportKeys, KeyWithText,
    ListKeys, RevokeKey, RotateKey, ShowKey, ShowText, StageRotation, UndeleteKey, UpdateKey,
};
pub use metrics::Overview;
pub use recent_requests::AnsweredRequest;
pub use service::Service;
pub use store::{AcceptClock, Backup, CheckStore, CountPeppers, ShowOverview};
pub use target::{KeyRef, UserRef};
pub use users::{
    AddUser, CountSessions, EndSessions, ListRequests, ListUsers, ListUsersOf, RemoveUser, SetPassword,
    ShowUser, UpdateUser,
};
#[cfg(feature = "server")]
pub use verify_grant::{VerdictWithOwner, VerifyCaller, VerifyGrant, VerifyGrantError};

pub use crate::login::{
    Audience, AuthenticateError, Authenticator, Caller, FormToken, Login, Proof, SessionToken, SetupError,
};
