//! Deadline stream: the stream under a connection, which fails when a client is too slow, and keeps each head as sent.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::framing::{AMBIGUOUS, RequestFrame, Rest};

/// Phase of a connection's current request. Its stream, which reads bytes, and its service, which gets whole requests,
/// share it.
#[derive(Clone, Debug)]
pub(in crate::server) struct RequestPhase(Arc<Mutex<PhaseState>>);

#[derive(Debug)]
struct PhaseState {
    phase: Phase,
    /// Bytes read of requests that have not begun, from the first byte of the next head on.
    head: Vec<u8>,
    /// Rest of the body of the request that began last.
    rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No byte of the next request has come. hyper's timer bounds how long that lasts.
    Idle,
    /// The next request's head has begun.
    Head,
    /// A request is being answered.
    Answering,
    /// The phases are followed elsewhere.
    Elsewhere,
}

/// Bytes that the head of a usual request does not exceed.
const USUAL_HEAD_BYTES: usize = 1_024;

impl RequestPhase {
    /// Phase of a new connection. Its first head counts as begun, so a silent client is dropped soon.
    pub(in crate::server) fn new() -> Self {
        Self::of(Phase::Head)
    }

    /// Phase of a connection whose requests are timed and framed elsewhere.
    pub(in crate::server) fn untimed() -> Self {
        Self::of(Phase::Elsewhere)
    }

    fn of(phase: Phase) -> Self {
        Self(Arc::new(Mutex::new(PhaseState { phase, head: Vec::new(), rest: Rest::NONE })))
    }

    /// Begins a request, whose head is complete, and finds where it ends.
    ///
    /// # Errors
    /// The reason, when the end can be read in two ways. The start of the next request is unknown then, so close the
    /// connection.
    pub(in crate::server) fn request_begins(&self) -> Result<(), &'static str> {
        let mut state = self.state();
        state.phase = Phase::Answering;
        let frame = RequestFrame::of(&state.head);
        let (head, rest) = match &frame {
            Some(frame) => (frame.head, frame.body),
            // Every later byte counts as a part of this request.
            None => (state.head.len(), Rest::Bytes(u64::MAX)),
        };
        state.rest = rest;
        let PhaseState { head: read, rest, .. } = &mut *state;
        let next = rest.pass(read.get(head..).unwrap_or_default()).len();
        let length = read.len().saturating_sub(next);
        state.forget(length);
        frame.map(|_| ()).ok_or(AMBIGUOUS)
    }

    /// Begins and drops requests of `length` bytes, which were read whole.
    pub(in crate::server) fn requests_read(&self, length: usize) {
        let mut state = self.state();
        state.phase = Phase::Answering;
        state.forget(length);
    }

    /// Ends a request: its response is made.
    pub(in crate::server) fn request_ends(&self) {
        let mut state = self.state();
        state.phase = if state.head.is_empty() { Phase::Idle } else { Phase::Head };
    }

    /// Begins a request that the stream did not see.
    pub(in crate::server) fn answering(&self) {
        self.state().phase = Phase::Answering;
    }

    /// Whether nothing of the next request has come.
    pub(in crate::server) fn is_idle(&self) -> bool {
        self.state().phase == Phase::Idle
    }

    fn state(&self) -> MutexGuard<'_, PhaseState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PhaseState {
    /// Drops the bytes of a request.
    fn forget(&mut self, length: usize) {
        if length < self.head.len() {
            self.head.drain(..length);
            return;
        }
        // The allocation is kept for the next head, unless it is unusually large.
        if self.head.capacity() > USUAL_HEAD_BYTES {
            self.head = Vec::new();
        }
        self.head.clear();
    }
}

