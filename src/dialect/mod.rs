//! Documented HTTP APIs as pure functions from plain requests to plain answers.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod filebin;
pub mod native;

pub use filebin::Filebin;
pub use native::Native;

use crate::command::Service;
use crate::exchange::{RawRequest, RawResponse};

/// One documented API, mapped onto commands.
pub trait Dialect: Send + Sync {
    /// Whether requests for this path (as sent, without the query) are this dialect's to answer. Once it claims
    /// a path, every answer, refusals included, is in its own shape.
    fn claims(&self, path: &str) -> bool;

    /// Answers a request. May wait for the disk and for password hashing, so it is called where blocking is
    /// allowed.
    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse;
}
