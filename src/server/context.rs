//! Contexts: what connections of a listener share, and what belongs to one connection.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::bounds::Bounds;
use super::http1::deadline_stream::{DeadlineStream, RequestPhase};
use super::listen::open_connections::OpenConnections;
use super::listen::per_network_limit::PerNetworkLimit;
use super::listen::workers::Workers;
use super::respond::client_address::Peer;
use super::respond::router::Router;

/// What every connection of a listener per_network.
#[derive(Clone)]
pub(in crate::server) struct ServerContext {
    /// Who answers.
    pub(in crate::server) router: Arc<Router>,
    /// Who answers what the router does not answer at once.
    pub(in crate::server) filter: BoxedFilter<(Response,)>,
    /// On which threads connections are served.
    pub(in crate::server) workers: Arc<Workers>,
    /// Connections that may still be opened.
    pub(in crate::server) connections: Arc<Semaphore>,
    /// Those that are open.
    pub(in crate::server) open_connections: Arc<OpenConnections>,
    /// How many of them each network has.
    pub(in crate::server) per_network: Arc<PerNetworkLimit>,
    /// Bounds of each.
    pub(in crate::server) bounds: Bounds,
}

/// What is known of a connection, beside its stream.
#[derive(Clone)]
pub(in crate::server) struct ConnectionContext {
    pub(in crate::server) phase: RequestPhase,
    pub(in crate::server) peer: Peer,
    pub(in crate::server) server: ServerContext,
    /// Turns true, or is gone, when the connection is to end.
    pub(in crate::server) stop: watch::Receiver<bool>,
}

impl ConnectionContext {
    /// The connection's stream with its bounds of time, which are told by the thread that this is called on.
    pub(in crate::server) fn watched<S>(&self, stream: S) -> DeadlineStream<S> {
        let bounds = &self.server.bounds;
        DeadlineStream::new(stream, self.phase.clone(), bounds.head_read, bounds.write_stall)
    }
}
