//! The documented APIs, from request bytes to answer bytes.

#![cfg(feature = "server")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

mod bokamera;
mod clients;
mod conformance;
mod curl;
mod demo;
mod filebin;
mod freesewing;
mod qreserve;
#[path = "../skipped/said.rs"]
mod skipped;
mod telvue;
mod transcript;
mod wire;
mod world;
#[path = "../../fuzz/targets/xml.rs"]
mod xml;
