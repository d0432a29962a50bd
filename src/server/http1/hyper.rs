//! Serves one HTTP/1 connection, whatever its requests are.

use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use warp::http::header::HOST;
use warp::http::{Request, Version};

use crate::limits;
use crate::server::context::{ConnectionContext, ServerContext};
use crate::server::respond::inline::Next;
use crate::server::respond::request::{pathless, refused_plainly};
use crate::server::respond::response::{at_once, closing, response, routed};
use crate::server::shutdown::stopping;

/// Answers requests, of which `unread` was read already, until the client leaves, breaks a bound, or the server stops:
/// then the request in flight is answered, and an idle connection is closed at once.
pub(in crate::server) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    unread: Vec<u8>,
    context: ConnectionContext,
) {
    let mut stream = context.watched(stream);
    stream.unread(unread);
    let ConnectionContext { phase, peer, server, stop } = context;
    let ServerContext { router, filter, bounds, .. } = server;
    let routes = TowerToHyperService::new(warp::service(filter));
    let service = service_fn(move |mut request: Request<Incoming>| {
        let phase = phase.clone();
        let refused = phase.request_begins().map_err(|why| (400, why)).and_then(|()| refusal(&request));
        let origin = peer.origin(request.headers(), &router.proxies);
        let next = match refused {
            Err((status, why)) => Next::Answered(closing(response(refused_plainly(status, why)))),
            Ok(()) => router.prompt(&request, origin),
        };
        match next {
            Next::Answered(response) => {
                phase.request_ends();
                Either::Left(ready(Ok(response.map(at_once))))
            }
            Next::Body => {
                let router = Arc::clone(&router);
                // Boxed, so that answers at once need not move the room it takes.
                Either::Right(Either::Left(Box::pin(async move {
                    let response = router.with_body(request, origin).await;
                    phase.request_ends();
                    Ok::<_, Infallible>(response.map(at_once))
                })))
            }
            Next::Routes => {
                request.extensions_mut().insert(origin);
                let answer = routes.call(request);
                Either::Right(Either::Right(async move {
                    let response = answer.await?;
                    phase.request_ends();
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

/// Why a request is refused before anything looks at its path, if it is.
fn refusal<B>(request: &Request<B>) -> Result<(), (u16, &'static str)> {
    pathless(request)?;
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err((400, "Exactly one Host header field is needed"));
    }
    Ok(())
}
