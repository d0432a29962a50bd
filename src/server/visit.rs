//! One HTTP/1 connection, and which threads serve it: it moves when its requests turn out to be of another kind.
//!
//! It begins on a thread that stands back. After a few requests that were answered at once it goes to one for such
//! connections, and back when another request comes. So nobody who comes to log in, or to be refused, keeps those
//! waiting who ask about keys.

use std::io;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::accept::{Door, Listener};
use super::connection;
use super::direct::{self, Outcome};
use super::origin::Approach;
use super::stream::{Progress, Watched};
use super::workers::Standing;
use crate::limits;

/// What is known of a connection, beside its stream.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) progress: Progress,
    pub(super) approach: Approach,
    pub(super) door: Door,
    /// Turns true, or is gone, when the connection is to end.
    pub(super) stop: watch::Receiver<bool>,
}

impl Visit {
    /// The connection's stream with its bounds of time, which are told by the thread that this is called on.
    pub(super) fn watched<S>(&self, stream: S) -> Watched<S> {
        let bounds = &self.door.bounds;
        Watched::new(stream, self.progress.clone(), bounds.head_read, bounds.write_stall)
    }
}

/// Answers requests until the client leaves, breaks a bound, or the server stops.
pub(super) async fn serve<L: Listener>(stream: L::Stream, visit: Visit) {
    match at_once::<L>(stream, &visit).await {
        Ok(Some((stream, unread))) => Box::pin(connection::serve(stream, unread, visit)).await,
        Ok(None) => {}
        Err(failure) => tracing::debug!(%failure, "a connection failed"),
    }
}

/// Answers what can be answered at once; then, unless the connection is over, its stream and what was read of the rest.
async fn at_once<L: Listener>(stream: L::Stream, visit: &Visit) -> io::Result<Option<(L::Stream, Vec<u8>)>> {
    let wanted = if L::MOVES { limits::PROVING_ANSWERS } else { usize::MAX };
    // Boxed as what comes after it: a connection that is served elsewhere keeps no room for either.
    let accepted = match Box::pin(direct::serve(stream, visit, wanted)).await? {
        Outcome::Closed => return Ok(None),
        Outcome::Unread(stream, unread) => return Ok(Some((stream, unread))),
        Outcome::Answered(stream) => L::release(stream)?,
    };
    let place = visit.door.workers.place(Standing::Proven);
    // Dropped with this connection, and so aborted.
    let mut there = JoinSet::new();
    there.spawn_on(proven::<L>(accepted, visit.clone()), &place.runtime);
    let Some(Ok(left)) = there.join_next().await else { return Ok(None) };
    let Some((accepted, unread)) = left? else { return Ok(None) };
    let (stream, _) = L::open(accepted).await?;
    Ok(Some((stream, unread)))
}

/// Answers on this thread as long as that can be done at once.
async fn proven<L: Listener>(
    accepted: L::Accepted,
    visit: Visit,
) -> io::Result<Option<(L::Accepted, Vec<u8>)>> {
    let (stream, _) = L::open(accepted).await?;
    match direct::serve(stream, &visit, usize::MAX).await? {
        Outcome::Closed | Outcome::Answered(_) => Ok(None),
        Outcome::Unread(stream, unread) => Ok(Some((L::release(stream)?, unread))),
    }
}
