//! A stream over a unix socket that waits for room only while the socket is full.
//!
//! A reader of a unix socket wakes the other end if that end waits for room, and the reader pays for the wake-up.
//! Tokio's own stream always waits for room, so a gateway would pay for a wake-up of this server with every response it
//! reads.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// Connection over a unix socket.
pub(in crate::server) struct UnixConnection {
    stream: AsyncFd<UnixStream>,
    /// The same socket, while it is full.
    full: Option<AsyncFd<UnixStream>>,
}

impl UnixConnection {
    /// Wraps a nonblocking stream.
    ///
    /// # Errors
    /// Those of the thread's reactor.
    pub(in crate::server) fn new(stream: UnixStream) -> io::Result<Self> {
        let stream = waiting_for(stream, Interest::READABLE)?;
        Ok(Self { stream, full: None })
    }

    /// The stream below.
    pub(in crate::server) fn into_std(self) -> UnixStream {
        self.stream.into_inner()
    }

    fn poll_written(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&UnixStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let Some(full) = &self.full else {
                match write(self.stream.get_ref()) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        let same = self.stream.get_ref().try_clone()?;
                        self.full = Some(waiting_for(same, Interest::WRITABLE)?);
                        continue;
                    }
                    written => return Poll::Ready(written),
                }
            };
            let mut room = ready!(full.poll_write_ready(cx))?;
            if let Ok(written) = room.try_io(|stream| write(stream.get_ref())) {
                self.full = None;
                return Poll::Ready(written);
            }
        }
    }
}

/// Registers `stream` with the thread's reactor.
#[expect(deprecated, reason = "sound for a stream that owns its descriptor, and safe to call")]
fn waiting_for(stream: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    AsyncFd::with_interest(stream, interest)
}

impl AsyncRead for UnixConnection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut there = ready!(self.stream.poll_read_ready(cx))?;
            let space = to.initialize_unfilled();
            let room = space.len();
            let Ok(read) = there.try_io(|stream| stream.get_ref().read(space)) else { continue };
            let read = read?;
            // After a short read the socket is empty, and the reactor reports later bytes: reading again now would be
            // in vain.
            if 0 < read && read < room {
                there.clear_ready();
            }
            to.advance(read);
            return Poll::Ready(Ok(()));
        }
    }
}

impl AsyncWrite for UnixConnection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_written(cx, |mut stream| stream.write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_written(cx, |mut stream| stream.write_vectored(parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.stream.get_ref().shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_full_socket_is_waited_for_and_nothing_is_lost() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let (mut ours, mut theirs) =
            (UnixConnection::new(ours).unwrap(), UnixConnection::new(theirs).unwrap());
        let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let mut got = Vec::new();
        let send = async {
            ours.write_all(&sent).await.unwrap();
            ours.shutdown().await.unwrap();
            assert!(ours.full.is_none(), "waits for room only while there is none");
        };
        let (_, read) = tokio::join!(send, theirs.read_to_end(&mut got));
        assert_eq!(read.unwrap(), sent.len());
        assert!(got == sent);
    }
}
