//! HTTP/2 connections. Their requests get the same responses within the same bounds as those of HTTP/1.
//!
//! HTTP/2 is spoken over TLS only. Below TLS a connection is the same as without it.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use warp::http::header::{COOKIE, HOST};
use warp::http::{HeaderMap, HeaderValue, Request};

use super::stream_watch::{CloseReason, StreamWatch};
use crate::limits;
use crate::server::context::{ConnectionContext, ServerContext};
use crate::server::http1::deadline_stream::{DeadlineStream, RequestPhase};
use crate::server::respond::claim::Recognition;
use crate::server::respond::request::{BadRequest, check_path};
use crate::server::shutdown::stopping;

/// Serves requests until the client leaves or exceeds a bound, or the server stops; then requests in flight are
/// answered.
pub(in crate::server) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    context: ConnectionContext,
) {
    let ConnectionContext { phase, peer, server, stop } = context;
    let ServerContext { router, bounds, .. } = server;
    let stream = DeadlineStream::new(stream, RequestPhase::untimed(), bounds.head_read, bounds.write_stall);
    let watch = StreamWatch::new(phase);
    let begun = watch.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let active = begun.begin();
        let router = Arc::clone(&router);
        async move {
            let response = match normalize(&mut request) {
                Err(refused) => refused.response(),
                Ok(()) => {
                    let client = peer.client(request.headers(), &router.proxies);
                    router.respond(request, client, Recognition::Pending).await
                }
            };
            Ok::<_, Infallible>(active.responded(response))
        }
    });
    let mut connection = pin!(
        Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits::HTTP2_REQUESTS_MAX)
            .max_pending_accept_reset_streams(limits::HTTP2_RESETS_WAITING_MAX)
            .max_local_error_reset_streams(limits::HTTP2_RESETS_WAITING_MAX)
            .max_header_list_size(HEAD_BYTES)
            .initial_stream_window_size(limits::HTTP2_WINDOW_BYTES)
            .initial_connection_window_size(limits::HTTP2_CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(limits::HTTP2_UNSENT_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
    );
    let reason = tokio::select! {
        outcome = connection.as_mut() => return log_failure(outcome),
        reason = watch.closed(&bounds) => reason,
        () = stopping(stop) => CloseReason::Idle,
    };
    match reason {
        CloseReason::Idle => {
            connection.as_mut().graceful_shutdown();
            log_failure(timeout(bounds.write_stall, connection).await.unwrap_or(Ok(())));
        }
        CloseReason::Stalled => tracing::debug!("a connection that stalled was cut off"),
        CloseReason::Abused => tracing::debug!("a connection that began and dropped too much was cut off"),
    }
}

fn log_failure(outcome: hyper::Result<()>) {
    if let Err(failure) = outcome {
        tracing::debug!(%failure, "a connection failed");
    }
}

const HEAD_BYTES: u32 = {
    assert!(limits::HEAD_BYTES_MAX < u32::MAX as usize);
    limits::HEAD_BYTES_MAX as u32
};

/// Makes the request one that HTTP/1 could have brought: with one `Host` and one `Cookie` field.
///
/// Source: RFC 9113, 8.2.3 (cookies in pieces are one field) and 8.3.1 (`:authority` replaces `Host`, which may only
/// repeat it).
///
/// # Errors
/// [`BadRequest`] when HTTP/1 could not have brought it.
fn normalize<B>(request: &mut Request<B>) -> Result<(), BadRequest> {
    check_path(request)?;
    let authority = request.uri().authority().and_then(|named| HeaderValue::from_str(named.as_str()).ok());
    let fields = request.headers_mut();
    if fields.len() > limits::HEADERS_MAX {
        return Err(BadRequest { status: 431, reason: "Too many header fields" });
    }
    let hosts: Vec<_> = fields.get_all(HOST).iter().collect();
    match (authority, hosts.as_slice()) {
        (Some(authority), []) => {
            fields.insert(HOST, authority);
        }
        (Some(authority), [host]) if **host == authority => {}
        (None, [_]) => {}
        (Some(_), [_, ..]) | (None, [] | [_, _, ..]) => {
            return Err(BadRequest { status: 400, reason: "Exactly one host is needed" });
        }
    }
    join_cookies(fields);
    Ok(())
}

fn join_cookies(fields: &mut HeaderMap) {
    let pieces: Vec<_> = fields.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if pieces.len() < 2 {
        return;
    }
    if let Ok(joined) = HeaderValue::from_bytes(&pieces.join(&b"; "[..])) {
        fields.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(uri: &str, fields: &[(&str, &str)]) -> Result<HeaderMap, BadRequest> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        normalize(&mut request).map(|()| request.headers().clone())
    }

    #[test]
    fn the_authority_is_the_host_and_cookies_are_one_field() {
        let fields = [("cookie", "a=1"), ("x-other", "y"), ("cookie", "b=2; c=3")];
        let normalized = normalized("https://keys.example:8443/v1/keys", &fields).unwrap();
        assert_eq!(normalized[HOST], "keys.example:8443");
        assert_eq!(normalized.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2; c=3"]);
        assert_eq!(normalized["x-other"], "y");
    }

    #[test]
    fn a_host_may_repeat_the_authority_and_nothing_else() {
        assert!(normalized("https://a.example/", &[("host", "a.example")]).is_ok());
        assert!(normalized("/", &[("host", "a.example")]).is_ok());
        for (uri, hosts) in [
            ("https://a.example/", &[("host", "b.example")][..]),
            ("https://a.example/", &[("host", "a.example"), ("host", "a.example")]),
            ("/", &[("host", "a.example"), ("host", "a.example")]),
            ("/", &[]),
            ("*", &[("host", "a.example")]),
        ] {
            assert_eq!(normalized(uri, hosts).unwrap_err().status, 400, "{uri} {hosts:?}");
        }
    }

    #[test]
    fn there_are_as_many_fields_as_in_http_1() {
        let mut fields = vec![("x-a", "1"); limits::HEADERS_MAX];
        assert!(normalized("https://a.example/", &fields).is_ok());
        fields.push(("x-b", "1"));
        assert_eq!(normalized("https://a.example/", &fields).unwrap_err().status, 431);
    }
}
