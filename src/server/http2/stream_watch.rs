//! Stream watch: the requests in flight of one HTTP/2 connection, the responses that the client does not take, and the
//! requests that it dropped.
//!
//! HTTP/2 lets a client open, drop and stall many requests at once, and h2 leaves that to its user. So the connection
//! is watched as a whole.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use warp::http::Response;

use crate::limits;
use crate::server::bounds::Bounds;
use crate::server::http1::deadline_stream::RequestPhase;

/// Watch over all requests of a connection. Clones share it.
#[derive(Clone)]
pub(in crate::server) struct StreamWatch(Arc<Watched>);

struct Watched {
    state: Mutex<Streams>,
    /// Wakes the connection when the client has dropped too many requests.
    abused: Notify,
    /// Phase that the registry of open connections reads.
    phase: RequestPhase,
}

struct Streams {
    /// Requests whose response is not made.
    answering: usize,
    /// Responses in transit, with the time at which the client last took bytes of each.
    sending: HashMap<usize, Instant>,
    /// Requests so far.
    begun: usize,
    /// Requests that the client dropped before their response was made.
    dropped: usize,
    /// Time at which the last request or response began or ended.
    changed: Instant,
}

impl StreamWatch {
    /// Watch over a new connection.
    pub(in crate::server) fn new(phase: RequestPhase) -> Self {
        let state =
            Streams { answering: 0, sending: HashMap::new(), begun: 0, dropped: 0, changed: Instant::now() };
        Self(Arc::new(Watched { state: Mutex::new(state), abused: Notify::new(), phase }))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Streams) -> T) -> T {
        let mut state = self.state();
        let changed = change(&mut state);
        state.changed = Instant::now();
        if state.is_idle() {
            self.0.phase.request_ends();
        } else {
            self.0.phase.answering();
        }
        changed
    }

    fn state(&self) -> MutexGuard<'_, Streams> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a request.
    pub(in crate::server) fn begin(&self) -> ActiveStream {
        let number = self.change(|state| {
            state.begun += 1;
            state.answering += 1;
            state.begun
        });
        ActiveStream { watch: self.clone(), number, responded: false }
    }

    /// Ends when the connection is to be closed, with the reason.
    pub(in crate::server) async fn closed(&self, bounds: &Bounds) -> CloseReason {
        loop {
            let due = match self.state().due(bounds) {
                Ok(due) => due,
                Err(reason) => return reason,
            };
            tokio::select! {
                () = self.0.abused.notified() => return CloseReason::Abused,
                () = sleep_until(due) => {}
            }
        }
    }
}

/// Reason to close a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum CloseReason {
    /// No request for too long.
    Idle,
    /// The client took no byte of a response for too long.
    Stalled,
    /// The client dropped too many requests.
    Abused,
}

impl Streams {
    fn is_idle(&self) -> bool {
        self.answering == 0 && self.sending.is_empty()
    }

    /// Time of the next look, or the reason to close.
    fn due(&self, bounds: &Bounds) -> Result<Instant, CloseReason> {
        let now = Instant::now();
        // No event wakes this for requests that begin meanwhile, so the next look is never far.
        let soon = now + bounds.idle.min(bounds.write_stall);
        if self.is_idle() {
            // A client that connects and sends no request is dropped soon.
            let limit = if self.begun == 0 { bounds.head_read } else { bounds.idle };
            let due = self.changed + limit;
            return if due <= now { Err(CloseReason::Idle) } else { Ok(due.min(soon)) };
        }
        let Some(oldest) = self.sending.values().min() else { return Ok(soon) };
        let due = *oldest + bounds.write_stall;
        if due <= now { Err(CloseReason::Stalled) } else { Ok(due.min(soon)) }
    }
}

/// One request until its response is made. Dropping this earlier means that the client dropped the request.
pub(in crate::server) struct ActiveStream {
    watch: StreamWatch,
    number: usize,
    responded: bool,
}

impl ActiveStream {
    /// The response, whose body is sent in pieces, as fast as the client takes them.
    pub(in crate::server) fn responded<B>(mut self, response: Response<B>) -> Response<WatchedBody<B>> {
        self.responded = true;
        self.watch.change(|state| {
            state.answering = state.answering.saturating_sub(1);
            state.sending.insert(self.number, Instant::now());
        });
        let sent = InTransit { watch: self.watch.clone(), number: self.number };
        response.map(|body| WatchedBody { body, rest: Bytes::new(), sent })
    }
}

impl Drop for ActiveStream {
    fn drop(&mut self) {
        if self.responded {
            return;
        }
        let dropped = self.watch.change(|state| {
            state.answering = state.answering.saturating_sub(1);
            state.dropped += 1;
            state.dropped
        });
        if dropped > limits::HTTP2_DROPPED_MAX {
            self.watch.0.abused.notify_one();
        }
    }
}

/// Body of a response, sent in pieces.
pub(in crate::server) struct WatchedBody<B> {
    body: B,
    /// Bytes of the body's last frame that were not sent yet.
    rest: Bytes,
    sent: InTransit,
}

/// A response in transit, until this is dropped.
struct InTransit {
    watch: StreamWatch,
    number: usize,
}

impl InTransit {
    fn moved(&self) {
        self.watch.state().sending.insert(self.number, Instant::now());
    }
}

impl Drop for InTransit {
    fn drop(&mut self) {
        self.watch.change(|state| state.sending.remove(&self.number));
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for WatchedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.sent.moved();
        if self.rest.is_empty() {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
                return Poll::Ready(None);
            };
            match frame?.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let length = self.rest.len().min(limits::HTTP2_PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}
