//! Inline answers: a dialect answers from memory, on the thread that read the request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::response::with_retry_after;
use super::router::Router;
use crate::dialect::{Dialect, Failure, TryAnswer, most_specific};
use crate::http::{Body, Head, RawResponse};

/// Result of recognizing a request.
pub(in crate::server) enum Recognized<'a> {
    /// The answer: its dialect needed only memory.
    Answer(RawResponse),
    /// This dialect claims the request, and needs the body to say more.
    WantsBody(&'a Arc<dyn Dialect>),
    /// This dialect claims the request, and may block.
    WouldBlock(&'a Arc<dyn Dialect>),
    /// No dialect claims the request.
    Unclaimed,
}

impl Router {
    /// Finds the dialect that claims a request and asks it for an answer from the head alone.
    pub(in crate::server) fn recognize(&self, head: &Head<'_>) -> Recognized<'_> {
        let Some(dialect) = most_specific(&self.dialects, head) else { return Recognized::Unclaimed };
        match self.try_answer(&**dialect, head, None) {
            TryAnswer::Answer(answer) => Recognized::Answer(answer),
            TryAnswer::WantsBody => Recognized::WantsBody(dialect),
            TryAnswer::WouldBlock => Recognized::WouldBlock(dialect),
        }
    }

    /// Asks a dialect for an answer from memory. A panic in the dialect is a failure of this request alone.
    pub(in crate::server) fn try_answer(
        &self,
        dialect: &dyn Dialect,
        head: &Head<'_>,
        body: Option<&Body>,
    ) -> TryAnswer {
        let asked = catch_unwind(AssertUnwindSafe(|| dialect.try_answer(&self.service, head, body)));
        let asked = asked.unwrap_or_else(|_| {
            tracing::error!(panicked = true, "a request could not be answered");
            TryAnswer::Answer(dialect.error_response(head.path, Failure::Broken))
        });
        match asked {
            // The status is compared first, since `with_retry_after` moves the answer.
            TryAnswer::Answer(answer) if answer.status == 503 => TryAnswer::Answer(with_retry_after(answer)),
            other => other,
        }
    }
}
