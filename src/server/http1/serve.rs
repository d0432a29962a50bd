//! One HTTP/1 connection, which moves between two classes of worker threads.
//!
//! A connection begins on a general worker. After a few inline answers it moves to a verify worker, and back at the
//! first request that has no inline answer. So a client that logs in, or whose keys are denied, does not delay clients
//! that verify.

use std::io;

use tokio::task::JoinSet;

use super::fast_path::{self, FastPathEnd};
use super::hyper::{self, HandOver};
use crate::limits;
use crate::server::context::ConnectionContext;
use crate::server::listen::listener::Listener;
use crate::server::listen::workers::WorkerClass;

/// Serves requests until the client leaves, exceeds a bound, or the server stops.
pub(in crate::server) async fn serve<L: Listener>(stream: L::Stream, context: ConnectionContext) {
    match serve_inline::<L>(stream, &context).await {
        Ok(Some((stream, hand_over))) => Box::pin(hyper::serve(stream, hand_over, context)).await,
        Ok(None) => {}
        Err(failure) => tracing::debug!(%failure, "a connection failed"),
    }
}

/// Serves requests with inline answers. Returns the stream and the rest for hyper, unless the connection is over.
async fn serve_inline<L: Listener>(
    stream: L::Stream,
    context: &ConnectionContext,
) -> io::Result<Option<(L::Stream, HandOver)>> {
    let answers = if L::MOVES { limits::VERIFY_WORKER_AFTER_ANSWERS } else { usize::MAX };
    // Boxed, as hyper's part is: a connection that moved away keeps no room for either.
    let accepted = match Box::pin(fast_path::serve(stream, context, answers)).await? {
        FastPathEnd::Closed => return Ok(None),
        FastPathEnd::HandOver(stream, hand_over) => return Ok(Some((stream, hand_over))),
        FastPathEnd::Answered(stream) => L::release(stream)?,
    };
    let seat = context.server.workers.seat(WorkerClass::Verify);
    // Dropped, and so aborted, with this connection.
    let mut moved = JoinSet::new();
    moved.spawn_on(serve_on_verify_worker::<L>(accepted, context.clone()), &seat.runtime);
    let Some(Ok(left)) = moved.join_next().await else { return Ok(None) };
    let Some((accepted, hand_over)) = left? else { return Ok(None) };
    let (stream, _) = L::open(accepted).await?;
    Ok(Some((stream, hand_over)))
}

/// Serves requests on this thread until one has no inline answer.
async fn serve_on_verify_worker<L: Listener>(
    accepted: L::Accepted,
    context: ConnectionContext,
) -> io::Result<Option<(L::Accepted, HandOver)>> {
    let (stream, _) = L::open(accepted).await?;
    match fast_path::serve(stream, &context, usize::MAX).await? {
        FastPathEnd::Closed | FastPathEnd::Answered(_) => Ok(None),
        FastPathEnd::HandOver(stream, hand_over) => Ok(Some((L::release(stream)?, hand_over))),
    }
}
