//! Requests to hyper that are answered where they arrive, ahead of the routes: from memory, by a dialect that never
//! waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use warp::http::{Request, Response};

use super::body;
use super::client_address::ClientAddress;
use super::request::{head, raw};
use super::response::{closing, plain, response};
use super::router::{Router, busy, with_retry};
use crate::dialect::{Dialect, Failure, TryAnswer};
use crate::http::{Body, Head};

/// What comes next for a request.
pub(in crate::server) enum Next {
    /// It is answered.
    Answered(Response<Bytes>),
    /// It is answered as soon as its body is read.
    Body,
    /// It is for the routes.
    Routes,
}

impl Router {
    /// Answers at once, if that can be done.
    pub(in crate::server) fn prompt<B>(&self, request: &Request<B>, origin: ClientAddress) -> Next {
        let head = head(request, origin);
        let Some(dialect) = self.claiming(&head) else { return Next::Routes };
        match self.ask(&**dialect, &head, None) {
            TryAnswer::Answer(answer) => Next::Answered(response(answer)),
            TryAnswer::WantsBody => Next::Body,
            TryAnswer::WouldBlock => Next::Routes,
        }
    }

    /// Reads the body and answers, at once if that can still be done.
    pub(in crate::server) async fn with_body(
        &self,
        request: Request<Incoming>,
        origin: ClientAddress,
    ) -> Response<Bytes> {
        let (parts, incoming) = request.into_parts();
        let read = body::read(&parts.headers, incoming.into_data_stream(), &self.bounds, &self.bodies).await;
        let request = Request::from_parts(parts, ());
        let path = request.uri().path();
        let Some(dialect) = self.claiming(&head(&request, origin)) else {
            return closing(response(plain(404, "Not found")));
        };
        let Ok((body, room)) = read else { return closing(response(busy(&**dialect, path))) };
        let whole = matches!(body, Body::Whole(_));
        let prompt = self.ask(&**dialect, &head(&request, origin), Some(&body));
        let answer = match prompt {
            TryAnswer::Answer(answer) => answer,
            TryAnswer::WantsBody | TryAnswer::WouldBlock => {
                self.answer(Arc::clone(dialect), raw(&request, origin, body), room).await
            }
        };
        if whole { response(answer) } else { closing(response(answer)) }
    }

    /// Asks the dialect for an answer at once.
    pub(in crate::server) fn ask(
        &self,
        dialect: &dyn Dialect,
        head: &Head<'_>,
        body: Option<&Body>,
    ) -> TryAnswer {
        // Whatever goes wrong in here is one request's, not its connection's.
        let asked = catch_unwind(AssertUnwindSafe(|| dialect.try_answer(&self.service, head, body)));
        let asked = asked.unwrap_or_else(|_| {
            tracing::error!(panicked = true, "a request could not be answered");
            TryAnswer::Answer(dialect.error_response(head.path, Failure::Broken))
        });
        match asked {
            // Looked at first: an answer is not moved for nothing.
            TryAnswer::Answer(answer) if answer.status == 503 => TryAnswer::Answer(with_retry(answer)),
            other => other,
        }
    }
}
