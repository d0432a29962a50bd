//! Reads a request's body once, within bounds of size and time.

use std::pin::pin;
use std::sync::Arc;

use bytes::{Buf, BufMut};
use futures_util::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::timeout;
use warp::http::HeaderMap;
use warp::http::header::{CONTENT_LENGTH, EXPECT};

use super::Bounds;
use crate::exchange::Body;

/// Reads the body, whatever tells its length, and takes room for it from `pool`, which counts bytes.
///
/// A client that asked before sending too much is refused before it sends; otherwise some of the excess is read and
/// dropped, because closing a connection with unread bytes can destroy the answer on its way.
///
/// # Errors
/// [`TryAcquireError`] when the pool has no room.
pub(super) async fn read<B: Buf, E>(
    headers: &HeaderMap,
    stream: impl Stream<Item = Result<B, E>>,
    bounds: &Bounds,
    pool: &Arc<Semaphore>,
) -> Result<(Body, OwnedSemaphorePermit), TryAcquireError> {
    let mut room = take(pool, 0)?;
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if headers.contains_key(EXPECT) && declared.is_some_and(|length| length > bounds.body_bytes) {
        return Ok((Body::TooLarge, room));
    }
    let body = match timeout(bounds.body_read, collect(stream, bounds, pool, &mut room)).await {
        Ok(body) => body?,
        Err(_) => Body::Incomplete,
    };
    Ok((body, room))
}

async fn collect<B: Buf, E>(
    stream: impl Stream<Item = Result<B, E>>,
    bounds: &Bounds,
    pool: &Arc<Semaphore>,
    room: &mut OwnedSemaphorePermit,
) -> Result<Body, TryAcquireError> {
    let mut stream = pin!(stream);
    let mut bytes = Vec::new();
    let mut length = 0_usize;
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else { return Ok(Body::Incomplete) };
        length = length.saturating_add(chunk.remaining());
        if length > bounds.body_bytes.saturating_add(bounds.body_dropped_bytes) {
            break;
        }
        if length > bounds.body_bytes {
            bytes = Vec::new();
        } else {
            room.merge(take(pool, chunk.remaining())?);
            bytes.put(chunk);
        }
    }
    Ok(if length > bounds.body_bytes { Body::TooLarge } else { Body::Whole(bytes) })
}

fn take(pool: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, TryAcquireError> {
    let bytes = u32::try_from(bytes).map_err(|_| TryAcquireError::NoPermits)?;
    Arc::clone(pool).try_acquire_many_owned(bytes)
}
