//! Recognition: each request is looked up once and asked once, whichever part of the server answers it.

use std::mem::take;
use std::sync::{Arc, Mutex};

use keyward::command::Service;
use keyward::dialect::{Dialect, TryAnswer};
use keyward::http::{Body, Head, RawRequest, RawResponse, TrustedProxies};
use keyward::server::{Bounds, Routes, Server};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::harness::{Client, bounded, engine};

/// A dialect that records each call.
#[derive(Default)]
struct Recording(Mutex<Vec<&'static str>>);

impl Recording {
    fn record(&self, call: &'static str) {
        self.0.lock().unwrap().push(call);
    }
}

fn answer() -> RawResponse {
    RawResponse::new(200, "text/plain", "answered")
}

impl Dialect for Recording {
    fn claims(&self, path: &str) -> bool {
        self.record("claims");
        path != "/none"
    }

    fn try_answer(&self, _: &Service, head: &Head<'_>, body: Option<&Body>) -> TryAnswer {
        self.record(if body.is_some() { "body" } else { "head" });
        match (head.path, body) {
            ("/inline", _) | ("/body", Some(_)) => TryAnswer::Answer(answer()),
            ("/body" | "/body-later", None) => TryAnswer::WantsBody,
            _ => TryAnswer::WouldBlock,
        }
    }

    fn answer(&self, _: &Service, request: &RawRequest) -> RawResponse {
        self.record("answer");
        assert_eq!(request.body.bytes(), b"hi");
        answer()
    }
}

#[tokio::test]
async fn a_request_is_looked_up_once_and_asked_once() {
    bounded(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let recording = Arc::new(Recording::default());
        let server = Server {
            listeners: vec![listener],
            tls: None,
            sockets: Vec::new(),
            control: None,
            routes: Routes { dialects: vec![recording.clone()], ..Routes::default() },
            proxies: TrustedProxies::default(),
            service: Service::new(engine()),
            bounds: Bounds::default(),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async { drop(stopped.await) }));
        let (length, chunks) =
            ("content-length: 2\r\n\r\nhi", "transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
        let by_fast_path: &[(&str, &str, u16, &[&str])] = &[
            ("/inline", length, 200, &["claims", "head"]),
            ("/body", length, 200, &["claims", "head", "body"]),
        ];
        // The first request on each connection is handed over by the fast path, the second one is hyper's alone.
        for handed_over in [
            ("/later", length, 200, &["claims", "head", "answer"][..]),
            ("/body-later", length, 200, &["claims", "head", "body", "answer"]),
            ("/none", length, 404, &["claims"]),
            ("/later", chunks, 200, &["claims", "head", "answer"]),
            ("/body", chunks, 200, &["claims", "head", "body"]),
            ("/none", chunks, 404, &["claims"]),
        ] {
            let mut client = Client::new(TcpStream::connect(address).await.unwrap());
            for (path, rest, status, calls) in by_fast_path.iter().chain([&handed_over, &handed_over]) {
                client.send(format!("POST {path} HTTP/1.1\r\nhost: x\r\n{rest}")).await;
                assert_eq!(client.answer().await.status, *status, "{path}");
                assert_eq!(take(&mut *recording.0.lock().unwrap()), *calls, "{path}");
            }
        }
        stop.send(()).unwrap();
        running.await.unwrap();
    })
    .await;
}
