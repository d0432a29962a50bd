//! Accepts connections up to a bound, and drains them when the server stops.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::crowd::Crowd;
use super::local::LocalStream;
use super::origin::Approach;
use super::route::Desk;
use super::shares::{Share, Shares};
use super::shutdown::stopping;
use super::stream::Progress;
use super::visit::Visit;
use super::workers::{Standing, Workers};
use super::{Bounds, http2, visit};
use crate::limits;

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// What connections come from.
pub(super) trait Listener: Send + Sync + 'static {
    /// One connection that no thread serves yet.
    type Accepted: Send + 'static;
    /// One that this thread serves.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection and the address of its client, if it has one.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Accepted, Option<IpAddr>)>> + Send;

    /// Has this thread serve a connection, in the version of HTTP that was agreed on.
    fn open(accepted: Self::Accepted) -> impl Future<Output = io::Result<(Self::Stream, Protocol)>> + Send;

    /// Whether a connection can go on on another thread.
    const MOVES: bool = true;

    /// Has no thread serve a connection any more, so that another one can.
    fn release(stream: Self::Stream) -> io::Result<Self::Accepted>;

    /// Whether only this machine reaches it.
    fn is_local(&self) -> bool;
}

impl Listener for TcpListener {
    type Accepted = std::net::TcpStream;
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(Self::Accepted, Option<IpAddr>)> {
        let (stream, peer) = self.accept().await?;
        // Answers are written whole: waiting for more would only delay them.
        stream.set_nodelay(true)?;
        Ok((stream.into_std()?, Some(peer.ip().to_canonical())))
    }

    async fn open(accepted: Self::Accepted) -> io::Result<(TcpStream, Protocol)> {
        Ok((TcpStream::from_std(accepted)?, Protocol::Http1))
    }

    fn release(stream: TcpStream) -> io::Result<Self::Accepted> {
        stream.into_std()
    }

    fn is_local(&self) -> bool {
        self.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback())
    }
}

impl Listener for UnixListener {
    type Accepted = std::os::unix::net::UnixStream;
    type Stream = LocalStream;

    async fn next(&self) -> io::Result<(Self::Accepted, Option<IpAddr>)> {
        let (stream, _) = self.accept().await?;
        Ok((stream.into_std()?, None))
    }

    async fn open(accepted: Self::Accepted) -> io::Result<(LocalStream, Protocol)> {
        Ok((LocalStream::new(accepted)?, Protocol::Http1))
    }

    fn release(stream: LocalStream) -> io::Result<Self::Accepted> {
        Ok(stream.into_std())
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// What every connection of a listener shares.
#[derive(Clone)]
pub(super) struct Door {
    /// Who answers.
    pub(super) desk: Arc<Desk>,
    /// Who answers what the desk does not answer at once.
    pub(super) filter: BoxedFilter<(Response,)>,
    /// On which threads connections are served.
    pub(super) workers: Arc<Workers>,
    /// Connections that may still be opened.
    pub(super) connections: Arc<Semaphore>,
    /// Those that are open.
    pub(super) crowd: Arc<Crowd>,
    /// How many of them each network has.
    pub(super) shares: Arc<Shares>,
    /// Bounds of each.
    pub(super) bounds: Bounds,
}

/// Serves until `stop` turns true, then for at most the drain time.
pub(super) async fn serve(listener: impl Listener, door: Door, stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    tokio::select! {
        () = accept(listener, &door, &mut connections) => {}
        () = stopping(stop) => {}
    }
    door.crowd.end();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(door.bounds.drain, drained).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "connections were cut off at the end of the drain time"
        );
        connections.shutdown().await;
    }
}

/// A place for one more connection. When all are taken, one that waits for its next request is ended for it.
async fn place(door: &Door) -> Option<OwnedSemaphorePermit> {
    loop {
        let wanted = Arc::clone(&door.connections);
        if let Ok(permit) = Arc::clone(&wanted).try_acquire_owned() {
            return Some(permit);
        }
        door.crowd.make_room();
        let pause = Duration::from_millis(limits::ACCEPT_PAUSE_MS);
        if let Ok(permit) = tokio::time::timeout(pause, wanted.acquire_owned()).await {
            // Only fails once the semaphore is closed, which nobody does.
            return permit.ok();
        }
    }
}

/// Accepts for ever. A connection is only taken from the listen queue when there is room for it.
async fn accept<L: Listener>(listener: L, door: &Door, connections: &mut JoinSet<()>) {
    let local = listener.is_local();
    let first = if L::MOVES { Standing::Other } else { Standing::Proven };
    while let Some(permit) = place(door).await {
        while connections.try_join_next().is_some() {}
        match listener.next().await {
            Ok((accepted, peer)) => {
                let approach = Approach::new(peer, local, &door.desk.proxies);
                let Ok(share) = share(door, &approach) else {
                    tracing::debug!(
                        peer = peer.map(tracing::field::display),
                        "a network has as many connections as it may"
                    );
                    continue;
                };
                let place = door.workers.place(first);
                let progress = Progress::new();
                // Here and not on its thread, where the crowd may have been ended before.
                let stop = door.crowd.join(progress.clone());
                let (visit, runtime) =
                    (Visit { progress, approach, door: door.clone(), stop }, place.runtime.clone());
                let served = async move {
                    served::<L>(accepted, visit).await;
                    drop((permit, share, place));
                };
                connections.spawn_on(served, &runtime);
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

/// The connection's part in what its network may have, if there is any left. A proxy that is trusted has the
/// connections of everyone behind it, and may have all.
fn share(door: &Door, approach: &Approach) -> Result<Option<Share>, Refused> {
    let Some(peer) = approach.network() else { return Ok(None) };
    door.shares.take(peer, door.bounds.connections_of_network).map(Some).ok_or(Refused)
}

/// A network has its share already.
struct Refused;

async fn served<L: Listener>(accepted: L::Accepted, visit: Visit) {
    let opened = tokio::select! {
        opened = tokio::time::timeout(visit.door.bounds.head_read, L::open(accepted)) => opened,
        () = stopping(visit.stop.clone()) => return,
    };
    match opened.unwrap_or_else(|late| Err(late.into())) {
        Ok((stream, Protocol::Http1)) => visit::serve::<L>(stream, visit).await,
        // Boxed, so that the others need not keep the room it takes.
        Ok((stream, Protocol::Http2)) => Box::pin(http2::serve(stream, visit)).await,
        Err(failure) => tracing::debug!(%failure, "a connection could not be served"),
    }
}

/// Whether the failure says nothing about the next connection.
fn is_of_one_connection(failure: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected};
    matches!(failure.kind(), ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::time::Instant;
    use warp::Filter;

    use super::*;
    use crate::command::Service;
    use crate::engine::{Engine, Parts};
    use crate::entropy::OsEntropy;
    use crate::http::TrustedProxies;
    use crate::key::PepperRing;
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
        let desk = Desk::new(Vec::new(), service, TrustedProxies::default(), bounds);
        let (workers, connections) = (Arc::new(Workers::default()), Arc::new(Semaphore::new(1)));
        let (crowd, shares) = (Arc::default(), Arc::default());
        let door = Door { desk, filter, workers, connections, crowd, shares, bounds };
        let (stop, stopped) = watch::channel(false);
        let start = Instant::now();
        let server = tokio::spawn(serve(listener, door, stopped));
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