/// A stream that fails with [`io::ErrorKind::TimedOut`] when a head is not complete in time after its first byte, and
/// when the client takes no byte of a response in time.
///
/// hyper's own timer for heads also runs while a kept-alive connection is idle, so it has to be long. The timer here
/// runs from the first byte of a head on.
#[derive(Debug)]
pub(in crate::server) struct DeadlineStream<S> {
    stream: S,
    /// Bytes to read once more, before those of the stream.
    unread: Bytes,
    phase: RequestPhase,
    head_read: Duration,
    write_stall: Duration,
    /// Runs while the phase is [`Phase::Head`] and more of the head is awaited.
    head_timer: Option<Pin<Box<Sleep>>>,
    /// Runs while the client takes no byte.
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl<S> DeadlineStream<S> {
    pub(in crate::server) const fn new(
        stream: S,
        phase: RequestPhase,
        head_read: Duration,
        write_stall: Duration,
    ) -> Self {
        Self {
            stream,
            unread: Bytes::new(),
            phase,
            head_read,
            write_stall,
            head_timer: None,
            write_timer: None,
        }
    }

    /// The stream below.
    pub(in crate::server) fn into_inner(self) -> S {
        self.stream
    }

    /// Puts bytes back, to be read once more.
    pub(in crate::server) fn unread(&mut self, bytes: Vec<u8>) {
        self.unread = bytes.into();
    }

    /// Records bytes that were read.
    fn record_read(&mut self, bytes: &[u8]) {
        let mut state = self.phase.state();
        if state.phase == Phase::Elsewhere {
            return;
        }
        let next = state.rest.pass(bytes);
        if state.phase == Phase::Idle && !next.is_empty() {
            state.phase = Phase::Head;
            self.head_timer = None;
        }
        state.head.extend_from_slice(next);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for DeadlineStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.unread.is_empty() {
            let length = buf.remaining().min(self.unread.len());
            buf.put_slice(&self.unread.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        let this = &mut *self;
        match outcome {
            Poll::Ready(_) => {
                this.record_read(buf.filled().get(before..).unwrap_or_default());
                outcome
            }
            Poll::Pending if this.phase.state().phase == Phase::Head => {
                poll_timer(&mut this.head_timer, this.head_read, cx)
            }
            Poll::Pending => {
                this.head_timer = None;
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> DeadlineStream<S> {
    /// Bounds how long a write may be pending.
    fn watch_write(
        &mut self,
        outcome: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if outcome.is_ready() {
            self.write_timer = None;
            return outcome;
        }
        poll_timer(&mut self.write_timer, self.write_stall, cx)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for DeadlineStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_write(outcome, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch_write(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Starts the timer unless it runs. Returns an error once it has ended.
fn poll_timer<T>(
    timer: &mut Option<Pin<Box<Sleep>>>,
    limit: Duration,
    cx: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    let timer = timer.get_or_insert_with(|| Box::pin(sleep(limit)));
    timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    /// Ends a test that hangs, at a time that only passes when nothing else can happen.
    async fn bounded<T>(test: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(100_000), test).await.expect("the test hangs")
    }

    fn stream_pair() -> (DeadlineStream<DuplexStream>, DuplexStream, RequestPhase) {
        let (near, far) = duplex(16);
        let phase = RequestPhase::new();
        (DeadlineStream::new(near, phase.clone(), LIMIT, LIMIT), far, phase)
    }

    #[tokio::test(start_paused = true)]
    async fn dripping_bytes_do_not_prolong_a_head() {
        let (mut stream, mut client, _progress) = stream_pair();
        let start = Instant::now();
        let drip = tokio::spawn(async move {
            for _ in 0..60 {
                client.write_all(b"x").await.ok();
                sleep(Duration::from_secs(1)).await;
            }
        });
        let failure = loop {
            if let Err(failure) = stream.read_u8().await {
                break failure;
            }
        };
        assert_eq!(failure.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 5);
        drop(stream);
        drip.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn silence_between_requests_is_not_timed_here_but_the_next_head_is() {
        let (mut stream, mut client, phase) = stream_pair();
        client.write_all(b"a").await.unwrap();
        stream.read_u8().await.unwrap();
        phase.requests_read(1);
        phase.request_ends();

        let hour = Duration::from_secs(3_600);
        assert!(tokio::time::timeout(hour, stream.read_u8()).await.is_err(), "an idle stream waits");
        client.write_all(b"b").await.unwrap();
        stream.read_u8().await.unwrap();
        let start = Instant::now();
        assert_eq!(bounded(stream.read_u8()).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_being_answered_is_not_timed_here() {
        let (mut stream, mut client, phase) = stream_pair();
        phase.requests_read(0);
        let hour = Duration::from_secs(3_600);
        assert!(tokio::time::timeout(hour, stream.read_u8()).await.is_err());
        client.write_all(b"early").await.unwrap();
        stream.read_exact(&mut [0; 5]).await.unwrap();
        assert!(!phase.is_idle());
        phase.request_ends();
        assert!(!phase.is_idle(), "the next head has begun");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (mut stream, mut client, _progress) = stream_pair();
        stream.write_all(&[0; 16]).await.unwrap();
        let start = Instant::now();
        assert_eq!(bounded(stream.write_all(b"more")).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 5);

        client.read_exact(&mut [0; 16]).await.unwrap();
        stream.write_all(&[0; 16]).await.unwrap();
        for _ in 0..3 {
            let slowly = async {
                sleep(LIMIT - Duration::from_secs(1)).await;
                client.read_u8().await
            };
            let (written, read) = tokio::join!(stream.write_all(b"x"), slowly);
            assert!(written.is_ok() && read.is_ok(), "each byte taken starts the time anew");
        }
    }
}
