//! The documented APIs, from request bytes to answer bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

mod bokamera;
#[cfg(feature = "server")]
mod clients;
mod conformance;
#[cfg(feature = "server")]
mod curl;
#[cfg(feature = "server")]
mod demo;
mod filebin;
mod freesewing;
mod qreserve;
#[cfg(feature = "server")]
#[path = "../skipped/said.rs"]
mod skipped;
mod telvue;
mod transcript;
#[cfg(feature = "server")]
mod wire;
mod world;
#[path = "../../fuzz/targets/xml.rs"]
mod xml;
