//! Fast path: plain requests with inline answers are read and answered on the stream itself, without hyper.
//!
//! A gateway sends one small request after the other. Taking each apart for a web framework, and putting the response
//! together again, costs more than the verdict: the server's processor needs 1.4 times as long, the kernel's work
//! included. Only requests that can be read in one way are read here ([`codec`]). At the first other one the rest of
//! the connection is hyper's, unread, with the dialect that was found for it. `tests/server/fast_path.rs` compares the
//! responses with hyper's.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep};

use super::codec::{self, Ending, Parsed, PlainRequest};
use super::deadline_stream::RequestPhase;
use super::hyper::HandOver;
use crate::dialect::TryAnswer;
use crate::http::{Body, Head, RawResponse};
use crate::limits;
use crate::server::bounds::Bounds;
use crate::server::context::ConnectionContext;
use crate::server::respond::claim::Recognition;
use crate::server::respond::client_address::Peer;
use crate::server::respond::inline::Recognized;
use crate::server::respond::router::Router;
use crate::server::shutdown::stopping;

/// End of the fast path of a connection.
pub(super) enum FastPathEnd<S> {
    /// The connection is closed.
    Closed,
    /// The next request is for hyper.
    HandOver(S, HandOver),
    /// As many answers as wanted were sent, and no byte is unread.
    Answered(S),
}

/// Answers requests until the client leaves, exceeds a bound, or the server stops; until `wanted` answers were sent; or
/// until a request is not plain or has no inline answer. Nothing was done for that request.
///
/// # Errors
/// Those of the stream.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    context: &ConnectionContext,
    wanted: usize,
) -> io::Result<FastPathEnd<S>> {
    let ConnectionContext { phase, peer, server, stop } = context;
    let router = &*server.router;
    let mut stream = context.with_deadlines(stream);
    let (mut unread, mut answers, mut answered) = (Vec::new(), Vec::new(), 0);
    let (stopping, idle) = (pin!(stopping(stop.clone())), pin!(sleep(router.bounds.idle)));
    let (active, bounds) = (Instant::now(), &router.bounds);
    let mut timeout = IdleTimeout { stop, stopping, idle, polled: false, active, bounds };
    // Reads since the last answer. A head in many pieces is hyper's, which does not parse it anew with every piece.
    let mut reads = 0;
    loop {
        let stopped = stop.has_changed().unwrap_or(true);
        let next = router.answer_all(*peer, phase, stopped, &mut unread, &mut answers);
        if !answers.is_empty() {
            stream.write_all(&answers).await?;
            phase.request_ends();
            answers.clear();
            answers.shrink_to(limits::FAST_PATH_KEPT_BYTES);
            (timeout.active, reads, answered) = (Instant::now(), 0, answered + 1);
            if answered >= wanted && unread.is_empty() && matches!(next, Next::Read(Missing::Head)) {
                return Ok(FastPathEnd::Answered(stream.into_inner()));
            }
        }
        let missing = match next {
            Next::Read(missing) if reads < limits::FAST_PATH_READS_MAX => missing,
            Next::Read(_) => return Ok(hand_over(stream.into_inner(), unread, Recognition::Pending)),
            Next::HandOver(found) => return Ok(hand_over(stream.into_inner(), unread, found)),
            Next::Close => {
                stream.shutdown().await?;
                return Ok(FastPathEnd::Closed);
            }
        };
        reads += 1;
        match timeout.read(&mut stream, &mut unread, missing).await {
            Read::Some => {}
            Read::Idle => return Ok(FastPathEnd::Closed),
            Read::Failed(error) if missing == Missing::Head => return Err(error),
            // hyper knows how long to wait for a body, and what to answer when it does not come.
            Read::Failed(_) | Read::Incomplete => {
                return Ok(hand_over(stream.into_inner(), unread, Recognition::Pending));
            }
        }
    }
}

fn hand_over<S>(stream: S, unread: Vec<u8>, recognition: Recognition) -> FastPathEnd<S> {
    FastPathEnd::HandOver(stream, HandOver { unread, recognition })
}

/// Bounds on waiting for bytes: idle time, and the server's stop.
struct IdleTimeout<'a, S> {
    stop: &'a watch::Receiver<bool>,
    /// Ends when the server stops.
    stopping: Pin<&'a mut S>,
    /// Ends some time after the connection was active last.
    idle: Pin<&'a mut Sleep>,
    /// Whether both futures hold the waker of the connection's task, which is one task from beginning to end.
    polled: bool,
    active: Instant,
    bounds: &'a Bounds,
}

/// Result of waiting for bytes.
enum Read {
    /// Bytes came.
    Some,
    /// No byte came, and none is unread.
    Idle,
    /// No byte came, and a part of a request is unread.
    Incomplete,
    Failed(io::Error),
}

