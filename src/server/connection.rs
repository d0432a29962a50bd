//! Serves one connection.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use warp::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use warp::http::{Request, Version};

use super::accept::Door;
use super::origin::Approach;
use super::prompt::Next;
use super::respond::{closing, plain, response};
use super::shutdown::stopping;
use super::stream::{Progress, Watched};
use crate::limits;

/// Answers requests until the client leaves, breaks a bound, or the server stops: then the request in flight is
/// answered, and an idle connection is closed at once.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    approach: Approach,
    door: Door,
    stop: watch::Receiver<bool>,
) {
    let Door { desk, filter, bounds, .. } = door;
    let progress = Progress::new();
    let stream = Watched::new(stream, progress.clone(), bounds.head_read, bounds.write_stall);
    let routes = TowerToHyperService::new(warp::service(filter));
    let service = service_fn(move |request: Request<Incoming>| {
        let refused = refusal(&request, &progress.request_begins());
        let next = match refused {
            Some(why) => Next::Answered(closing(response(plain(400, why)))),
            None => {
                let origin = approach.origin(request.headers(), &desk.proxies);
                desk.prompt(request, origin)
            }
        };
        let (desk, routes, progress) = (Arc::clone(&desk), routes.clone(), progress.clone());
        async move {
            let response = match next {
                Next::Answered(response) => response,
                Next::Body(request, origin) => desk.with_body(request, origin).await,
                Next::Routes(request) => routes.call(request).await?,
            };
            progress.request_ends();
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(
        Builder::new()
            .timer(TokioTimer::new())
            // Runs between requests too; a head that has begun is timed by the stream.
            .header_read_timeout(bounds.idle.saturating_add(bounds.head_read))
            .max_buf_size(limits::HEAD_BYTES_MAX)
            .max_headers(limits::HEADERS_MAX)
            // A client that has said everything and shuts its side down still gets its answer.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service)
    );
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stopping(stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(failure) = outcome {
        tracing::debug!(%failure, "a connection failed");
    }
}

/// Why a request is refused before anything looks at its path, if it is.
///
/// hyper settles some ambiguities by itself (length and chunked together: chunked wins, and the connection ends). A
/// proxy in front may settle them the other way, so none is served.
fn refusal(request: &Request<Incoming>, head: &[u8]) -> Option<&'static str> {
    // A target without a path (`CONNECT`, `OPTIONS *`) is a proxy's; warp cannot take it apart.
    if !request.uri().path().starts_with('/') {
        return Some("The request target needs a path");
    }
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Some("Exactly one Host header field is needed");
    }
    if request.headers().contains_key(TRANSFER_ENCODING) && !is_chunked_alone(head) {
        return Some("A chunked body must not have a Content-Length, nor follow an unanswered request");
    }
    None
}

/// Whether these bytes begin with a head that has no `Content-Length`, which hyper removes from what it hands on. A
/// chunked request sent ahead of an answer leaves no head to look at, so it is not.
fn is_chunked_alone(head: &[u8]) -> bool {
    let mut fields = [httparse::EMPTY_HEADER; limits::HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    parsed.parse(head).is_ok_and(|status| status.is_complete())
        && !parsed.headers.iter().any(|field| field.name.eq_ignore_ascii_case(CONTENT_LENGTH.as_str()))
}
