//! Hostile input to filebin's API over real sockets: whatever comes, it is answered in bounded time and memory,
//! changes nothing that it has no right to change, and the next good request is answered as if nothing had been.
#![cfg(feature = "server")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

mod bodies;
mod client;
#[path = "../dialects/demo.rs"]
mod demo;
mod fields;
mod floods;
mod heads;
mod site;
