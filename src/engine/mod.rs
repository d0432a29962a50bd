//! The engine: the only writer of the store.
//!
//! | room | what it has |
//! |---|---|
//! | `operations/` | one file per change of keys, users and companies |
//! | `rights/` | rules about who may give or widen a right |
//! | `commit/` | write lane, transactions, index entries and audit events |
//! | `read/` | records, lists, the audit, and the look-up for verify |
//! | `imported_hashes/` | keys of which another system's hash was imported |
//! | `background/` | work that no caller waits for: write-behind, index loader, scrub, password hashing |
//! | `maintenance/` | check, repair, backup, restore comparison, retiring a pepper |
//!
//! **Order of effects: durable, visible, answered.** Everything that an operation writes survives a power cut before
//! any reader sees it, and every reader sees it before the operation returns. So a created key cannot verify before it
//! is durable, and after a revoke has returned no verify allows the key.
//!
//! # Errors
//! Every operation that writes can also return [`EngineError::Store`] and [`EngineError::Stopped`]. After
//! [`EngineError::Stopped`] or a store that is closed the process has to be restarted; verifying goes on until then.

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
