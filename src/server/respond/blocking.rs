//! Blocking answers: a dialect waits for the disk or for a password hash, on a thread that may block.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::response::with_retry_after;
use super::router::Router;
use crate::dialect::{Dialect, Failure};
use crate::http::{RawRequest, RawResponse};
use crate::limits;

impl Router {
    /// Answers on a thread that may block; `body_room` holds the body's bytes in the bound on all bodies.
    pub(super) async fn answer_blocking(
        &self,
        dialect: Arc<dyn Dialect>,
        request: RawRequest,
        body_room: OwnedSemaphorePermit,
    ) -> RawResponse {
        let Ok(permit) = Arc::clone(&self.requests).try_acquire_owned() else {
            return busy(&*dialect, &request.path);
        };
        let (service, answering, path) = (self.service.clone(), Arc::clone(&dialect), request.path.clone());
        let work = move || {
            // Held by the work, not by the connection: a client that leaves does not free a thread.
            let _held = (permit, body_room);
            answering.answer(&service, &request)
        };
        let answer = tokio::task::spawn_blocking(work).await.unwrap_or_else(|failure| {
            tracing::error!(panicked = failure.is_panic(), "a request could not be answered");
            dialect.error_response(&path, Failure::Broken)
        });
        with_retry_after(answer)
    }
}

/// The answer of a dialect when too many requests or bytes of bodies are waiting.
pub(super) fn busy(dialect: &dyn Dialect, path: &str) -> RawResponse {
    let answer = dialect.error_response(path, Failure::Busy);
    answer.with_header("retry-after", limits::REQUESTS_RETRY_AFTER_SECONDS.to_string())
}
