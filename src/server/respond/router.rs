//! Router of a listener: its dialects, and the bounds on answering that its connections share.

use std::sync::Arc;

use tokio::sync::Semaphore;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::command::Service;
use crate::dialect::Dialect;
use crate::http::TrustedProxies;
use crate::server::bounds::Bounds;

/// Router of a listener. Its work is in the files beside this one: [`dispatch`](super::dispatch),
/// [`inline`](super::inline) and [`blocking`](super::blocking).
pub(in crate::server) struct Router {
    /// Dialects of the listener; the most specific claim to a request decides which one answers.
    pub(super) dialects: Vec<Arc<dyn Dialect>>,
    pub(super) service: Service,
    /// Filters for requests that no dialect answers inline. Their last one is [`claimed`](super::routes::claimed).
    pub(super) routes: BoxedFilter<(Response,)>,
    /// Proxies whose forwarding header fields count.
    pub(in crate::server) proxies: TrustedProxies,
    /// Permits for requests on threads that may block.
    pub(super) requests: Arc<Semaphore>,
    /// Permits for bytes of bodies in memory.
    pub(super) bodies: Arc<Semaphore>,
    pub(in crate::server) bounds: Bounds,
}

impl Router {
    /// Router over these dialects and filters.
    pub(in crate::server) fn new(
        dialects: Vec<Arc<dyn Dialect>>,
        routes: BoxedFilter<(Response,)>,
        service: Service,
        proxies: TrustedProxies,
        bounds: Bounds,
    ) -> Arc<Self> {
        Arc::new(Self {
            dialects,
            service,
            routes,
            proxies,
            requests: Arc::new(Semaphore::new(bounds.requests)),
            bodies: Arc::new(Semaphore::new(bounds.bodies_bytes)),
            bounds,
        })
    }
}
