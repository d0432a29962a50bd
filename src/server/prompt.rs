//! Requests to hyper that are answered where they arrive, ahead of the routes: from memory, by a dialect that never
//! waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use warp::http::{HeaderMap, HeaderValue, Request, Response};

use super::body;
use super::origin::Origin;
use super::respond::{closing, plain, response};
use super::route::{Desk, busy, plain_fields, with_retry};
use crate::dialect::{Dialect, Failure, Prompt};
use crate::http::{Body, Fields, Head, RawRequest};

/// What comes next for a request.
pub(super) enum Next {
    /// It is answered.
    Answered(Response<Bytes>),
    /// It is answered as soon as its body is read.
    Body,
    /// It is for the routes.
    Routes,
}

impl Desk {
    /// Answers at once, if that can be done.
    pub(super) fn prompt<B>(&self, request: &Request<B>, origin: Origin) -> Next {
        let head = head(request, origin);
        let Some(dialect) = self.claiming(&head) else { return Next::Routes };
        match self.ask(&**dialect, &head, None) {
            Prompt::Answer(answer) => Next::Answered(response(answer)),
            Prompt::WantsBody => Next::Body,
            Prompt::MayBlock => Next::Routes,
        }
    }

    /// Reads the body and answers, at once if that can still be done.
    pub(super) async fn with_body(&self, request: Request<Incoming>, origin: Origin) -> Response<Bytes> {
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
            Prompt::Answer(answer) => answer,
            Prompt::WantsBody | Prompt::MayBlock => {
                self.answer(Arc::clone(dialect), raw(&request, origin, body), room).await
            }
        };
        if whole { response(answer) } else { closing(response(answer)) }
    }

    /// Asks the dialect for an answer at once.
    pub(super) fn ask(&self, dialect: &dyn Dialect, head: &Head<'_>, body: Option<&Body>) -> Prompt {
        // Whatever goes wrong in here is one request's, not its connection's.
        let asked = catch_unwind(AssertUnwindSafe(|| dialect.prompt(&self.service, head, body)));
        let asked = asked.unwrap_or_else(|_| {
            tracing::error!(panicked = true, "a request could not be answered");
            Prompt::Answer(dialect.failed(head.path, Failure::Broken))
        });
        match asked {
            // Looked at first: an answer is not moved for nothing.
            Prompt::Answer(answer) if answer.status == 503 => Prompt::Answer(with_retry(answer)),
            other => other,
        }
    }
}

fn head<B>(request: &Request<B>, origin: Origin) -> Head<'_> {
    Head {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        client: origin.client,
        entrance: origin.entrance,
        fields: request.headers(),
    }
}

/// The request as a plain value.
fn raw<B>(request: &Request<B>, origin: Origin, body: Body) -> RawRequest {
    RawRequest {
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        headers: plain_fields(request.headers()),
        client: origin.client,
        entrance: origin.entrance,
        body,
    }
}

impl Fields for HeaderMap {
    fn each<'a>(&'a self, name: &'static str, look: &mut dyn FnMut(&'a [u8])) {
        self.get_all(name).iter().map(HeaderValue::as_bytes).for_each(look);
    }
}
