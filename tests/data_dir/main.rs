//! Data directories through the binary: backups, restarts, older layouts, imports, refused places and repairs.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backup;
#[path = "../binary/run.rs"]
mod binary;
mod clock;
#[path = "../directory/copy.rs"]
mod directory;
mod formats;
mod import;
#[path = "../directory/raw_sled.rs"]
mod raw_sled;
mod refused_directories;
mod repair;