impl<S: Future<Output = ()>> IdleTimeout<'_, S> {
    async fn read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        unread: &mut Vec<u8>,
        missing: Missing,
    ) -> Read {
        if unread.is_empty() {
            unread.shrink_to(limits::FAST_PATH_KEPT_BYTES);
        }
        unread.reserve(limits::FAST_PATH_READ_BYTES);
        let nothing = if unread.is_empty() { Read::Idle } else { Read::Incomplete };
        let mut late = pin!(late(missing));
        let begun = !unread.is_empty();
        tokio::select! {
            biased;
            read = stream.read_buf(unread) => match read {
                Ok(0) => nothing,
                Ok(_) => Read::Some,
                Err(error) => Read::Failed(error),
            },
            () = late.as_mut() => nothing,
            end = poll_fn(|cx| self.poll_end(begun, cx)) => match end {
                WaitEnd::Stopping => nothing,
                WaitEnd::Idle => Read::Idle,
            },
        }
    }

    /// Ready when no more bytes are waited for; `begun` says whether a part of a request is unread.
    fn poll_end(&mut self, begun: bool, cx: &mut Context<'_>) -> Poll<WaitEnd> {
        // Two flags are read instead of registering two wakers again with every request.
        if self.polled && !self.idle.is_elapsed() && self.stop.has_changed().is_ok_and(|stop| !stop) {
            return Poll::Pending;
        }
        if self.stopping.as_mut().poll(cx).is_ready() {
            return Poll::Ready(WaitEnd::Stopping);
        }
        while self.idle.as_mut().poll(cx).is_ready() {
            let head_read = if begun { self.bounds.head_read } else { Duration::ZERO };
            let end = self.active + self.bounds.idle + head_read;
            if end <= Instant::now() {
                return Poll::Ready(WaitEnd::Idle);
            }
            self.idle.as_mut().reset(end);
        }
        // A task without budget gets `Pending` from a timer that did not take its waker.
        self.polled = has_budget_remaining();
        Poll::Pending
    }
}

/// Reason to wait no longer.
enum WaitEnd {
    Stopping,
    Idle,
}

/// Ends when the rest of a body does not follow its head at once.
async fn late(missing: Missing) {
    match missing {
        Missing::Body => sleep(Duration::from_millis(limits::FAST_PATH_BODY_MS)).await,
        Missing::Head => std::future::pending().await,
    }
}

/// Next step after all requests with inline answers.
enum Next {
    /// Read more bytes.
    Read(Missing),
    /// Leave the rest to hyper.
    HandOver(Recognition),
    /// Close the connection.
    Close,
}

/// Part of a request that is not read yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// A head, or the rest of one.
    Head,
    /// The rest of a body.
    Body,
}

impl Router {
    /// Takes the plain requests with inline answers from the start of `unread`, and appends the answers to `answers`.
    fn answer_all(
        &self,
        peer: Peer,
        phase: &RequestPhase,
        stopped: bool,
        unread: &mut Vec<u8>,
        answers: &mut Vec<u8>,
    ) -> Next {
        let mut done = 0;
        let next = loop {
            let rest = unread.get(done..).unwrap_or_default();
            if rest.is_empty() {
                break Next::Read(Missing::Head);
            }
            let mut room = [const { MaybeUninit::uninit() }; limits::HEADERS_MAX];
            let request = match codec::parse(rest, &mut room) {
                Parsed::Plain(request) => request,
                Parsed::PartialHead => break Next::Read(Missing::Head),
                Parsed::PartialBody => break Next::Read(Missing::Body),
                Parsed::NotPlain => break Next::HandOver(Recognition::Pending),
            };
            let answer = match self.answer_inline(peer, &request) {
                Ok(answer) => answer,
                Err(found) => break Next::HandOver(found),
            };
            let ending = if stopped { request.ending.closing() } else { request.ending };
            codec::write(answers, &answer, request.method, ending);
            done += request.length;
            if ending != Ending::KeepAlive {
                break Next::Close;
            }
        };
        if done > 0 {
            phase.requests_read(done);
            unread.drain(..done);
        }
        next
    }

    /// Answers a request, or returns which dialect is to answer it.
    fn answer_inline(&self, peer: Peer, request: &PlainRequest<'_, '_>) -> Result<RawResponse, Recognition> {
        let PlainRequest { method, path, query, fields, body, .. } = request;
        let client = peer.client(fields, &self.proxies);
        let (address, entrance) = (client.address, client.entrance);
        let head = Head { method, path, query, client: address, entrance, fields };
        match self.recognize(&head) {
            Recognized::Answer(answer) => Ok(answer),
            Recognized::WantsBody(dialect) => {
                match self.try_answer(&**dialect, &head, Some(&Body::Whole(body.to_vec()))) {
                    TryAnswer::Answer(answer) => Ok(answer),
                    TryAnswer::WantsBody | TryAnswer::WouldBlock => {
                        Err(Recognition::WouldBlock(dialect.clone()))
                    }
                }
            }
            Recognized::WouldBlock(dialect) => Err(Recognition::WouldBlock(dialect.clone())),
            Recognized::Unclaimed => Err(Recognition::Unclaimed),
        }
    }
}
