//! Requests that are answered where they arrive, ahead of the routes: from memory, by a dialect that never waits.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use warp::http::request::Parts;
use warp::http::{HeaderMap, Request};
use warp::reply::Response;

use super::body;
use super::origin::Origin;
use super::respond::{closing, response};
use super::route::{Desk, broken, busy, plain_fields};
use crate::dialect::{Dialect, Prompt};
use crate::exchange::{Body, Fields, Head, RawRequest};

/// What comes next for a request.
pub(super) enum Next {
    /// It is answered.
    Answered(Response),
    /// It is answered as soon as its body is read.
    Body(Request<Incoming>, Origin),
    /// It is for the routes.
    Routes(Request<Incoming>),
}

impl Desk {
    /// Answers at once, if that can be done.
    pub(super) fn prompt(&self, request: Request<Incoming>, origin: Origin) -> Next {
        let Some(dialect) = self.claiming(request.uri().path()) else {
            return Next::Routes(for_routes(request, origin));
        };
        let (parts, incoming) = request.into_parts();
        let prompt = self.ask(&**dialect, &parts, origin, None);
        match prompt {
            Prompt::Answer(answer) => Next::Answered(response(answer)),
            Prompt::WantsBody => Next::Body(Request::from_parts(parts, incoming), origin),
            Prompt::MayBlock => Next::Routes(for_routes(Request::from_parts(parts, incoming), origin)),
        }
    }

    /// Reads the body and answers, at once if that can still be done.
    pub(super) async fn with_body(&self, request: Request<Incoming>, origin: Origin) -> Response {
        let (parts, incoming) = request.into_parts();
        let read = body::read(&parts.headers, incoming.into_data_stream(), &self.bounds, &self.bodies).await;
        let Ok((body, room)) = read else { return closing(response(busy())) };
        let whole = matches!(body, Body::Whole(_));
        let Some(dialect) = self.claiming(parts.uri.path()) else { return closing(response(broken())) };
        let answer = match self.ask(&**dialect, &parts, origin, Some(&body)) {
            Prompt::Answer(answer) => answer,
            Prompt::WantsBody | Prompt::MayBlock => {
                let request = raw(&parts, origin, body);
                self.answer(dialect.clone(), request, room).await
            }
        };
        if whole { response(answer) } else { closing(response(answer)) }
    }

    fn ask(&self, dialect: &dyn Dialect, parts: &Parts, origin: Origin, body: Option<&Body>) -> Prompt {
        let head = Head {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            client: origin.client,
            entrance: origin.entrance,
            fields: &parts.headers,
        };
        // Whatever goes wrong in here is one request's, not its connection's.
        let asked = catch_unwind(AssertUnwindSafe(|| dialect.prompt(&self.service, &head, body)));
        asked.unwrap_or_else(|_| {
            tracing::error!(panicked = true, "a request could not be answered");
            Prompt::Answer(broken())
        })
    }
}

/// The request as a plain value.
fn raw(parts: &Parts, origin: Origin, body: Body) -> RawRequest {
    RawRequest {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: plain_fields(&parts.headers),
        client: origin.client,
        entrance: origin.entrance,
        body,
    }
}

fn for_routes(mut request: Request<Incoming>, origin: Origin) -> Request<Incoming> {
    request.extensions_mut().insert(origin);
    request
}

impl Fields for HeaderMap {
    fn value(&self, name: &'static str, nth: usize) -> Option<&[u8]> {
        self.get_all(name).iter().nth(nth).map(|value| value.as_bytes())
    }
}
