//! Accepting: connections up to the bounds, and their end when the server stops.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;

use super::listener::{Listener, Protocol};
use super::per_network_limit::NetworkPermit;
use super::workers::WorkerClass;
use crate::limits;
use crate::server::context::{ConnectionContext, ServerContext};
use crate::server::http1::deadline_stream::RequestPhase;
use crate::server::http1::serve::serve as serve_http1;
use crate::server::http2::serve::serve as serve_http2;
use crate::server::respond::client_address::Peer;
use crate::server::shutdown::stopping;

/// Serves until `stop` turns true, then for at most the drain time.
pub(in crate::server) async fn serve(
    listener: impl Listener,
    server: ServerContext,
    stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    tokio::select! {
        () = accept(listener, &server, &mut connections) => {}
        () = stopping(stop) => {}
    }
    server.open_connections.close_all();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(server.bounds.drain, drained).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "connections were cut off at the end of the drain time"
        );
        connections.shutdown().await;
    }
}

/// Permit for one more connection. When there is none, an idle connection is closed for it.
async fn permit(server: &ServerContext) -> Option<OwnedSemaphorePermit> {
    loop {
        let wanted = Arc::clone(&server.connections);
        if let Ok(permit) = Arc::clone(&wanted).try_acquire_owned() {
            return Some(permit);
        }
        server.open_connections.evict_idle();
        let pause = Duration::from_millis(limits::ACCEPT_PAUSE_MS);
        if let Ok(permit) = tokio::time::timeout(pause, wanted.acquire_owned()).await {
            // Fails only on a closed semaphore, and no code closes it.
            return permit.ok();
        }
    }
}

/// Accepts without end. A connection leaves the listen queue only when there is a permit for it.
async fn accept<L: Listener>(listener: L, server: &ServerContext, connections: &mut JoinSet<()>) {
    let local = listener.is_local();
    let first = if L::MOVES { WorkerClass::General } else { WorkerClass::Verify };
    while let Some(permit) = permit(server).await {
        while connections.try_join_next().is_some() {}
        match listener.next().await {
            Ok((accepted, address)) => {
                let peer = Peer::new(address, local, &server.router.proxies);
                let Ok(network) = network_permit(server, &peer) else {
                    tracing::debug!(
                        peer = address.map(tracing::field::display),
                        "a network has as many connections as it may"
                    );
                    continue;
                };
                let seat = server.workers.seat(first);
                let phase = RequestPhase::new();
                // Here and not on the worker thread, where the registry may have been closed before.
                let stop = server.open_connections.register(phase.clone());
                let (context, runtime) =
                    (ConnectionContext { phase, peer, server: server.clone(), stop }, seat.runtime.clone());
                let serving = async move {
                    serve_connection::<L>(accepted, context).await;
                    drop((permit, network, seat));
                };
                connections.spawn_on(serving, &runtime);
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

/// Permit of the connection's network, if it has one left. A trusted proxy needs none, since it forwards for many
/// clients.
fn network_permit(server: &ServerContext, peer: &Peer) -> Result<Option<NetworkPermit>, NetworkFull> {
    let Some(peer) = peer.counted_address() else { return Ok(None) };
    server.per_network.take(peer, server.bounds.connections_of_network).map(Some).ok_or(NetworkFull)
}

/// The network has as many connections as it may.
struct NetworkFull;

async fn serve_connection<L: Listener>(accepted: L::Accepted, context: ConnectionContext) {
    let opened = tokio::select! {
        opened = tokio::time::timeout(context.server.bounds.head_read, L::open(accepted)) => opened,
        () = stopping(context.stop.clone()) => return,
    };
    match opened.unwrap_or_else(|late| Err(late.into())) {
        Ok((stream, Protocol::Http1)) => serve_http1::<L>(stream, context).await,
        // Boxed, so that connections of HTTP/1 do not keep its room.
        Ok((stream, Protocol::Http2)) => Box::pin(serve_http2(stream, context)).await,
        Err(failure) => tracing::debug!(%failure, "a connection could not be served"),
    }
}

/// Whether a failure is of one connection, so that the next one may succeed.
fn is_of_one_connection(failure: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected};
    matches!(failure.kind(), ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::sync::Semaphore;
    use tokio::time::Instant;
    use warp::Filter;
    use warp::reply::Response;

    use super::*;
    use crate::command::Service;
    use crate::engine::{Engine, Parts};
    use crate::entropy::OsEntropy;
    use crate::http::TrustedProxies;
    use crate::key::PepperRing;
    use crate::server::bounds::Bounds;
    use crate::server::listen::workers::Workers;
    use crate::server::respond::router::Router;
    use crate::store::MemoryStore;

    /// Fails with these system error numbers, then hands out one connection.
    struct Failing(&'static [i32], AtomicUsize, std::sync::Mutex<Option<DuplexStream>>);

    impl Listener for Failing {
        type Accepted = DuplexStream;
        type Stream = DuplexStream;

        async fn next(&self) -> io::Result<(DuplexStream, Option<IpAddr>)> {
            if let Some(number) = self.0.get(self.1.fetch_add(1, Ordering::SeqCst)) {
                return Err(io::Error::from_raw_os_error(*number));
            }
            let stream = self.2.lock().unwrap().take();
            match stream {
                Some(stream) => Ok((stream, None)),
                None => std::future::pending().await,
            }
        }

        async fn open(accepted: DuplexStream) -> io::Result<(DuplexStream, Protocol)> {
            Ok((accepted, Protocol::Http1))
        }

        fn release(stream: DuplexStream) -> io::Result<DuplexStream> {
            Ok(stream)
        }

        fn is_local(&self) -> bool {
            true
        }
    }

    /// How long it takes to get an answer when accepting first fails with `failures`.
    async fn delay(failures: &'static [i32]) -> Duration {
        let (near, mut client) = tokio::io::duplex(1_024);
        let listener = Failing(failures, AtomicUsize::new(0), std::sync::Mutex::new(Some(near)));
        let filter = warp::any().map(|| Response::new("hello".into())).boxed();
        let bounds = Bounds::default();
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let service = Service::new(Engine::open(parts).unwrap());
        let router = Router::new(Vec::new(), filter, service, TrustedProxies::default(), bounds);
        let (workers, connections) = (Arc::new(Workers::default()), Arc::new(Semaphore::new(1)));
        let (open_connections, per_network) = (Arc::default(), Arc::default());
        let server = ServerContext { router, workers, connections, open_connections, per_network, bounds };
        let (stop, stopped) = watch::channel(false);
        let start = Instant::now();
        let server = tokio::spawn(serve(listener, server, stopped));
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
        let delay = start.elapsed();
        stop.send_replace(true);
        server.await.unwrap();
        delay
    }

    #[tokio::test(start_paused = true)]
    async fn accepting_pauses_when_the_system_has_no_room_and_then_goes_on() {
        let pause = Duration::from_millis(limits::ACCEPT_PAUSE_MS);
        assert_eq!(delay(&[libc::EMFILE, libc::ENFILE, libc::ENOMEM]).await, 3 * pause);
        assert_eq!(delay(&[libc::ECONNABORTED, libc::EINTR]).await, Duration::ZERO);
    }
}
