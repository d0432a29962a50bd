//! Records: keys, users and companies as they are stored.

mod company;
mod hot_record;
mod key;
mod narrowed_by;
mod password;
mod patch;
mod secrets;
mod state;
mod usage;
mod user;

pub use company::Company;
pub use hot_record::{HotRecord, HotView, SecretState};
pub use key::Key;
pub use narrowed_by::NarrowedBy;
pub use password::{Password, PasswordHash};
pub use patch::Patch;
pub use secrets::{Secrets, StoredSecret};
pub use state::{KeyState, KeyStatus, RevokeReason};
pub use usage::{Usage, Use};
pub use user::{Owner, OwnerRights, User, UserKind, UserStatus};
