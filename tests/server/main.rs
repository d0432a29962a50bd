//! The HTTP server over real sockets: what bytes it takes, what it answers, and when it gives up.
#![cfg(feature = "server")]
#![expect(
    clippy::expect_used,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod bodies;
mod connections;
mod fast_path;
mod harness;
mod heads;
mod http2;
mod inline;
mod origins;
mod recognition;
mod stopping;
mod threads;
mod tls;
