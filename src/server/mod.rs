//! The HTTP server: listeners, connections, and which dialect answers what. The only place that knows warp.
//!
//! HTTP/1.1, and with a certificate TLS and HTTP/2. Requests that a proxy in front could read differently are refused (two
//! framings of a body, no or several `Host`); lines that end in a bare line feed are read as lines.

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
use respond::router::{self, Router};

pub use bounds::Bounds;
pub use listen::tls::{Tls, TlsError};
pub use respond::router::Routes;
pub use shutdown::stop_signal;

/// Everything that is served, and where.
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
    /// Where clients connect.
    pub listeners: Vec<TcpListener>,
    /// What is spoken with them; without it, HTTP in the clear.
    pub tls: Option<Tls>,
    /// Where clients on this machine connect.
    pub sockets: Vec<UnixListener>,
    /// Where the machine's owner connects.
    pub control: Option<UnixListener>,
    /// Who answers what.
    pub routes: Routes,
    /// Whose word counts about where requests come from.
    pub proxies: TrustedProxies,
    /// What the answers are about.
    pub service: Service,
    /// How much of everything.
    pub bounds: Bounds,
}

impl Server {
    /// Serves until `shutdown` ends: then it accepts nothing more, closes idle connections, lets requests in flight
    /// finish, and cuts off what is left after [`Bounds::drain`].
    ///
    /// Connections are served by threads of the server's own, two for each processor: those that bring one verify after
    /// the other by one, all others by one of a lower priority. Work that was begun on a blocking thread ends by itself,
    /// even when its connection was cut off.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listeners, tls, sockets, control, routes, proxies, service, bounds } = self;
        let bounds = bounds.within_descriptors();
        let (stop, stopped) = watch::channel(false);
        let (sampled, watched) = (service.clone(), stopped.clone());
        let mut loops = JoinSet::new();
        let router = Router::new(routes.dialects, service.clone(), proxies, bounds);
        let workers = Arc::new(Workers::start());
        let server = ServerContext {
            filter: router::public(Arc::clone(&router), routes.own),
            router,
            workers: Arc::clone(&workers),
            // Each listener keeps one for the connection it waits for.
            connections: Arc::new(Semaphore::new(
                bounds.connections + (listeners.len() + sockets.len()).saturating_sub(1),
            )),
            open_connections: Arc::default(),
            per_network: Arc::default(),
            bounds,
        };
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
            let router = Router::new(vec![dialect], service, TrustedProxies::default(), bounds);
            let server = ServerContext {
                filter: router::claimed(Arc::clone(&router)),
                router,
                workers,
                connections: Arc::new(Semaphore::new(limits::CONTROL_CONNECTIONS_MAX)),
                open_connections: Arc::default(),
                per_network: Arc::default(),
                bounds,
            };
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

/// An address as the log shows it.
fn shown(address: io::Result<SocketAddr>) -> String {
    address.map_or_else(|error| error.to_string(), |address| address.to_string())
}

/// The same of a socket in the file system.
fn path(address: io::Result<tokio::net::unix::SocketAddr>) -> String {
    let path =
        |address: tokio::net::unix::SocketAddr| Some(format!("unix:{}", address.as_pathname()?.display()));
    address.ok().and_then(path).unwrap_or_default()
}

/// Takes a sample of how much is verified now and then, until the stop, and tells the log of refused keys.
async fn sample(service: Service, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(limits::SAMPLE_SECONDS));
    let mut refused = DenialLog::since(service.now());
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                service.sample();
                if let Some(keys) = refused.due(service.now(), service.refused_keys()) {
                    tracing::info!(keys, "keys were refused");
                }
            }
            _ = stopped.changed() => return,
        }
    }
}
