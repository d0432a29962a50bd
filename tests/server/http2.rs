//! HTTP/2: the same answers as over HTTP/1, and bounds on what only it allows.

use std::future::poll_fn;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use keyward::server::Bounds;
use rustls::version::TLS13;
use tokio::task::JoinHandle;
use warp::http::{Request, Response};

use crate::harness::{Running, SOON, bounded, patient};
use crate::tls::{Certificate, start};

/// One connection.
struct Client {
    requests: SendRequest<Bytes>,
    /// Ends with the connection, and why.
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Client {
    async fn connect(certificate: &Certificate, server: &Running) -> Self {
        Self::with(h2::client::Builder::new(), certificate, server).await
    }

    async fn with(builder: h2::client::Builder, certificate: &Certificate, server: &Running) -> Self {
        let stream = certificate.connect(server, &[&TLS13], &["h2", "http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (requests, connection) = builder.handshake(stream).await.unwrap();
        Self { requests, connection: tokio::spawn(connection) }
    }

    /// Sends a request without a body.
    async fn begin(&mut self, path: &str) -> Result<h2::client::ResponseFuture, h2::Error> {
        self.send(get(path), true).await.map(|(response, _)| response)
    }

    async fn send(
        &mut self,
        request: Request<()>,
        whole: bool,
    ) -> Result<(h2::client::ResponseFuture, h2::SendStream<Bytes>), h2::Error> {
        poll_fn(|cx| self.requests.poll_ready(cx)).await?;
        self.requests.send_request(request, whole)
    }

    /// Status and body of the answer.
    async fn ask(&mut self, request: Request<()>) -> (u16, String) {
        let (response, _) = self.send(request, true).await.unwrap();
        read(response.await.unwrap()).await
    }
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("https://localhost{path}")).body(()).unwrap()
}

async fn read(response: Response<RecvStream>) -> (u16, String) {
    let status = response.status().as_u16();
    let (mut body, mut text) = (response.into_body(), Vec::new());
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        text.extend_from_slice(&data);
    }
    (status, String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn answers_are_those_of_http_1() {
    bounded(async {
        let certificate = Certificate::new();
        let server = start(&certificate, patient()).await;
        let mut client = Client::connect(&certificate, &server).await;
        for (path, status, body) in [
            ("/a?b", 200, "GET /a [b] from 127.0.0.1: \"\""),
            ("/healthz", 200, "ok\n"),
            ("/unclaimed", 404, "Not found\n"),
            ("/panic", 500, "Internal server error\n"),
            ("/at-once", 200, "at once: Whole(0 bytes)"),
            ("/at-once/panic", 500, "Internal server error\n"),
            ("/split", 500, "Internal server error\n"),
        ] {
            assert_eq!(client.ask(get(path)).await, (status, body.to_owned()), "{path}");
        }
        for path in ["/at-once", "/later", "/a"] {
            let post = Request::post(format!("https://localhost{path}")).body(()).unwrap();
            let (response, mut body) = client.send(post, false).await.unwrap();
            body.send_data(Bytes::from_static(b"hi"), true).unwrap();
            let (status, text) = read(response.await.unwrap()).await;
            assert!(status == 200 && (text.contains("hi") || text.contains("2 bytes")), "{path}: {text}");
        }
        let forwarded = Request::get("https://localhost/a").header("x-forwarded-for", "203.0.113.9");
        let (_, text) = client.ask(forwarded.body(()).unwrap()).await;
        assert!(text.contains("from 203.0.113.9"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_long_answer_comes_whole_and_only_as_fast_as_it_is_taken() {
    bounded(async {
        let certificate = Certificate::new();
        let server = start(&certificate, patient()).await;
        let mut client = Client::connect(&certificate, &server).await;
        let (status, text) = client.ask(get("/openapi.json")).await;
        let plain =
            Running::start(patient()).await.ask("GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(status == 200 && text.len() > 65_535, "more than one window: {}", text.len());
        assert_eq!(text, plain.body);
    })
    .await;
}

#[tokio::test]
async fn heads_and_bodies_have_the_same_bounds() {
    bounded(async {
        let certificate = Certificate::new();
        let bounds = Bounds { body_bytes: 1_000, body_read: SOON, ..patient() };
        let server = start(&certificate, bounds).await;
        let mut client = Client::connect(&certificate, &server).await;
        let mut request = Request::get("https://localhost/a");
        for number in 0..=keyward::limits::HEADERS_MAX {
            request = request.header(format!("x-{number}"), "1");
        }
        assert_eq!(client.ask(request.body(()).unwrap()).await.0, 431);
        let (mut tunnel, uri) = (Request::new(()), "localhost:443".parse().unwrap());
        (*tunnel.method_mut(), *tunnel.uri_mut()) = (warp::http::Method::CONNECT, uri);
        assert_eq!(client.ask(tunnel).await.0, 405);
        let long = Request::get("https://localhost/a").header("x-long", "y".repeat(40_000));
        assert_eq!(client.ask(long.body(()).unwrap()).await.0, 431);

        let post = || Request::post("https://localhost/a").body(()).unwrap();
        let (response, mut body) = client.send(post(), false).await.unwrap();
        body.send_data(vec![b'x'; 2_000].into(), true).unwrap();
        assert!(read(response.await.unwrap()).await.1.ends_with("TooLarge"));
        let (response, mut body) = client.send(post(), false).await.unwrap();
        body.send_data(Bytes::from_static(b"begun"), false).unwrap();
        assert!(read(response.await.unwrap()).await.1.ends_with("Incomplete"));
        assert_eq!(client.ask(get("/a")).await.0, 200, "the connection goes on");
    })
    .await;
}

#[tokio::test]
async fn no_more_requests_at_once_than_the_bound() {
    bounded(async {
        let certificate = Certificate::new();
        let mut server = start(&certificate, patient()).await;
        let mut client = Client::connect(&certificate, &server).await;
        assert_eq!(client.ask(get("/a")).await.0, 200);
        assert_eq!(client.requests.current_max_send_streams(), 100);
        // As many as that are answered in whichever order.
        let slow = client.begin("/wait").await.unwrap();
        server.begun.recv().await.unwrap();
        assert_eq!(client.ask(get("/b")).await.0, 200);
        server.go.send(()).unwrap();
        assert_eq!(slow.await.unwrap().status(), 200);
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_requests_that_are_reset_ends_its_connection_alone() {
    bounded(async {
        let certificate = Certificate::new();
        let bounds = Bounds { requests: 8, ..patient() };
        let server = start(&certificate, bounds).await;
        let mut bystander = Client::connect(&certificate, &server).await;
        let mut flood = Client::connect(&certificate, &server).await;
        let mut sent = 0_u32;
        while let Ok((response, mut stream)) = flood.send(get("/later"), false).await {
            stream.send_reset(Reason::CANCEL);
            drop(response);
            sent += 1;
            assert!(sent < 100_000, "nobody ends it");
            tokio::task::yield_now().await;
        }
        let end = flood.connection.await.unwrap();
        assert!(end.is_err() || sent >= 200, "{sent}, {end:?}");
        assert_eq!(bystander.ask(get("/a")).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn requests_that_are_begun_and_given_up_end_their_connection_too() {
    bounded(async {
        let certificate = Certificate::new();
        let mut server = start(&certificate, patient()).await;
        let mut client = Client::connect(&certificate, &server).await;
        let mut given_up = 0;
        while let Ok((response, mut stream)) = client.send(get("/wait"), true).await {
            let begun = tokio::select! {
                begun = server.begun.recv() => begun.is_some(),
                _ = &mut client.connection => false,
            };
            if !begun {
                break;
            }
            stream.send_reset(Reason::CANCEL);
            drop(response);
            // An answer to what was asked later: the server has seen the reset.
            let Ok(later) = client.begin("/healthz").await else { break };
            later.await.ok();
            server.go.send(()).unwrap();
            given_up += 1;
            assert!(given_up < 1_000, "nobody ends it");
        }
        assert!(given_up >= 200, "{given_up}: some is allowed");
    })
    .await;
}

#[tokio::test]
async fn a_client_may_give_up_now_and_then() {
    bounded(async {
        let certificate = Certificate::new();
        let server = start(&certificate, patient()).await;
        let mut client = Client::connect(&certificate, &server).await;
        for _ in 0..50 {
            let (response, mut stream) = client.send(get("/later"), false).await.unwrap();
            stream.send_reset(Reason::CANCEL);
            drop(response);
            assert_eq!(client.ask(get("/a")).await.0, 200);
        }
    })
    .await;
}

#[tokio::test]
async fn connections_on_which_nothing_happens_end() {
    bounded(async {
        let certificate = Certificate::new();
        let server = start(&certificate, Bounds { head_read: SOON * 20, ..patient() }).await;
        let mute = Client::connect(&certificate, &server).await;
        mute.connection.await.unwrap().ok();

        let server = start(&certificate, Bounds { idle: SOON, ..patient() }).await;
        let mut client = Client::connect(&certificate, &server).await;
        assert_eq!(client.ask(get("/a")).await.0, 200);
        client.connection.await.unwrap().ok();
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_its_connection() {
    bounded(async {
        let certificate = Certificate::new();
        let server = start(&certificate, Bounds { write_stall: SOON, ..patient() }).await;
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(1);
        let mut client = Client::with(builder, &certificate, &server).await;
        let response = client.begin("/openapi.json").await.unwrap().await.unwrap();
        assert_eq!(response.status(), 200);
        // Nothing of the body is ever released.
        client.connection.await.unwrap().ok();
        drop(response);
    })
    .await;
}

#[tokio::test]
async fn a_stop_lets_requests_in_flight_finish() {
    bounded(async {
        let certificate = Certificate::new();
        let mut server = start(&certificate, patient()).await;
        let mut client = Client::connect(&certificate, &server).await;
        let idle = Client::connect(&certificate, &server).await;
        let slow = client.begin("/wait").await.unwrap();
        server.begun.recv().await.unwrap();
        let go = server.go.clone();
        let stopped = server.stop();
        idle.connection.await.unwrap().ok();
        go.send(()).unwrap();
        assert_eq!(read(slow.await.unwrap()).await.0, 200);
        stopped.await.unwrap();
    })
    .await;
}
