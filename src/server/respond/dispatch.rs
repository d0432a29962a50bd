//! Dispatch: the one way from a request of hyper to its response, over HTTP/1 and HTTP/2.
//!
//! The order is: an inline answer of a dialect; the answer of a dialect that asked for the body; the probes and the
//! embedding program's own routes; the dialect that claims the request, on a thread that may block; 404.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::Either;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use warp::http::{Request, Response};

use super::claim::{Claim, Recognition};
use super::client_address::ClientAddress;
use super::inline::Recognized;
use super::request::{head, without_body};
use super::response::{ResponseBody, response, routed, whole};
use super::router::Router;
use crate::dialect::Dialect;

/// A response, or the work until there is one. The work is boxed, so that an inline answer does not move its room.
pub(in crate::server) type Responding = Either<Ready<Response<ResponseBody>>, Pin<Box<Work>>>;

type Work = dyn Future<Output = Response<ResponseBody>> + Send;

impl Router {
    /// Responds to a request; `known` is what the fast path found out about it.
    pub(in crate::server) fn respond(
        self: &Arc<Self>,
        request: Request<Incoming>,
        client: ClientAddress,
        known: Recognition,
    ) -> Responding {
        match known {
            Recognition::WouldBlock(dialect) => self.respond_by_routes(request, client, Some(dialect)),
            Recognition::Unclaimed => self.respond_by_routes(request, client, None),
            Recognition::Pending => match self.recognize(&head(&request, client)) {
                Recognized::Answer(answer) => Either::Left(ready(response(answer).map(whole))),
                Recognized::WantsBody(dialect) => {
                    let (parts, body) = request.into_parts();
                    let (request, body) = (Request::from_parts(parts, ()), body.into_data_stream());
                    let (router, dialect) = (Arc::clone(self), Arc::clone(dialect));
                    let claim = Claim { router, dialect, request, client, wants_body: true };
                    Either::Right(Box::pin(async move { claim.respond(body).await.map(whole) }))
                }
                Recognized::WouldBlock(dialect) => {
                    self.respond_by_routes(request, client, Some(Arc::clone(dialect)))
                }
                Recognized::Unclaimed => self.respond_by_routes(request, client, None),
            },
        }
    }

    /// Responds through warp's filters. They find the claim, if there is one, among the request's extensions.
    fn respond_by_routes(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        client: ClientAddress,
        dialect: Option<Arc<dyn Dialect>>,
    ) -> Responding {
        if let Some(dialect) = dialect {
            let (router, copy) = (Arc::clone(self), without_body(&request));
            let claim = Claim { router, dialect, request: copy, client, wants_body: false };
            request.extensions_mut().insert(Arc::new(claim));
        }
        let responding = TowerToHyperService::new(warp::service(self.routes.clone())).call(request);
        Either::Right(Box::pin(async move {
            let Ok::<_, Infallible>(response) = responding.await;
            response.map(routed)
        }))
    }
}
