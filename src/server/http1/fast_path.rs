//! Answers plain requests straight on the stream, from memory, for as long as a connection sends nothing else.
//!
//! What a gateway asks is one small request after the other. Taking each apart into what a web framework wants, and
//! putting its answer together again, would cost more than deciding about the key.

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

use super::codec::{self, Begin, Ending, Plain};
use super::deadline_stream::RequestPhase;
use crate::dialect::TryAnswer;
use crate::http::{Body, Head, RawResponse};
use crate::limits;
use crate::server::bounds::Bounds;
use crate::server::context::ConnectionContext;
use crate::server::respond::client_address::Peer;
use crate::server::respond::router::Router;
use crate::server::shutdown::stopping;

/// How this part of a connection ended.
pub(in crate::server) enum Outcome<S> {
    /// So did the connection.
    Closed,
    /// With a request that is for hyper: what was read of it and of what follows.
    Unread(S, Vec<u8>),
    /// With as many answers as were wanted; nothing that was read is left.
    Answered(S),
}

/// Answers until the client leaves, breaks a bound, or the server stops; until it answered `wanted` times, or a request
/// comes that is not plain, or that no dialect answers at once. Nothing was done about that one.
///
/// # Errors
/// The stream's.
pub(in crate::server) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    context: &ConnectionContext,
    wanted: usize,
) -> io::Result<Outcome<S>> {
    let ConnectionContext { phase, peer, server, stop } = context;
    let router = &*server.router;
    let mut stream = context.watched(stream);
    let (mut unread, mut answers, mut answered) = (Vec::new(), Vec::new(), 0);
    let (stopping, idle) = (pin!(stopping(stop.clone())), pin!(sleep(router.bounds.idle)));
    let (active, bounds) = (Instant::now(), &router.bounds);
    let mut patience = IdleTimeout { stop, stopping, idle, waited_for: false, active, bounds };
    // Reads since the last answer: a head that drips is hyper's, which does not begin anew with every byte.
    let mut reads = 0;
    loop {
        let stopped = stop.has_changed().unwrap_or(true);
        let next = router.answer_all(*peer, phase, stopped, &mut unread, &mut answers);
        if !answers.is_empty() {
            stream.write_all(&answers).await?;
            phase.request_ends();
            answers.clear();
            answers.shrink_to(limits::DIRECT_KEPT_BYTES);
            (patience.active, reads, answered) = (Instant::now(), 0, answered + 1);
            if answered >= wanted && unread.is_empty() && next == Next::Head {
                return Ok(Outcome::Answered(stream.into_inner()));
            }
        }
        match next {
            Next::Head | Next::Body if reads < limits::DIRECT_READS_MAX => reads += 1,
            Next::Head | Next::Body | Next::Other => {
                return Ok(Outcome::Unread(stream.into_inner(), unread));
            }
            Next::End => {
                stream.shutdown().await?;
                return Ok(Outcome::Closed);
            }
        }
        match patience.read(&mut stream, &mut unread, next).await {
            Read::Some => {}
            Read::Idle => return Ok(Outcome::Closed),
            Read::Failed(error) if next != Next::Body => return Err(error),
            // How long to wait for a body is hyper's to know, and what to say when it does not come.
            Read::Failed(_) | Read::Nothing => return Ok(Outcome::Unread(stream.into_inner(), unread)),
        }
    }
}

/// How long more is waited for.
struct IdleTimeout<'a, S> {
    stop: &'a watch::Receiver<bool>,
    /// Ends when the server stops.
    stopping: Pin<&'a mut S>,
    /// Ends some time after the connection was active last.
    idle: Pin<&'a mut Sleep>,
    /// Both will wake the connection's task: the same one from its beginning to its end.
    waited_for: bool,
    active: Instant,
    bounds: &'a Bounds,
}

/// What came of waiting for more.
enum Read {
    /// Bytes.
    Some,
    /// Nothing, and none are there.
    Idle,
    /// Nothing, and some are there.
    Nothing,
    Failed(io::Error),
}

