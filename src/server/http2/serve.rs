//! Serves one HTTP/2 connection. The requests on it are those of HTTP/1 once more: the same answers, the same bounds.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use warp::http::header::{COOKIE, HOST};
use warp::http::{HeaderMap, HeaderValue, Request};

use super::stream_watch::{Over, StreamWatch};
use crate::limits;
use crate::server::context::{ConnectionContext, ServerContext};
use crate::server::http1::deadline_stream::{DeadlineStream, RequestPhase};
use crate::server::respond::inline::Next;
use crate::server::respond::request::{pathless, refused_plainly};
use crate::server::respond::response::{at_once, response, routed};
use crate::server::shutdown::stopping;

/// Answers requests until the client leaves or breaks a bound, or the server stops; then those that have come are
/// answered.
pub(in crate::server) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    context: ConnectionContext,
) {
    let ConnectionContext { phase, peer, server, stop } = context;
    let ServerContext { router, filter, bounds, .. } = server;
    let stream = DeadlineStream::new(stream, RequestPhase::untimed(), bounds.head_read, bounds.write_stall);
    let routes = TowerToHyperService::new(warp::service(filter));
    let watch = StreamWatch::new(phase);
    let begun = watch.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let answering = begun.begin();
        let (router, routes) = (Arc::clone(&router), routes.clone());
        async move {
            let refused = settle(&mut request);
            let origin = peer.origin(request.headers(), &router.proxies);
            let next = match refused {
                Err((status, why)) => Next::Answered(response(refused_plainly(status, why))),
                Ok(()) => router.prompt(&request, origin),
            };
            let answer = match next {
                Next::Answered(answer) => answer.map(at_once),
                Next::Body => router.with_body(request, origin).await.map(at_once),
                Next::Routes => {
                    request.extensions_mut().insert(origin);
                    routes.call(request).await?.map(routed)
                }
            };
            Ok::<_, Infallible>(answering.answered(answer))
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
    let over = tokio::select! {
        outcome = connection.as_mut() => return ended(outcome),
        over = watch.over(&bounds) => over,
        () = stopping(stop) => Over::Idle,
    };
    match over {
        Over::Idle => {
            connection.as_mut().graceful_shutdown();
            ended(timeout(bounds.write_stall, connection).await.unwrap_or(Ok(())));
        }
        Over::Stalled => tracing::debug!("a connection that stalled was cut off"),
        Over::Abused => tracing::debug!("a connection that began and dropped too much was cut off"),
    }
}

fn ended(outcome: hyper::Result<()>) {
    if let Err(failure) = outcome {
        tracing::debug!(%failure, "a connection failed");
    }
}

const HEAD_BYTES: u32 = {
    assert!(limits::HEAD_BYTES_MAX < u32::MAX as usize);
    limits::HEAD_BYTES_MAX as u32
};

/// Makes the request one that HTTP/1 could have brought, or says what is wrong with it.
///
/// Source: RFC 9113, 8.2.3 (cookies in pieces are one field) and 8.3.1 (`:authority` takes the place of `Host`, which
/// may only repeat it).
fn settle<B>(request: &mut Request<B>) -> Result<(), (u16, &'static str)> {
    pathless(request)?;
    let authority = request.uri().authority().and_then(|named| HeaderValue::from_str(named.as_str()).ok());
    let fields = request.headers_mut();
    if fields.len() > limits::HEADERS_MAX {
        return Err((431, "Too many header fields"));
    }
    let hosts: Vec<_> = fields.get_all(HOST).iter().collect();
    match (authority, hosts.as_slice()) {
        (Some(authority), []) => {
            fields.insert(HOST, authority);
        }
        (Some(authority), [host]) if **host == authority => {}
        (None, [_]) => {}
        (Some(_), [_, ..]) | (None, [] | [_, _, ..]) => return Err((400, "Exactly one host is needed")),
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

    fn settled(uri: &str, fields: &[(&str, &str)]) -> Result<HeaderMap, (u16, &'static str)> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        settle(&mut request).map(|()| request.headers().clone())
    }

    #[test]
    fn the_authority_is_the_host_and_cookies_are_one_field() {
        let fields = [("cookie", "a=1"), ("x-other", "y"), ("cookie", "b=2; c=3")];
        let settled = settled("https://keys.example:8443/v1/keys", &fields).unwrap();
        assert_eq!(settled[HOST], "keys.example:8443");
        assert_eq!(settled.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2; c=3"]);
        assert_eq!(settled["x-other"], "y");
    }

    #[test]
    fn a_host_may_repeat_the_authority_and_nothing_else() {
        assert!(settled("https://a.example/", &[("host", "a.example")]).is_ok());
        assert!(settled("/", &[("host", "a.example")]).is_ok());
        for (uri, hosts) in [
            ("https://a.example/", &[("host", "b.example")][..]),
            ("https://a.example/", &[("host", "a.example"), ("host", "a.example")]),
            ("/", &[("host", "a.example"), ("host", "a.example")]),
            ("/", &[]),
            ("*", &[("host", "a.example")]),
        ] {
            assert_eq!(settled(uri, hosts).unwrap_err().0, 400, "{uri} {hosts:?}");
        }
    }

    #[test]
    fn there_are_as_many_fields_as_in_http_1() {
        let mut fields = vec![("x-a", "1"); limits::HEADERS_MAX];
        assert!(settled("https://a.example/", &fields).is_ok());
        fields.push(("x-b", "1"));
        assert_eq!(settled("https://a.example/", &fields).unwrap_err().0, 431);
    }
}
