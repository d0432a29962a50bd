//! Claimed requests: the dialect is known, the body is not read yet.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::Stream;
use warp::http::{Request, Response};

use super::blocking::busy;
use super::body;
use super::client_address::ClientAddress;
use super::request::{head, raw_request};
use super::response::{closing, response};
use super::router::Router;
use crate::dialect::{Dialect, TryAnswer};
use crate::http::Body;

/// A request without its body, and the dialect that answers it.
pub(super) struct Claim {
    pub(super) router: Arc<Router>,
    pub(super) dialect: Arc<dyn Dialect>,
    pub(super) request: Request<()>,
    pub(super) client: ClientAddress,
    /// Whether the dialect asked for the body, and so may answer inline.
    pub(super) wants_body: bool,
}

impl Claim {
    /// Reads the body and responds. A response to a body that was not read whole ends the connection.
    pub(super) async fn respond<B: Buf, E>(&self, body: impl Stream<Item = Result<B, E>>) -> Response<Bytes> {
        let Self { router, dialect, request, client, wants_body } = self;
        let read = body::read(request.headers(), body, &router.bounds, &router.bodies).await;
        let Ok((body, room)) = read else {
            return closing(response(busy(&**dialect, request.uri().path())));
        };
        let whole = matches!(body, Body::Whole(_));
        let asked = if *wants_body {
            router.try_answer(&**dialect, &head(request, *client), Some(&body))
        } else {
            TryAnswer::WouldBlock
        };
        let answer = match asked {
            TryAnswer::Answer(answer) => answer,
            TryAnswer::WantsBody | TryAnswer::WouldBlock => {
                let request = raw_request(request, *client, body);
                router.answer_blocking(Arc::clone(dialect), request, room).await
            }
        };
        if whole { response(answer) } else { closing(response(answer)) }
    }
}

/// What the fast path knows of the request that it leaves to hyper.
#[derive(Default)]
pub(in crate::server) enum Recognition {
    /// Nothing: no dialect was looked for.
    #[default]
    Pending,
    /// No dialect claims the request.
    Unclaimed,
    /// This dialect claims the request and may block, whether it has the body or not.
    WouldBlock(Arc<dyn Dialect>),
}
