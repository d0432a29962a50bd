//! Listeners and the connections that they accept.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use super::unix_stream::UnixConnection;

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Protocol {
    Http1,
    Http2,
}

/// What connections come from.
pub(in crate::server) trait Listener: Send + Sync + 'static {
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
