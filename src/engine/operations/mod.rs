//! Changes of keys, users and companies, one file per change.
//!
//! Each operation runs on the write lane as one transaction, and its record, index entries and audit event are one
//! batch.

mod api_access;
mod companies;
mod create_key;
mod delete_key;
mod idempotency;
mod import_keys;
mod revoke_key;
mod rotate_key;
mod stage_rotation;
mod staged_rotations;
mod undelete_key;
mod update_key;
mod users;

pub use idempotency::{CreateOutcome, IdempotencyKey};
pub use import_keys::{Imported, ImportedKey, Past};

pub(in crate::engine) use staged_rotations::StagedRotations;
