//! Keys: created, read, changed, rotated, stopped, imported.

mod create;
mod import;
mod list;
mod rotate;
mod show;
mod stop;
mod update;

pub use create::{CreateKey, CreateKeyOnce, Issued};
pub use import::ImportKeys;
pub use list::{FindKeys, KeyPage, ListKeys};
pub use rotate::{AdoptText, DiscardText, ProposeText, RotateKey};
pub use show::{ShowKey, ShowText};
pub use stop::{DeleteKey, RevokeKey, UndeleteKey};
pub use update::UpdateKey;

use super::Need;
use crate::key::Level;

/// What an own key takes, and one of the company.
const MANAGE: Need = Need::of(Level::OWN, Level::ADMINISTER);
