//! Routes that warp answers: the probes, an embedding program's own filters, and what they leave to the dialects.
//!
//! A filter only matches; every request that one matches is answered and never rejected.

use std::sync::Arc;

use bytes::Buf;
use futures_util::Stream;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::claim::Claim;
use super::response::{plain, reply, with_retry_after};
use crate::command::Service;
use crate::dialect::Dialect;
use crate::engine::IndexState;
use crate::http::RawResponse;

/// Routes of a server.
#[derive(Clone, Default)]
pub struct Routes {
    /// Dialects on every TCP listener and socket of clients; the most specific claim to a request decides which one
    /// answers.
    pub dialects: Vec<Arc<dyn Dialect>>,
    /// Dialect on the local control socket, and on no other listener.
    pub control: Option<Arc<dyn Dialect>>,
    /// Routes of the program that embeds the server, on every listener but the control socket. They come after inline
    /// answers of dialects and before their other answers.
    pub own: Option<BoxedFilter<(Response,)>>,
}

/// Filters of the listeners for clients: liveness, readiness, `own`, claimed requests, and 404.
pub(in crate::server) fn public(
    service: Service,
    own: Option<BoxedFilter<(Response,)>>,
) -> BoxedFilter<(Response,)> {
    let read = warp::get().or(warp::head()).unify();
    let alive = warp::path!("healthz").and(read).map(|| reply(plain(200, "ok")));
    let ready = warp::path!("readyz").and(read).map(move || reply(with_retry_after(readiness(&service))));
    let other = warp::path!("healthz")
        .or(warp::path!("readyz"))
        .unify()
        .map(|| reply(plain(405, "This address takes GET and HEAD").with_header("allow", "GET, HEAD")));
    let probes = alive.or(ready).unify().or(other).unify();
    match own {
        Some(own) => probes.or(own).unify().or(claimed()).unify().boxed(),
        None => probes.or(claimed()).unify().boxed(),
    }
}

fn readiness(service: &Service) -> RawResponse {
    match (service.closed(), service.index_state()) {
        (Some(_), _) => plain(503, "the server takes no changes; its log says why"),
        (None, IndexState::Loading { percent, .. }) => {
            plain(503, &format!("loading the hot index: {percent} %"))
        }
        (None, IndexState::Ready) => plain(200, "ready"),
    }
}

/// Filter that matches every request: by its dialect where one claims it, else with 404.
pub(in crate::server) fn claimed() -> BoxedFilter<(Response,)> {
    let claimed = warp::ext::get::<Arc<Claim>>().and(warp::body::stream()).then(respond);
    claimed.or(warp::any().map(|| reply(plain(404, "Not found")))).unify().boxed()
}

async fn respond<B: Buf>(claim: Arc<Claim>, body: impl Stream<Item = Result<B, warp::Error>>) -> Response {
    claim.respond(body).await.map(Into::into)
}
