//! Documented HTTP APIs as pure functions from plain requests to plain answers.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod bokamera;
mod denial;
pub mod filebin;
pub mod freesewing;
pub mod gateway;
pub mod native;
mod nested;
pub mod qreserve;
pub mod telvue;
mod xml;

pub use bokamera::BokaMera;
pub use filebin::Filebin;
pub use freesewing::FreeSewing;
pub use gateway::Gateway;
pub use native::Native;
pub use nested::Nested;
pub use qreserve::QReserve;
pub use telvue::TelVue;

use crate::command::Service;
use crate::http::{Body, Head, RawRequest, RawResponse};

/// One documented API, mapped onto commands.
pub trait Dialect: Send + Sync {
    /// Whether requests for this path (as sent, without the query) are this dialect's to answer. Once it claims
    /// a path, every answer, refusals included, is in its own shape.
    fn claims(&self, path: &str) -> bool;

    /// Whether a request for a path that it claims is left to the next one who claims it.
    fn declines(&self, _head: &Head<'_>) -> bool {
        false
    }

    /// Answers a request. May wait for the disk and for password hashing, so it is called where blocking is
    /// allowed.
    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse;

    /// Answers a request for this path that could not be carried out at all, in the dialect's own shape.
    fn error_response(&self, _path: &str, failure: Failure) -> RawResponse {
        let (status, what) = match failure {
            Failure::Busy => (503, "Too many requests are waiting\n"),
            Failure::Broken => (500, "Internal server error\n"),
        };
        RawResponse::new(status, "text/plain; charset=utf-8", what)
    }

    /// Answers at once, if all that this request needs is in memory. Never waits: it is called where nothing may
    /// block. First asked without the body.
    fn try_answer(&self, _service: &Service, _head: &Head<'_>, _body: Option<&Body>) -> TryAnswer {
        TryAnswer::WouldBlock
    }
}

/// Why a request could not be carried out at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Too many are waiting. Nothing was begun; come back.
    Busy,
    /// The server is at fault.
    Broken,
}

/// What came of asking a dialect for an answer at once.
#[derive(Debug)]
pub enum TryAnswer {
    /// The answer.
    Answer(RawResponse),
    /// It takes the body to tell.
    WantsBody,
    /// It may take waiting: the request is for [`Dialect::answer`].
    WouldBlock,
}
