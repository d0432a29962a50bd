//! The real binary, as a person or a script uses it.

#![cfg(feature = "server")]
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "../binary/run.rs"]
mod binary;
mod certificate;
mod data;
mod printing;
mod serving;
mod site;
#[path = "../skipped/said.rs"]
mod skipped;
mod subcommands;
