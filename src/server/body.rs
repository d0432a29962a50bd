//! Reads a request's body once, within bounds of size and time.

use bytes::Buf;
use futures_util::{Stream, StreamExt};
use warp::http::HeaderMap;
use warp::http::header::{CONTENT_LENGTH, EXPECT};

use super::Bounds;
use crate::exchange::Body;

/// Reads the body, whatever tells its length.
///
/// A client that asked before sending too much is refused before it sends; otherwise some of the excess is read and
/// dropped, because closing a connection with unread bytes can destroy the answer on its way.
pub(super) async fn read<B, E>(
    headers: &HeaderMap,
    stream: impl Stream<Item = Result<B, E>>,
    bounds: &Bounds,
) -> Body
where
    B: Buf,
{
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if headers.contains_key(EXPECT) && declared.is_some_and(|length| length > bounds.body_bytes) {
        return Body::TooLarge;
    }
    tokio::time::timeout(bounds.body_read, collect(stream, bounds)).await.unwrap_or(Body::Incomplete)
}

async fn collect<B: Buf, E>(stream: impl Stream<Item = Result<B, E>>, bounds: &Bounds) -> Body {
    let mut stream = std::pin::pin!(stream);
    let mut bytes = Vec::new();
    let mut length = 0_usize;
    while let Some(chunk) = stream.next().await {
        let Ok(mut chunk) = chunk else { return Body::Incomplete };
        length = length.saturating_add(chunk.remaining());
        if length > bounds.body_bytes.saturating_add(bounds.body_dropped_bytes) {
            break;
        }
        if length > bounds.body_bytes {
            bytes = Vec::new();
            continue;
        }
        while chunk.has_remaining() {
            let part = chunk.chunk();
            bytes.extend_from_slice(part);
            let taken = part.len();
            chunk.advance(taken);
        }
    }
    if length > bounds.body_bytes { Body::TooLarge } else { Body::Whole(bytes) }
}
