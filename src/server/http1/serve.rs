//! One HTTP/1 connection, and which threads serve it: it moves when its requests turn out to be of another kind.
//!
//! It begins on a thread that stands back. After a few requests that were answered at once it goes to one for such
//! connections, and back when another request comes. So nobody who comes to log in, or to be refused, keeps those
//! waiting who ask about keys.

use std::io;

use tokio::task::JoinSet;

use super::fast_path::{self, Outcome};
use super::hyper;
use crate::limits;
use crate::server::context::ConnectionContext;
use crate::server::listen::listener::Listener;
use crate::server::listen::workers::WorkerClass;

/// Answers requests until the client leaves, breaks a bound, or the server stops.
pub(in crate::server) async fn serve<L: Listener>(stream: L::Stream, context: ConnectionContext) {
    match at_once::<L>(stream, &context).await {
        Ok(Some((stream, unread))) => Box::pin(hyper::serve(stream, unread, context)).await,
        Ok(None) => {}
        Err(failure) => tracing::debug!(%failure, "a connection failed"),
    }
}

/// Answers what can be answered at once; then, unless the connection is over, its stream and what was read of the rest.
async fn at_once<L: Listener>(
    stream: L::Stream,
    context: &ConnectionContext,
) -> io::Result<Option<(L::Stream, Vec<u8>)>> {
    let wanted = if L::MOVES { limits::PROVING_ANSWERS } else { usize::MAX };
    // Boxed as what comes after it: a connection that is served elsewhere keeps no room for either.
    let accepted = match Box::pin(fast_path::serve(stream, context, wanted)).await? {
        Outcome::Closed => return Ok(None),
        Outcome::Unread(stream, unread) => return Ok(Some((stream, unread))),
        Outcome::Answered(stream) => L::release(stream)?,
    };
    let place = context.server.workers.place(WorkerClass::Verify);
    // Dropped with this connection, and so aborted.
    let mut there = JoinSet::new();
    there.spawn_on(proven::<L>(accepted, context.clone()), &place.runtime);
    let Some(Ok(left)) = there.join_next().await else { return Ok(None) };
    let Some((accepted, unread)) = left? else { return Ok(None) };
    let (stream, _) = L::open(accepted).await?;
    Ok(Some((stream, unread)))
}

/// Answers on this thread as long as that can be done at once.
async fn proven<L: Listener>(
    accepted: L::Accepted,
    context: ConnectionContext,
) -> io::Result<Option<(L::Accepted, Vec<u8>)>> {
    let (stream, _) = L::open(accepted).await?;
    match fast_path::serve(stream, &context, usize::MAX).await? {
        Outcome::Closed | Outcome::Answered(_) => Ok(None),
        Outcome::Unread(stream, unread) => Ok(Some((L::release(stream)?, unread))),
    }
}
