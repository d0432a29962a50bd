//! Maintenance of a whole store: check, repair, backup, restore comparison, and retiring a pepper.

mod backup;
mod check;
mod repair;
mod restore_diff;
mod retire_pepper;

pub use backup::{BackupPiece, BackupPlace};
pub use check::{CheckReport, Finding};
pub use repair::Repair;
pub use restore_diff::{AccessHolder, RegainedAccess, regained_access};
pub use retire_pepper::{PepperUses, RetireError};
