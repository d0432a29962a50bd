//! The only writer: one file per thing that can happen to a key or a user.
//!
//! **Order of effects: durable, visible, answered.** Whatever an operation writes survives a power cut before any
//! reader sees it, and is seen by every reader before the operation answers. So a created key cannot verify before
//! it is safe, and once a revoke has answered no verify can allow.

mod background;
mod commit;
mod error;
mod handle;
mod imported_hashes;
mod inputs;
mod maintenance;
mod operations;
mod read;
mod rights;

pub use background::IndexState;
pub use error::EngineError;
pub use handle::{Engine, Parts};
pub use imported_hashes::Patience;
pub use inputs::{KeyChange, NewCompany, NewKey, NewKind, NewUser, UserChange};
pub use maintenance::{
    BackupPiece, BackupPlace, CheckReport, Finding, PepperUses, Regained, Regainer, Repair, RetireError,
    regained,
};
pub use operations::{Created, Imported, ImportedKey, Past, RequestMark};
pub use read::{Chain, Cursor, EventFilter, KeyCounts, KeyFilter, Reader, Summary, Trail, Whose};
pub use rights::Right;
