//! HTTP server: listeners, connections, and the dialects that answer. No other room imports warp.
//!
//! The server speaks HTTP/1.1, and with a certificate TLS and HTTP/2. It refuses requests that a proxy in front could
//! read differently: those with two framings of a body, and those with no `Host` or several. A line may end in a bare
//! line feed.

mod bounds;
mod context;
mod denial_log;
mod http1;
mod http2;
mod listen;
mod respond;
mod shutdown;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::command::Service;
use crate::http::TrustedProxies;
use crate::limits;
use context::ServerContext;
use denial_log::DenialLog;
use listen::accept;
use listen::tls::TlsListener;
use listen::workers::Workers;
use respond::router::Router;
use respond::routes;

pub use bounds::Bounds;
pub use listen::tls::{Tls, TlsError};
pub use respond::routes::Routes;
pub use shutdown::stop_signal;

/// Server: its listeners, and what it serves on them.
///
/// ```
/// use keyward::command::Service;
/// use keyward::engine::{Engine, Parts};
/// use keyward::entropy::OsEntropy;
/// use keyward::http::TrustedProxies;
/// use keyward::key::PepperRing;
/// use keyward::server::{Bounds, Routes, Server};
/// use keyward::store::MemoryStore;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::open(Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy)?))?;
/// let server = Server {
///     listeners: vec![tokio::net::TcpListener::bind("127.0.0.1:0").await?],
///     tls: None,
///     sockets: Vec::new(),
///     control: None,
///     routes: Routes::default(),
///     proxies: TrustedProxies::default(),
///     service: Service::new(engine),
///     bounds: Bounds::default(),
/// };
/// // A real one stops at `keyward::server::stop_signal()?`; this one at once.
/// server.run(async {}).await;
/// # Ok(())
/// # }
/// ```
pub struct Server {
    /// TCP listeners for clients.
    pub listeners: Vec<TcpListener>,
    /// TLS for the TCP listeners; without it, they speak HTTP in the clear.
    pub tls: Option<Tls>,
    /// Unix sockets for clients on this machine.
    pub sockets: Vec<UnixListener>,
    /// Control socket, for the operator of the machine.
    pub control: Option<UnixListener>,
    /// Dialects, and the embedding program's own routes.
    pub routes: Routes,
    /// Proxies whose forwarding header fields count.
    pub proxies: TrustedProxies,
    /// Service that the dialects call.
    pub service: Service,
    /// Bounds of the server.
    pub bounds: Bounds,
}

impl Server {
    /// Serves until `shutdown` ends. Then it accepts nothing more, closes idle connections, lets requests in flight
    /// finish, and cuts off the rest after [`Bounds::drain`].
    ///
    /// The server has its own worker threads, two per processor: one for connections that only verify, one at lower
    /// priority for all others. Work on a blocking thread runs to its end, even when its connection was cut off.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listeners, tls, sockets, control, routes, proxies, service, bounds } = self;
        let bounds = bounds.within_descriptors();
        let (stop, stopped) = watch::channel(false);
        let (sampled, watched) = (service.clone(), stopped.clone());
        let mut loops = JoinSet::new();
        let filters = routes::public(service.clone(), routes.own);
        let router = Router::new(routes.dialects, filters, service.clone(), proxies, bounds);
        let workers = Arc::new(Workers::start());
        // Each listener holds one permit for the connection it waits for.
        let connections = bounds.connections + (listeners.len() + sockets.len()).saturating_sub(1);
        let server = context(router, Arc::clone(&workers), connections, bounds);
        for listener in listeners {
            tracing::info!(address = %shown(listener.local_addr()), "listening");
            let (server, stopped) = (server.clone(), stopped.clone());
            match tls.clone() {
                Some(tls) => loops.spawn(accept::serve(TlsListener { listener, tls }, server, stopped)),
                None => loops.spawn(accept::serve(listener, server, stopped)),
            };
        }
        for listener in sockets {
            tracing::info!(address = %path(listener.local_addr()), "listening");
            loops.spawn(accept::serve(listener, server.clone(), stopped.clone()));
        }
        if let (Some(listener), Some(dialect)) = (control, routes.control) {
            tracing::info!(address = %path(listener.local_addr()), "listening");
            let (dialects, filters) = (vec![dialect], routes::claimed());
            let router = Router::new(dialects, filters, service, TrustedProxies::default(), bounds);
            let server = context(router, workers, limits::CONTROL_CONNECTIONS_MAX, bounds);
            loops.spawn(accept::serve(listener, server, stopped));
        }
        loops.spawn(sample(sampled, watched));
        shutdown.await;
        tracing::info!("stopping");
        stop.send_replace(true);
        while loops.join_next().await.is_some() {}
        tracing::info!("stopped");
    }
}

/// Context of listeners that share `connections` permits.
fn context(router: Arc<Router>, workers: Arc<Workers>, connections: usize, bounds: Bounds) -> ServerContext {
    let connections = Arc::new(Semaphore::new(connections));
    let (open_connections, per_network) = (Arc::default(), Arc::default());
    ServerContext { router, workers, connections, open_connections, per_network, bounds }
}

/// Text of an address for the log.
fn shown(address: io::Result<SocketAddr>) -> String {
    address.map_or_else(|error| error.to_string(), |address| address.to_string())
}

/// Text of a socket's path for the log.
fn path(address: io::Result<tokio::net::unix::SocketAddr>) -> String {
    let path =
        |address: tokio::net::unix::SocketAddr| Some(format!("unix:{}", address.as_pathname()?.display()));
    address.ok().and_then(path).unwrap_or_default()
}

/// Samples the count of verifies at intervals until the stop, and logs denied keys.
async fn sample(service: Service, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(limits::SAMPLE_SECONDS));
    let mut log = DenialLog::since(service.now());
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                service.sample();
                if let Some(keys) = log.due(service.now(), service.refused_keys()) {
                    tracing::info!(keys, "keys were refused");
                }
            }
            _ = stopped.changed() => return,
        }
    }
}
