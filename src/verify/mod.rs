//! The read path: may this key be used, here and now? No write, no lock held across I/O.
//!
//! `verifier.rs` is one verify from text to verdict; `judge.rs` is the decision as a pure function; `batch.rs` verifies
//! many keys; `explain.rs` gives the verdict with its reasons, without a use.

#![deny(clippy::wildcard_enum_match_arm)]

mod batch;
mod explain;
mod judge;
mod request;
#[cfg(test)]
mod tests;
mod verdict;
mod verdict_counters;
mod verifier;

pub use explain::Explanation;
pub use judge::{Check, checks, judge};
pub use request::VerifyRequest;
pub use verdict::{DenyReason, Identity, Verdict};
pub use verdict_counters::Verdicts;
pub use verifier::Verifier;
