//! Bodies of requests, read once within bounds of size and time.

use std::pin::pin;
use std::sync::Arc;

use bytes::{Buf, BufMut};
use futures_util::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::timeout;
use warp::http::HeaderMap;
use warp::http::header::{CONTENT_LENGTH, EXPECT};

use crate::http::Body;
use crate::server::bounds::Bounds;

/// Reads a body, with a declared length or without, and takes permits for its bytes from `pool`.
///
/// A client that sent `Expect` and declared too large a body is answered before it sends the body. Of any other body
/// that is too large some of the excess is read and dropped, because closing a connection with unread bytes can destroy
/// the response on its way.
///
/// # Errors
/// [`TryAcquireError`] when the pool has too few permits: answer that the server is busy.
pub(in crate::server) async fn read<B: Buf, E>(
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
            drop(room.split(room.num_permits()));
        } else {
            grow(&mut bytes, length, bounds.body_bytes, pool, room)?;
            bytes.put(chunk);
        }
    }
    Ok(if length > bounds.body_bytes { Body::TooLarge } else { Body::Whole(bytes) })
}

/// Grows `bytes` to hold `length` of them, at most `most`. Permits cover the allocation, not only the bytes read; the
/// old allocation keeps its permits until it is copied.
fn grow(
    bytes: &mut Vec<u8>,
    length: usize,
    most: usize,
    pool: &Arc<Semaphore>,
    room: &mut OwnedSemaphorePermit,
) -> Result<(), TryAcquireError> {
    let before = bytes.capacity();
    if length <= before {
        return Ok(());
    }
    let wanted = length.max(before.saturating_mul(2)).min(most);
    let paid = take(pool, wanted)?;
    bytes.reserve_exact(wanted.saturating_sub(bytes.len()));
    let old = std::mem::replace(room, paid);
    drop(old);
    Ok(())
}

fn take(pool: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, TryAcquireError> {
    let bytes = u32::try_from(bytes).map_err(|_| TryAcquireError::NoPermits)?;
    Arc::clone(pool).try_acquire_many_owned(bytes)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn what_is_allocated_is_paid_for_and_not_only_what_came() {
        let bounds = Bounds::default();
        let pool = Arc::new(Semaphore::new(4 * bounds.body_bytes));
        for pieces in [1, 2, 7, 100, 4_097] {
            let piece = Bytes::from(vec![b'a'; 250]);
            let chunks = stream::iter(vec![Ok::<_, ()>(piece); pieces]);
            let (body, room) = read(&HeaderMap::new(), chunks, &bounds, &pool).await.unwrap();
            let Body::Whole(bytes) = body else { panic!("{body:?}") };
            assert_eq!((bytes.len(), bytes.capacity()), (250 * pieces, room.num_permits()));
        }
        let endless = stream::repeat_with(|| Ok::<_, ()>(Bytes::from_static(&[b'a'; 250]))).take(5_000);
        let (body, room) = read(&HeaderMap::new(), endless, &bounds, &pool).await.unwrap();
        assert!(matches!(body, Body::TooLarge) && room.num_permits() == 0, "what is dropped holds no room");
        let little = Arc::new(Semaphore::new(1_000));
        let chunks = stream::iter(vec![Ok::<_, ()>(Bytes::from_static(&[b'a'; 400])); 2]);
        let refused = read(&HeaderMap::new(), chunks, &bounds, &little).await;
        assert!(refused.is_err(), "old room and new are held together while one is copied");
    }
}
