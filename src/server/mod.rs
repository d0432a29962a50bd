//! The HTTP server: listeners, connections, and which dialect answers what. The only place that knows warp.
//!
//! HTTP/1.1, and with a certificate TLS and HTTP/2. Requests that a proxy in front could read differently are refused (two
//! framings of a body, no or several `Host`); lines that end in a bare line feed are read as lines.

mod accept;
mod body;
mod connection;
mod console;
mod crowd;
mod direct;
mod exchanges;
mod framing;
mod http2;
mod local;
mod origin;
mod prompt;
mod refused;
mod respond;
mod route;
mod shares;
mod shutdown;
mod stream;
mod tls;
mod visit;
mod wire;
mod workers;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::command::Service;
use crate::http::TrustedProxies;
use crate::limits;
use accept::Door;
use refused::Refused;
use route::Desk;
use tls::TlsListener;
use workers::Workers;

pub use route::Routes;
pub use shutdown::stop_signal;
pub use tls::{Tls, TlsError};

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

/// What the server allows; [`Bounds::default`] takes all of it from [`limits`].
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most connections of clients at once; fewer when the process may not open as many files. When all are taken, those
    /// that wait for their next request make room for others.
    pub connections: usize,
    /// Most of them from one network (an IPv4 address, or the first 64 bits of an IPv6 address) that is no trusted proxy;
    /// further ones are closed at once. Fewer where there are fewer connections in all.
    pub connections_of_network: usize,
    /// Most requests being answered or waiting for a thread.
    pub requests: usize,
    /// Time to send a complete head, from its first byte on.
    pub head_read: Duration,
    /// Silence between requests.
    pub idle: Duration,
    /// Largest body, in bytes.
    pub body_bytes: usize,
    /// Most bytes of bodies held at once.
    pub bodies_bytes: usize,
    /// Bytes of a larger body that are read and dropped.
    pub body_dropped_bytes: usize,
    /// Time to send a complete body.
    pub body_read: Duration,
    /// Time in which a client has to take some of its answer.
    pub write_stall: Duration,
    /// Time that requests in flight have once a stop was asked for.
    pub drain: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS_MAX,
            connections_of_network: limits::CONNECTIONS_OF_NETWORK_MAX,
            requests: limits::REQUESTS_MAX,
            head_read: Duration::from_secs(limits::HEAD_READ_SECONDS),
            idle: Duration::from_secs(limits::IDLE_SECONDS),
            body_bytes: limits::BODY_BYTES_MAX,
            bodies_bytes: limits::BODIES_BYTES_MAX,
            body_dropped_bytes: limits::BODY_DROPPED_BYTES_MAX,
            body_read: Duration::from_secs(limits::BODY_READ_SECONDS),
            write_stall: Duration::from_secs(limits::WRITE_STALL_SECONDS),
            drain: Duration::from_secs(limits::DRAIN_SECONDS),
        }
    }
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
        let desk = Desk::new(routes.dialects, service.clone(), proxies, bounds);
        let workers = Arc::new(Workers::start());
        let door = Door {
            filter: route::public(Arc::clone(&desk), routes.own),
            desk,
            workers: Arc::clone(&workers),
            // Each listener keeps one for the connection it waits for.
            connections: Arc::new(Semaphore::new(
                bounds.connections + (listeners.len() + sockets.len()).saturating_sub(1),
            )),
            crowd: Arc::default(),
            shares: Arc::default(),
            bounds,
        };
        for listener in listeners {
            tracing::info!(address = %shown(listener.local_addr()), "listening");
            let (door, stopped) = (door.clone(), stopped.clone());
            match tls.clone() {
                Some(tls) => loops.spawn(accept::serve(TlsListener { listener, tls }, door, stopped)),
                None => loops.spawn(accept::serve(listener, door, stopped)),
            };
        }
        for listener in sockets {
            tracing::info!(address = %path(listener.local_addr()), "listening");
            loops.spawn(accept::serve(listener, door.clone(), stopped.clone()));
        }
        if let (Some(listener), Some(dialect)) = (control, routes.control) {
            tracing::info!(address = %path(listener.local_addr()), "listening");
            let desk = Desk::new(vec![dialect], service, TrustedProxies::default(), bounds);
            let door = Door {
                filter: route::claimed(Arc::clone(&desk)),
                desk,
                workers,
                connections: Arc::new(Semaphore::new(limits::CONTROL_CONNECTIONS_MAX)),
                crowd: Arc::default(),
                shares: Arc::default(),
                bounds,
            };
            loops.spawn(accept::serve(listener, door, stopped));
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
    let mut refused = Refused::since(service.now());
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

impl Bounds {
    /// The same with as many connections as leave file descriptors for everything else.
    fn within_descriptors(self) -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let room = files.saturating_sub(limits::DESCRIPTORS_RESERVED).max(1);
        self.with_at_most(usize::try_from(room).unwrap_or(usize::MAX))
    }

    /// The same with so few connections that each network has the same part of them.
    fn with_at_most(self, most: usize) -> Self {
        if self.connections <= most {
            return self;
        }
        let part = self.connections_of_network.saturating_mul(most) / self.connections;
        Self { connections: most, connections_of_network: part.max(1), ..self }
    }
}
