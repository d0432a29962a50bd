//! Documented HTTP APIs as pure functions from plain requests to plain answers.
//!
//! Each API is a *dialect*: a type that implements [`Dialect`] in a folder of its own. A dialect reads a request that is
//! already bounded and whole, authenticates its caller as its document says, runs commands, and writes every outcome,
//! refusals included, in the shape that its clients know. It does no I/O, knows no server, and never decides about
//! rights: the gate below the commands does.
//!
//! # A new dialect
//! 1. A folder `dialect/<api>/` with `mod.rs` (the type and its `impl Dialect`), `route.rs` (which paths it claims, how
//!    specifically, and what each is for), `decode.rs`, `encode.rs` and `refusal.rs` (one enum of everything that can go
//!    wrong, with its status and words). `telvue/` is the smallest to copy, `freesewing/` the plainest with logins.
//! 2. Its claims. [`claims`](Dialect::claims) takes every path whose refusal should be in the API's shape, also
//!    lookalikes; [`specificity`](Dialect::specificity) says how specific that claim is. No list has to be put in order.
//! 3. Its answers: match every [`DenyReason`](crate::verify::DenyReason), every
//!    [`ErrorKind`](crate::command::ErrorKind) and every [`Failure`] without a wildcard, so that a new one does not
//!    compile until its words are chosen. A denied key is one answer to the byte, whatever is wrong with the key.
//! 4. A line in `mod.rs` here, and one in `cli/apis.rs`, which serves it.
//! 5. Tests: a row of `tests/dialects/conformance.rs` plays the rules that hold for every dialect; `tests/refusals/` plays
//!    every documented refusal; a fuzz target sends it anything.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod bokamera;
mod claim;
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
pub use claim::{Specificity, most_specific};
pub use filebin::Filebin;
pub use freesewing::FreeSewing;
pub use gateway::Gateway;
pub use native::{Native, Welcome};
pub use nested::Nested;
pub use qreserve::QReserve;
pub use telvue::TelVue;

use crate::command::Service;
use crate::http::{Body, Head, RawRequest, RawResponse};

/// Dialect: a documented API, mapped onto commands.
///
/// The server calls a dialect for each request in this order: [`claims`](Self::claims), [`declines`](Self::declines) and
/// [`specificity`](Self::specificity) to find out which dialect answers; then [`try_answer`](Self::try_answer) without
/// the body, and again with the body if it wants the body; then, if that would block, [`answer`](Self::answer).
/// [`error_response`](Self::error_response) takes the place of an answer that could not be made.
///
/// Many threads call one value at the same time. All methods but `answer` run on a thread that serves other connections
/// meanwhile: they must not wait for the disk, a lock that is held across I/O, or the hash of a password, and must take
/// time bounded by the length of the request. A panic in any of them costs that request alone, which is answered with
/// `error_response`.
///
/// **What must never happen**: an answer that shows a key text other than once at its creation or where the keyspace
/// documents it; an answer from which a client without a good key learns whether a key, user or company exists; an
/// answer in another API's shape on a claimed path; a command run for a caller that was not authenticated from this
/// request.
pub trait Dialect: Send + Sync {
    /// Whether requests for this path, as sent and without the query, are this dialect's to answer. Every answer on a
    /// claimed path, refusals included, is in the dialect's own shape.
    ///
    /// Called first for each request, for every dialect until the search ends. The path is untrusted bytes of any form.
    /// The same path must always be answered alike. A claim too many is harmless where another dialect's is more
    /// specific; a claim too few gives clients the server's plain 404.
    fn claims(&self, path: &str) -> bool;

    /// Whether this dialect leaves a request for a path that it claims to the next one who claims the path. It may look
    /// at the method and the header fields.
    ///
    /// Called after `claims` said yes. Declining a request that no other dialect claims makes it a plain 404.
    fn declines(&self, _head: &Head<'_>) -> bool {
        false
    }

    /// How specific the claim to this request's path is: of several dialects that claim a path the one with the most
    /// specific claim answers.
    ///
    /// Called after `claims` said yes and `declines` said no. A rank that is too low or too high only matters where two
    /// dialects meet; two equal ones that meet are a fault, which the test of all pairs finds for the APIs here. The
    /// default, the shortest prefix, suits a dialect that has its paths to itself.
    fn specificity(&self, _head: &Head<'_>) -> Specificity {
        Specificity::Prefix { bytes: "/".len() }
    }

    /// Answers a request. It may wait for the disk and for password hashing: the server calls it on a thread where
    /// blocking is allowed, once for each request, unless `try_answer` had an answer.
    ///
    /// The request is bounded, and whole but for its body, which may be too large or incomplete: [`Body`] says so, and
    /// the dialect words the refusal.
    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse;

    /// The answer, in the dialect's shape, to a request for this path that could not be carried out at all: too many
    /// wait, or `answer` panicked. The server adds `Retry-After` where that helps.
    ///
    /// A panic may come after a commit, so the text must not say that nothing happened.
    fn error_response(&self, _path: &str, failure: Failure) -> RawResponse {
        let (status, what) = match failure {
            Failure::Busy => (503, "Too many requests are waiting\n"),
            Failure::Broken => (500, "Internal server error\n"),
        };
        RawResponse::new(status, "text/plain; charset=utf-8", what)
    }

    /// Answers without blocking, if all that this request needs is in memory. The server calls it on the thread that
    /// read the request: first without the body, then with it if the dialect asked for it.
    ///
    /// [`TryAnswer::WouldBlock`] is always allowed, and costs speed alone; the default gives it for every request. An
    /// answer must be the one that `answer` would give, and is the only one: a use of a key that was counted here is not
    /// counted again. After `WouldBlock` and `WantsBody` nothing may have been counted or changed.
    fn try_answer(&self, _service: &Service, _head: &Head<'_>, _body: Option<&Body>) -> TryAnswer {
        TryAnswer::WouldBlock
    }
}

/// Reason why a request could not be carried out at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Too many requests wait. Nothing was begun; the client may repeat the request.
    Busy,
    /// The server is at fault.
    Broken,
}

/// Outcome of asking a dialect for an answer without blocking.
#[derive(Debug)]
pub enum TryAnswer {
    /// The answer.
    Answer(RawResponse),
    /// The dialect can tell only with the body.
    WantsBody,
    /// Deciding may wait: the request is for [`Dialect::answer`].
    WouldBlock,
}
