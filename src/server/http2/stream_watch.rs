//! The requests of one HTTP/2 connection: how many are being answered, which answers are not taken, how many were given
//! up. HTTP/2 lets a client open, drop and stall many at once, so a connection is watched as a whole.

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

/// All requests of a connection. Clones are of the same connection.
#[derive(Clone)]
pub(in crate::server) struct StreamWatch(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Tells that too many requests were given up.
    abused: Notify,
    /// What the other connections see of this one.
    phase: RequestPhase,
}

struct State {
    answering: usize,
    /// Answers on their way, and when the client took some of each last.
    sending: HashMap<usize, Instant>,
    /// How many there were so far.
    begun: usize,
    given_up: usize,
    /// When the last one began or ended.
    changed: Instant,
}

impl StreamWatch {
    /// Those of a connection on which nothing was asked yet.
    pub(in crate::server) fn new(phase: RequestPhase) -> Self {
        let state =
            State { answering: 0, sending: HashMap::new(), begun: 0, given_up: 0, changed: Instant::now() };
        Self(Arc::new(Shared { state: Mutex::new(state), abused: Notify::new(), phase }))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has come.
    pub(in crate::server) fn begin(&self) -> ActiveStream {
        let number = self.change(|state| {
            state.begun += 1;
            state.answering += 1;
            state.begun
        });
        ActiveStream { watch: self.clone(), number, answered: false }
    }

    /// Ends when the connection is to end: it is idle for too long, the client takes nothing of an answer for too long,
    /// or gave up too many requests.
    pub(in crate::server) async fn over(&self, bounds: &Bounds) -> Over {
        loop {
            let due = match self.state().due(bounds) {
                Ok(due) => due,
                Err(over) => return over,
            };
            tokio::select! {
                () = self.0.abused.notified() => return Over::Abused,
                () = sleep_until(due) => {}
            }
        }
    }
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Over {
    /// Nothing was asked for a while.
    Idle,
    /// An answer is not taken.
    Stalled,
    /// Too many requests were given up.
    Abused,
}

impl State {
    fn is_idle(&self) -> bool {
        self.answering == 0 && self.sending.is_empty()
    }

    /// When to look again, or why there is no need to.
    fn due(&self, bounds: &Bounds) -> Result<Instant, Over> {
        let now = Instant::now();
        // Nobody tells of what begins meanwhile, so the next look is never far.
        let soon = now + bounds.idle.min(bounds.write_stall);
        if self.is_idle() {
            // Whoever connects and asks nothing is not kept for long.
            let patience = if self.begun == 0 { bounds.head_read } else { bounds.idle };
            let due = self.changed + patience;
            return if due <= now { Err(Over::Idle) } else { Ok(due.min(soon)) };
        }
        let Some(oldest) = self.sending.values().min() else { return Ok(soon) };
        let due = *oldest + bounds.write_stall;
        if due <= now { Err(Over::Stalled) } else { Ok(due.min(soon)) }
    }
}

/// One request until its answer is made. Dropped before, it was given up by the client.
pub(in crate::server) struct ActiveStream {
    watch: StreamWatch,
    number: usize,
    answered: bool,
}

impl ActiveStream {
    /// The answer, in pieces that are handed on as fast as the client takes them.
    pub(in crate::server) fn answered<B>(mut self, answer: Response<B>) -> Response<Sending<B>> {
        self.answered = true;
        self.watch.change(|state| {
            state.answering = state.answering.saturating_sub(1);
            state.sending.insert(self.number, Instant::now());
        });
        let sent = Sent { watch: self.watch.clone(), number: self.number };
        answer.map(|body| Sending { body, rest: Bytes::new(), sent })
    }
}

impl Drop for ActiveStream {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let given_up = self.watch.change(|state| {
            state.answering = state.answering.saturating_sub(1);
            state.given_up += 1;
            state.given_up
        });
        if given_up > limits::HTTP2_GIVEN_UP_MAX {
            self.watch.0.abused.notify_one();
        }
    }
}

/// The body of an answer.
pub(in crate::server) struct Sending<B> {
    body: B,
    /// What the body gave at once and was not handed on yet.
    rest: Bytes,
    sent: Sent,
}

/// That an answer is on its way, until this is dropped.
struct Sent {
    watch: StreamWatch,
    number: usize,
}

impl Sent {
    fn moved(&self) {
        self.watch.state().sending.insert(self.number, Instant::now());
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.watch.change(|state| state.sending.remove(&self.number));
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Sending<B> {
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
