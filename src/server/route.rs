//! Which dialect answers a request. Filters only match; whatever they match is answered, never rejected.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Buf;
use futures_util::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::reply::Response;

use super::respond::{closing, plain, response};
use super::{Bounds, body};
use crate::command::Service;
use crate::dialect::Dialect;
use crate::exchange::{Body, RawRequest, RawResponse};
use crate::limits;

/// Who answers what.
#[derive(Clone, Default)]
pub struct Routes {
    /// Served on every TCP listener; the first that claims a path answers.
    pub dialects: Vec<Arc<dyn Dialect>>,
    /// Served on the local control socket, and nowhere else.
    pub control: Option<Arc<dyn Dialect>>,
}

/// The address of a TCP client, put into a request's extensions; absent on the control socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// What TCP listeners serve: liveness, readiness, the dialects, and 404.
pub(super) fn public(
    dialects: Vec<Arc<dyn Dialect>>,
    service: Service,
    bounds: Bounds,
) -> BoxedFilter<(Response,)> {
    let read = warp::get().or(warp::head()).unify();
    let alive = warp::path!("healthz").and(read).map(|| response(plain(200, "ok")));
    let probed = service.clone();
    let ready = warp::path!("readyz").and(read).map(move || response(readiness(&probed)));
    alive.or(ready).unify().or(claimed(dialects, service, bounds)).unify().boxed()
}

/// What the control socket serves.
pub(super) fn control(
    dialect: Arc<dyn Dialect>,
    service: Service,
    bounds: Bounds,
) -> BoxedFilter<(Response,)> {
    claimed(vec![dialect], service, bounds)
}

fn readiness(service: &Service) -> RawResponse {
    match service.closed() {
        None => plain(200, "ready"),
        Some(reason) => plain(503, &reason),
    }
}

/// Matches every request.
fn claimed(dialects: Vec<Arc<dyn Dialect>>, service: Service, bounds: Bounds) -> BoxedFilter<(Response,)> {
    let desk = Arc::new(Desk {
        dialects,
        service,
        requests: Arc::new(Semaphore::new(bounds.requests)),
        bodies: Arc::new(Semaphore::new(bounds.bodies_bytes)),
        bounds,
    });
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::any()
        .map(move || Arc::clone(&desk))
        .and(warp::method())
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<Peer>())
        .and(warp::body::stream())
        .then(serve)
        .boxed()
}

struct Desk {
    dialects: Vec<Arc<dyn Dialect>>,
    service: Service,
    /// Requests that may still begin to be answered.
    requests: Arc<Semaphore>,
    /// Bytes of bodies that may still be held.
    bodies: Arc<Semaphore>,
    bounds: Bounds,
}

async fn serve<B: Buf>(
    desk: Arc<Desk>,
    method: Method,
    path: FullPath,
    query: String,
    headers: HeaderMap,
    peer: Option<Peer>,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Response {
    let Some(dialect) = desk.dialects.iter().find(|dialect| dialect.claims(path.as_str())).cloned() else {
        return response(plain(404, "Not found"));
    };
    let Ok((body, room)) = body::read(&headers, body, &desk.bounds, &desk.bodies).await else {
        return closing(response(busy()));
    };
    let whole = matches!(body, Body::Whole(_));
    let request = RawRequest {
        method: method.as_str().to_owned(),
        path: path.as_str().to_owned(),
        query,
        headers: headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
        client: peer.map(|Peer(address)| address),
        body,
    };
    let response = response(answer(desk, dialect, request, room).await);
    if whole { response } else { closing(response) }
}

/// Has the dialect answer on a thread that may block. `room` is what the body takes.
async fn answer(
    desk: Arc<Desk>,
    dialect: Arc<dyn Dialect>,
    request: RawRequest,
    room: OwnedSemaphorePermit,
) -> RawResponse {
    let Ok(place) = Arc::clone(&desk.requests).try_acquire_owned() else { return busy() };
    let work = move || {
        // Held by the work, not by the connection: a client who leaves does not make room.
        let _held = (place, room);
        dialect.answer(&desk.service, &request)
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|failure| {
        tracing::error!(panicked = failure.is_panic(), "a request could not be answered");
        plain(500, "Internal server error")
    })
}

fn busy() -> RawResponse {
    plain(503, "Too many requests are waiting")
        .with_header("retry-after", limits::REQUESTS_RETRY_AFTER_SECONDS.to_string())
}
