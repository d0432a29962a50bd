//! HTTP/1 by hyper, for requests that the fast path does not answer.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;

use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use warp::http::header::HOST;
use warp::http::{Request, Version};

use crate::limits;
use crate::server::context::{ConnectionContext, ServerContext};
use crate::server::respond::claim::Recognition;
use crate::server::respond::request::{BadRequest, check_path};
use crate::server::respond::response::closing;
use crate::server::shutdown::stopping;

/// Bytes that the fast path read and did not answer, and the dialect that it found for the request they begin with.
pub(super) struct HandOver {
    pub(super) unread: Vec<u8>,
    pub(super) recognition: Recognition,
}

/// Serves requests until the client leaves, exceeds a bound, or the server stops. At a stop the request in flight is
/// answered; an idle connection is closed at once.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    HandOver { unread, recognition }: HandOver,
    context: ConnectionContext,
) {
    let mut stream = context.with_deadlines(stream);
    stream.unread(unread);
    let ConnectionContext { phase, peer, server, stop } = context;
    let ServerContext { router, bounds, .. } = server;
    let recognition = Cell::new(recognition);
    let service = service_fn(move |request: Request<Incoming>| {
        let phase = phase.clone();
        // Of the first request alone.
        let known = recognition.take();
        let responding = match phase.request_begins().map_err(ambiguous).and_then(|()| check(&request)) {
            Err(refused) => Either::Left(ready(closing(refused.response()))),
            Ok(()) => {
                let client = peer.client(request.headers(), &router.proxies);
                router.respond(request, client, known)
            }
        };
        async move {
            let response = responding.await;
            phase.request_ends();
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(
        Builder::new()
            .timer(TokioTimer::new())
            // Runs between requests too; the deadline of a head that has begun is the stream's.
            .header_read_timeout(bounds.idle.saturating_add(bounds.head_read))
            .max_buf_size(limits::HEAD_BYTES_MAX)
            .max_headers(limits::HEADERS_MAX)
            // A client that shuts down its side after the last request still gets the response.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service)
    );
    let outcome = tokio::select! {
        // In this order: a request that was read already is answered, even when the server is stopping.
        biased;
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

const fn ambiguous(reason: &'static str) -> BadRequest {
    BadRequest { status: 400, reason }
}

/// Checks what every request of HTTP/1 needs before a dialect sees it: a path, and exactly one host.
fn check<B>(request: &Request<B>) -> Result<(), BadRequest> {
    check_path(request)?;
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err(BadRequest { status: 400, reason: "Exactly one Host header field is needed" });
    }
    Ok(())
}
