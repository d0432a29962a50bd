//! The only writer: one file per thing that can happen to a key or a user.
//!
//! **Order of effects: durable, visible, answered.** Whatever an operation writes survives a power cut before any
//! reader sees it, and is seen by every reader before the operation answers. So a created key cannot verify before
//! it is safe, and once a revoke has answered no verify can allow.

mod access;
mod backup;
mod changed;
mod check;
mod companies;
mod create;
mod cursor;
mod delete;
mod doubt;
mod draft;
mod entries;
mod error;
mod find;
mod foreign;
mod image;
mod import;
mod kept;
mod lane;
mod list;
mod load;
mod lookup;
mod once;
mod open;
mod operation;
mod owner_limits;
mod passwords;
mod peppers;
mod propose;
mod queue;
mod reader;
mod recount;
mod regained;
mod rehash;
mod repair;
mod revoke;
mod rights;
#[cfg(test)]
mod rights_tests;
mod rotate;
mod salted;
mod schemes;
mod sightings;
mod summary;
mod sweep;
mod trail;
mod undelete;
mod update;
mod usage;
mod users;

pub use backup::{BackupPiece, BackupPlace};
pub use check::{CheckReport, Finding};
pub use cursor::Cursor;
pub use draft::{KeyChange, NewCompany, NewKey, NewKind, NewUser, UserChange};
pub use error::EngineError;
pub use find::{KeyFilter, Whose};
pub use import::{Imported, ImportedKey, Past};
pub use load::IndexState;
pub use once::{Created, RequestMark};
pub use open::{Engine, Parts};
pub use peppers::{PepperUses, RetireError};
pub use reader::Reader;
pub use regained::{Regained, Regainer, regained};
pub use repair::Repair;
pub use rights::Right;
pub use salted::Patience;
pub use summary::{KeyCounts, Summary};
pub use trail::{Chain, EventFilter, Trail};
