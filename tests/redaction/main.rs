//! Secrets stay secret: passwords, key texts and peppers that are known to the tests are looked for in everything
//! that the program prints, answers or leaves on disk, and in what the library's types print of themselves.

#![cfg(feature = "server")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

mod binary;
mod console;
mod library;
mod memory;
mod planted;
mod site;
#[path = "../skipped/said.rs"]
mod skipped;
