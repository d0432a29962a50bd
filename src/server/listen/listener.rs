//! Listeners: what accepts connections, over TCP and over unix sockets.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use super::unix_stream::UnixConnection;

/// Version of HTTP on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Listener: accepts connections.
pub(in crate::server) trait Listener: Send + Sync + 'static {
    /// One connection that no thread serves.
    type Accepted: Send + 'static;
    /// One connection that the current thread serves.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Accepts the next connection. Returns it with the address of its peer, if it has one.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Accepted, Option<IpAddr>)>> + Send;

    /// Binds a connection to the current thread. Returns it with the agreed version of HTTP.
    fn open(accepted: Self::Accepted) -> impl Future<Output = io::Result<(Self::Stream, Protocol)>> + Send;

    /// Whether a connection can move to another thread.
    const MOVES: bool = true;

    /// Unbinds a connection from the current thread, so that another one can serve it.
    fn release(stream: Self::Stream) -> io::Result<Self::Accepted>;

    /// Whether only this machine reaches the listener.
    fn is_local(&self) -> bool;
}

impl Listener for TcpListener {
    type Accepted = std::net::TcpStream;
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(Self::Accepted, Option<IpAddr>)> {
        let (stream, peer) = self.accept().await?;
        // Responses are written whole, so waiting for more bytes would only delay them.
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
    type Stream = UnixConnection;

    async fn next(&self) -> io::Result<(Self::Accepted, Option<IpAddr>)> {
        let (stream, _) = self.accept().await?;
        Ok((stream.into_std()?, None))
    }

    async fn open(accepted: Self::Accepted) -> io::Result<(UnixConnection, Protocol)> {
        Ok((UnixConnection::new(accepted)?, Protocol::Http1))
    }

    fn release(stream: UnixConnection) -> io::Result<Self::Accepted> {
        Ok(stream.into_std())
    }

    fn is_local(&self) -> bool {
        true
    }
}
