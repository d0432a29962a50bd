//! Contexts: the state that the connections of a listener share, and the state of one connection.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::bounds::Bounds;
use super::http1::deadline_stream::{DeadlineStream, RequestPhase};
use super::listen::open_connections::OpenConnections;
use super::listen::per_network_limit::PerNetworkLimit;
use super::listen::workers::Workers;
use super::respond::client_address::Peer;
use super::respond::router::Router;

/// State that the connections of a listener share.
#[derive(Clone)]
pub(in crate::server) struct ServerContext {
    pub(in crate::server) router: Arc<Router>,
    pub(in crate::server) workers: Arc<Workers>,
    /// Permits for open connections.
    pub(in crate::server) connections: Arc<Semaphore>,
    pub(in crate::server) open_connections: Arc<OpenConnections>,
    pub(in crate::server) per_network: Arc<PerNetworkLimit>,
    pub(in crate::server) bounds: Bounds,
}

/// State of one connection, beside its stream.
#[derive(Clone)]
pub(in crate::server) struct ConnectionContext {
    pub(in crate::server) phase: RequestPhase,
    pub(in crate::server) peer: Peer,
    pub(in crate::server) server: ServerContext,
    /// Turns true, or loses its sender, when the connection is to close.
    pub(in crate::server) stop: watch::Receiver<bool>,
}

impl ConnectionContext {
    /// The connection's stream with its deadlines, which the timers of the current thread keep.
    pub(in crate::server) fn with_deadlines<S>(&self, stream: S) -> DeadlineStream<S> {
        let bounds = &self.server.bounds;
        DeadlineStream::new(stream, self.phase.clone(), bounds.head_read, bounds.write_stall)
    }
}
