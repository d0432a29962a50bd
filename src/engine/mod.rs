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
mod sealed_copy;

pub use background::{HotState, IndexState};
pub use error::EngineError;
pub use handle::{Engine, Parts};
pub use imported_hashes::WaitPolicy;
pub use inputs::{KeyChange, NewCompany, NewKey, NewKind, NewUser, UserChange};
pub use maintenance::{
    AccessHolder, BackupPiece, BackupPlace, CheckReport, Finding, PepperUses, RegainedAccess, Repair,
    RetireError, regained_access,
};
pub use operations::{CreateOutcome, IdempotencyKey, Imported, ImportedKey, Past};
pub use read::{AuditPage, Chain, Cursor, EventFilter, KeyCounts, KeyFilter, KeyScope, Reader, Summary};
pub use rights::Right;
