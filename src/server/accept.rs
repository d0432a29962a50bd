//! Accepts connections up to a bound, and drains them when the server stops.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::{Bounds, connection};
use crate::limits;

/// What connections come from.
pub(super) trait Listener: Send + Sync + 'static {
    /// One connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection and the address of its client, if it has one.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Option<IpAddr>)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(TcpStream, Option<IpAddr>)> {
        let (stream, peer) = self.accept().await?;
        // Answers are written whole: waiting for more would only delay them.
        stream.set_nodelay(true)?;
        Ok((stream, Some(peer.ip().to_canonical())))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<(UnixStream, Option<IpAddr>)> {
        let (stream, _) = self.accept().await?;
        Ok((stream, None))
    }
}

/// What every connection of a listener shares.
#[derive(Clone)]
pub(super) struct Door {
    /// Who answers.
    pub(super) filter: BoxedFilter<(Response,)>,
    /// Connections that may still be opened.
    pub(super) connections: Arc<Semaphore>,
    /// Bounds of each.
    pub(super) bounds: Bounds,
}

/// Serves until `stop` turns true, then for at most the drain time.
pub(super) async fn serve(listener: impl Listener, door: Door, stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut stopped = stop.clone();
    tokio::select! {
        () = accept(listener, &door, &stop, &mut connections) => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(door.bounds.drain, drained).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections were cut off at the end of the drain time");
        connections.shutdown().await;
    }
}

/// Accepts for ever. A connection is only taken from the listen queue when there is room for it.
async fn accept(
    listener: impl Listener,
    door: &Door,
    stop: &watch::Receiver<bool>,
    connections: &mut JoinSet<()>,
) {
    // Only fails once the semaphore is closed, which nobody does.
    while let Ok(permit) = Arc::clone(&door.connections).acquire_owned().await {
        while connections.try_join_next().is_some() {}
        match listener.next().await {
            Ok((stream, peer)) => {
                let (filter, bounds, stop) = (door.filter.clone(), door.bounds, stop.clone());
                connections.spawn(async move {
                    connection::serve(stream, peer, filter, bounds, stop).await;
                    drop(permit);
                });
            }
            Err(failure) if is_of_one_connection(&failure) => {
                tracing::debug!(%failure, "a connection was lost before it was accepted");
            }
            Err(failure) => {
                tracing::warn!(%failure, "no connection can be accepted");
                tokio::time::sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}

/// Whether the failure says nothing about the next connection.
fn is_of_one_connection(failure: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected};
    matches!(failure.kind(), ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected)
}
