//! Commands about keys.

mod create;
mod create_once;
mod delete;
mod find;
mod import;
mod list;
mod revoke;
mod rotate;
mod show;
mod show_text;
mod stage_rotation;
mod undelete;
mod update;

pub use create::{CreateKey, KeyWithText};
pub use create_once::CreateKeyOnce;
pub use delete::DeleteKey;
pub use find::FindKeys;
pub use import::ImportKeys;
pub use list::ListKeys;
pub use revoke::RevokeKey;
pub use rotate::RotateKey;
pub use show::ShowKey;
pub use show_text::ShowText;
pub use stage_rotation::{CancelRotation, CommitRotation, StageRotation};
pub use undelete::UndeleteKey;
pub use update::UpdateKey;

use super::Need;
use crate::key::Level;

/// Levels for managing a key: one of the caller's own, and one of the caller's company.
const MANAGE: Need = Need::of(Level::OWN, Level::ADMINISTER);