impl<S: Future<Output = ()>> IdleTimeout<'_, S> {
    async fn read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        unread: &mut Vec<u8>,
        next: Next,
    ) -> Read {
        if unread.is_empty() {
            unread.shrink_to(limits::DIRECT_KEPT_BYTES);
        }
        unread.reserve(limits::DIRECT_READ_BYTES);
        let nothing = if unread.is_empty() { Read::Idle } else { Read::Nothing };
        let mut late = pin!(late(next));
        let begun = !unread.is_empty();
        tokio::select! {
            biased;
            read = stream.read_buf(unread) => match read {
                Ok(0) => nothing,
                Ok(_) => Read::Some,
                Err(error) => Read::Failed(error),
            },
            () = late.as_mut() => nothing,
            over = poll_fn(|cx| self.poll_over(begun, cx)) => match over {
                Over::Stopping => nothing,
                Over::Idle => Read::Idle,
            },
        }
    }

    /// Ready when nothing more is waited for, a request having `begun` or not.
    fn poll_over(&mut self, begun: bool, cx: &mut Context<'_>) -> Poll<Over> {
        // Two looks instead of two waits anew with every request.
        if self.waited_for && !self.idle.is_elapsed() && self.stop.has_changed().is_ok_and(|stop| !stop) {
            return Poll::Pending;
        }
        if self.stopping.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Over::Stopping);
        }
        while self.idle.as_mut().poll(cx).is_ready() {
            let head_read = if begun { self.bounds.head_read } else { Duration::ZERO };
            let end = self.active + self.bounds.idle + head_read;
            if end <= Instant::now() {
                return Poll::Ready(Over::Idle);
            }
            self.idle.as_mut().reset(end);
        }
        // A task that has had its share is told to wait without being waited for.
        self.waited_for = has_budget_remaining();
        Poll::Pending
    }
}

/// Why nothing more is waited for.
enum Over {
    Stopping,
    Idle,
}

/// Ends when a body is not where its head is.
async fn late(next: Next) {
    match next {
        Next::Body => sleep(Duration::from_millis(limits::DIRECT_BODY_MS)).await,
        Next::Head | Next::Other | Next::End => std::future::pending().await,
    }
}

/// What to do when all that could be answered is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Read more of a head, or the first of one.
    Head,
    /// Read more of a body.
    Body,
    /// Leave the rest to hyper.
    Other,
    /// End the connection.
    End,
}

impl Router {
    /// Takes the plain requests that `unread` begins with, and appends their answers to `answers`.
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
                break Next::Head;
            }
            let mut room = [const { MaybeUninit::uninit() }; limits::HEADERS_MAX];
            let plain = match codec::read(rest, &mut room) {
                Begin::Plain(plain) => plain,
                Begin::Head => break Next::Head,
                Begin::Body => break Next::Body,
                Begin::Other => break Next::Other,
            };
            let Some(answer) = self.answer_at_once(peer, &plain) else { break Next::Other };
            let ending = if stopped { plain.ending.now() } else { plain.ending };
            codec::write(answers, &answer, plain.method, ending);
            done += plain.length;
            if ending != Ending::Kept {
                break Next::End;
            }
        };
        if done > 0 {
            phase.requests_read(done);
            unread.drain(..done);
        }
        next
    }

    /// `None` when that cannot be done.
    fn answer_at_once(&self, peer: Peer, plain: &Plain<'_, '_>) -> Option<RawResponse> {
        let Plain { method, path, query, fields, body, .. } = plain;
        let origin = peer.origin(fields, &self.proxies);
        let head = Head { method, path, query, client: origin.client, entrance: origin.entrance, fields };
        let dialect = self.claiming(&head)?;
        let mut prompt = self.ask(&**dialect, &head, None);
        if let TryAnswer::WantsBody = prompt {
            prompt = self.ask(&**dialect, &head, Some(&Body::Whole(body.to_vec())));
        }
        match prompt {
            TryAnswer::Answer(answer) => Some(answer),
            TryAnswer::WantsBody | TryAnswer::WouldBlock => None,
        }
    }
}
