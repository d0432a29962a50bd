//! Which dialect answers a request. Filters only match; whatever they match is answered, never rejected.

use std::sync::Arc;

use bytes::Buf;
use futures_util::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::reply::Response;

use super::body;
use super::client_address::ClientAddress;
use super::request::plain_fields;
use super::response::{closing, plain, reply};
use crate::command::Service;
use crate::dialect::{Dialect, Failure, most_specific};
use crate::engine::IndexState;
use crate::http::{Body, Head, RawRequest, RawResponse, TrustedProxies};
use crate::limits;
use crate::server::bounds::Bounds;

/// Who answers what.
#[derive(Clone, Default)]
pub struct Routes {
    /// Served on every TCP listener; of those that claim a path the most specific claim answers.
    pub dialects: Vec<Arc<dyn Dialect>>,
    /// Served on the local control socket, and nowhere else.
    pub control: Option<Arc<dyn Dialect>>,
    /// Routes of the program that embeds the server, on every listener but the control socket: for what no dialect
    /// answers at once, and before the others.
    pub own: Option<BoxedFilter<(Response,)>>,
}

/// What the listeners for everyone serve: liveness, readiness, the dialects, and 404.
pub(in crate::server) fn public(
    router: Arc<Router>,
    own: Option<BoxedFilter<(Response,)>>,
) -> BoxedFilter<(Response,)> {
    let read = warp::get().or(warp::head()).unify();
    let alive = warp::path!("healthz").and(read).map(|| reply(plain(200, "ok")));
    let probed = router.service.clone();
    let ready = warp::path!("readyz").and(read).map(move || reply(with_retry(readiness(&probed))));
    let other = warp::path!("healthz")
        .or(warp::path!("readyz"))
        .unify()
        .map(|| reply(plain(405, "This address takes GET and HEAD").with_header("allow", "GET, HEAD")));
    let probes = alive.or(ready).unify().or(other).unify();
    match own {
        Some(own) => probes.or(own).unify().or(claimed(router)).unify().boxed(),
        None => probes.or(claimed(router)).unify().boxed(),
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

/// Matches every request.
pub(in crate::server) fn claimed(router: Arc<Router>) -> BoxedFilter<(Response,)> {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::any()
        .map(move || Arc::clone(&router))
        .and(warp::method())
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<ClientAddress>())
        .and(warp::body::stream())
        .then(serve)
        .boxed()
}

/// Who answers the requests of a listener, and with what.
pub(in crate::server) struct Router {
    dialects: Vec<Arc<dyn Dialect>>,
    pub(in crate::server) service: Service,
    /// Whose word counts about where requests come from.
    pub(in crate::server) proxies: TrustedProxies,
    /// Requests that may still begin to be answered.
    requests: Arc<Semaphore>,
    /// Bytes of bodies that may still be held.
    pub(in crate::server) bodies: Arc<Semaphore>,
    pub(in crate::server) bounds: Bounds,
}

impl Router {
    pub(in crate::server) fn new(
        dialects: Vec<Arc<dyn Dialect>>,
        service: Service,
        proxies: TrustedProxies,
        bounds: Bounds,
    ) -> Arc<Self> {
        Arc::new(Self {
            dialects,
            service,
            proxies,
            requests: Arc::new(Semaphore::new(bounds.requests)),
            bodies: Arc::new(Semaphore::new(bounds.bodies_bytes)),
            bounds,
        })
    }

    /// The dialect that answers this path.
    pub(in crate::server) fn claiming(&self, head: &Head<'_>) -> Option<&Arc<dyn Dialect>> {
        most_specific(&self.dialects, head)
    }

    /// Has the dialect answer on a thread that may block. `room` is what the body takes.
    pub(in crate::server) async fn answer(
        &self,
        dialect: Arc<dyn Dialect>,
        request: RawRequest,
        room: OwnedSemaphorePermit,
    ) -> RawResponse {
        let Ok(place) = Arc::clone(&self.requests).try_acquire_owned() else {
            return busy(&*dialect, &request.path);
        };
        let (service, answering, path) = (self.service.clone(), Arc::clone(&dialect), request.path.clone());
        let work = move || {
            // Held by the work, not by the connection: a client who leaves does not make room.
            let _held = (place, room);
            answering.answer(&service, &request)
        };
        let answer = tokio::task::spawn_blocking(work).await.unwrap_or_else(|failure| {
            tracing::error!(panicked = failure.is_panic(), "a request could not be answered");
            dialect.error_response(&path, Failure::Broken)
        });
        with_retry(answer)
    }
}

/// The same answer; one that says that the server cannot do it just now says when to come back, too, whoever made it.
pub(in crate::server) fn with_retry(answer: RawResponse) -> RawResponse {
    if answer.status != 503 || answer.headers.iter().any(|(name, _)| *name == "retry-after") {
        return answer;
    }
    answer.with_header("retry-after", limits::UNDECIDED_RETRY_AFTER_SECONDS.to_string())
}

async fn serve<B: Buf>(
    router: Arc<Router>,
    method: Method,
    path: FullPath,
    query: String,
    headers: HeaderMap,
    origin: ClientAddress,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Response {
    // Looked at before the body, and gone by then: it cannot be carried to another thread.
    let claiming = {
        let head = Head {
            method: method.as_str(),
            path: path.as_str(),
            query: &query,
            client: origin.client,
            entrance: origin.entrance,
            fields: &headers,
        };
        router.claiming(&head).cloned()
    };
    let Some(dialect) = claiming else {
        return reply(plain(404, "Not found"));
    };
    let Ok((body, room)) = body::read(&headers, body, &router.bounds, &router.bodies).await else {
        return closing(reply(busy(&*dialect, path.as_str())));
    };
    let whole = matches!(body, Body::Whole(_));
    let request = RawRequest {
        method: method.as_str().to_owned(),
        path: path.as_str().to_owned(),
        query,
        headers: plain_fields(&headers),
        client: origin.client,
        entrance: origin.entrance,
        body,
    };
    let response = reply(router.answer(dialect, request, room).await);
    if whole { response } else { closing(response) }
}

/// The answer when too many are waiting.
pub(in crate::server) fn busy(dialect: &dyn Dialect, path: &str) -> RawResponse {
    let answer = dialect.error_response(path, Failure::Busy);
    answer.with_header("retry-after", limits::REQUESTS_RETRY_AFTER_SECONDS.to_string())
}
