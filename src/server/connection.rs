//! Serves one HTTP/1 connection, whatever its requests are.

use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::Either;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use warp::http::header::HOST;
use warp::http::{Method, Request, Version};

use super::accept::Door;
use super::prompt::Next;
use super::respond::{closing, plain, response};
use super::shutdown::stopping;
use super::visit::Visit;
use crate::http::{METHODS, RawResponse};
use crate::limits;

/// Answers requests, of which `unread` was read already, until the client leaves, breaks a bound, or the server stops:
/// then the request in flight is answered, and an idle connection is closed at once.
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, unread: Vec<u8>, visit: Visit) {
    let mut stream = visit.watched(stream);
    stream.unread(unread);
    let Visit { progress, approach, door, stop } = visit;
    let Door { desk, filter, bounds, .. } = door;
    let routes = TowerToHyperService::new(warp::service(filter));
    let service = service_fn(move |mut request: Request<Incoming>| {
        let progress = progress.clone();
        let refused = progress.request_begins().map_err(|why| (400, why)).and_then(|()| refusal(&request));
        let origin = approach.origin(request.headers(), &desk.proxies);
        let next = match refused {
            Err((status, why)) => Next::Answered(closing(response(refused_plainly(status, why)))),
            Ok(()) => desk.prompt(&request, origin),
        };
        match next {
            Next::Answered(response) => {
                progress.request_ends();
                Either::Left(ready(Ok(response.map(at_once))))
            }
            Next::Body => {
                let desk = Arc::clone(&desk);
                // Boxed, so that answers at once need not move the room it takes.
                Either::Right(Either::Left(Box::pin(async move {
                    let response = desk.with_body(request, origin).await;
                    progress.request_ends();
                    Ok::<_, Infallible>(response.map(at_once))
                })))
            }
            Next::Routes => {
                request.extensions_mut().insert(origin);
                let answer = routes.call(request);
                Either::Right(Either::Right(async move {
                    let response = answer.await?;
                    progress.request_ends();
                    Ok(response.map(routed))
                }))
            }
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
        // First what was read already: a request that has come is answered, even when the server is stopping.
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

/// The body of an answer: one that is there, or one of warp's.
pub(super) type AnswerBody<B> = http_body_util::Either<Full<Bytes>, B>;

pub(super) fn at_once<B>(body: Bytes) -> AnswerBody<B> {
    AnswerBody::Left(Full::new(body))
}

pub(super) fn routed<B>(body: B) -> AnswerBody<B> {
    AnswerBody::Right(body)
}

/// Why a request is refused before anything looks at its path, if it is.
fn refusal<B>(request: &Request<B>) -> Result<(), (u16, &'static str)> {
    pathless(request)?;
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err((400, "Exactly one Host header field is needed"));
    }
    Ok(())
}

/// Refuses what only a proxy serves: a target without a path, as those of `CONNECT` and `OPTIONS *`. warp cannot take them
/// apart.
pub(super) fn pathless<B>(request: &Request<B>) -> Result<(), (u16, &'static str)> {
    if request.uri().path().starts_with('/') {
        Ok(())
    } else if request.method() == Method::CONNECT {
        Err((405, "This is no proxy"))
    } else {
        Err((400, "The request target needs a path"))
    }
}

/// The answer to what no dialect sees.
pub(super) fn refused_plainly(status: u16, why: &str) -> RawResponse {
    let answer = plain(status, why);
    if status == 405 { answer.with_header("allow", METHODS) } else { answer }
}
