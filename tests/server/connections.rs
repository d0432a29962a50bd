//! Connections, what is answered on them, and what a failing handler does to them.

use std::sync::atomic::Ordering;

use keyward::server::Bounds;
use tokio::net::TcpSocket;

use crate::harness::{Client, Running, Setting, bounded, patient};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

#[tokio::test]
async fn liveness_readiness_and_nothing_else() {
    bounded(async {
        let server = Running::start(patient()).await;
        let alive = server.ask(get("/healthz")).await;
        assert_eq!((alive.status, alive.body.as_str()), (200, "ok\n"));
        let ready = server.ask(get("/readyz?x")).await;
        assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
        server.engine.stop().unwrap();
        let closed = server.ask(get("/readyz")).await;
        assert_eq!(
            (closed.status, closed.body.clone()),
            (503, "the server takes no changes; its log says why\n".to_owned())
        );
        assert!(closed.head.contains("retry-after: "), "{}", closed.head);
        assert_eq!(server.ask(get("/healthz")).await.status, 200, "it still serves");
        let nothing = server.ask(get("/unclaimed")).await;
        assert_eq!((nothing.status, nothing.body.as_str()), (404, "Not found\n"));
        let post = server.ask("POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(post.status, 405, "only reading is liveness");
        assert!(post.head.contains("\r\ndate: "), "{post:?}");
    })
    .await;
}

#[tokio::test]
async fn requests_sent_together_are_answered_in_order() {
    bounded(async {
        let server = Running::start(patient()).await;
        let mut client = server.connect().await;
        let posts = "POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi";
        client.send([&get("/a"), posts, &get("/unclaimed"), &get("/d")].concat()).await;
        assert!(client.answer().await.body.starts_with("GET /a "));
        assert!(client.answer().await.body.ends_with("\"hi\""));
        assert_eq!(client.answer().await.status, 404);
        assert!(client.answer().await.body.starts_with("GET /d "));
    })
    .await;
}

#[tokio::test]
async fn head_has_the_head_of_get_and_no_body() {
    bounded(async {
        let server = Running::start(patient()).await;
        for path in ["/healthz", "/readyz", "/unclaimed", "/a", "/panic"] {
            let mut client = server.connect().await;
            client.send(format!("HEAD {path} HTTP/1.1\r\nhost: x\r\n\r\n{}", get("/next"))).await;
            assert!(client.head().await.contains("\r\ncontent-length: "), "{path}");
            assert!(client.answer().await.body.starts_with("GET /next "), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_has_said_everything_gets_its_answer() {
    bounded(async {
        let mut server = Running::start(patient()).await;
        let mut client = server.connect().await;
        client.send(get("/wait")).await;
        client.finish().await;
        server.begun.recv().await.unwrap();
        server.go.send(()).unwrap();
        assert_eq!(client.answer().await.status, 200);
        assert_eq!(client.rest().await, "");
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_connection_lives() {
    bounded(async {
        let server = Running::start(Bounds { requests: 1, ..patient() }).await;
        let mut client = server.connect().await;
        for _ in 0..3 {
            client.send(get("/panic")).await;
            let answer = client.answer().await;
            assert_eq!((answer.status, answer.body.as_str()), (500, "Internal server error\n"));
        }
        client.send(get("/a")).await;
        assert_eq!(client.answer().await.status, 200, "a panic gives its place back");
    })
    .await;
}

#[tokio::test]
async fn no_header_value_begins_a_second_response() {
    bounded(async {
        let server = Running::start(patient()).await;
        let mut client = server.connect().await;
        client.send(get("/split").replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")).await;
        let everything = client.rest().await;
        assert!(everything.starts_with("HTTP/1.1 500 "), "{everything}");
        assert_eq!(everything.matches("HTTP/1.1").count(), 1, "{everything}");
    })
    .await;
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    bounded(async {
        let mut server = Running::start(Bounds { connections: 2, ..patient() }).await;
        let mut clients = Vec::new();
        for _ in 0..12 {
            let mut client = server.connect().await;
            client.send(get("/wait").replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")).await;
            clients.push(client);
        }
        server.begun.recv().await.unwrap();
        for _ in 1..clients.len() {
            server.begun.recv().await.unwrap();
            server.go.send(()).unwrap();
        }
        server.go.send(()).unwrap();
        for client in &mut clients {
            assert_eq!(client.answer().await.status, 200, "nobody is turned away");
        }
        assert_eq!(server.peak.load(Ordering::SeqCst), 2);
    })
    .await;
}

#[tokio::test]
async fn silent_connections_make_room_and_those_at_work_do_not() {
    bounded(async {
        let mut server = Running::start(Bounds { connections: 4, ..patient() }).await;
        let mut busy = server.connect().await;
        busy.send(get("/wait")).await;
        server.begun.recv().await.unwrap();
        let mut silent = Vec::new();
        for path in ["/a", "/healthz", "/a", "/healthz", "/a", "/healthz"] {
            let mut client = server.connect().await;
            client.send(get(path)).await;
            assert_eq!(client.answer().await.status, 200, "who comes later is served");
            silent.push(client);
        }
        for _ in 0..3 {
            assert_eq!(server.ask(get("/a")).await.status, 200);
        }
        server.go.send(()).unwrap();
        assert_eq!(busy.answer().await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn requests_beyond_the_bound_are_told_to_come_back() {
    bounded(async {
        let mut server = Running::start(Bounds { requests: 1, ..patient() }).await;
        let mut first = server.connect().await;
        first.send(get("/wait")).await;
        server.begun.recv().await.unwrap();

        let second = server.ask(get("/a")).await;
        assert_eq!(second.status, 503);
        assert!(second.head.contains("\r\nretry-after: 1\r\n"), "{second:?}");
        assert_eq!(server.ask(get("/healthz")).await.status, 200, "liveness needs no place");

        server.go.send(()).unwrap();
        assert_eq!(first.answer().await.status, 200);
        assert_eq!(server.ask(get("/a")).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn the_control_socket_is_apart() {
    bounded(async {
        let server = Running::start(Bounds { connections: 1, requests: 1, ..patient() }).await;
        assert_eq!(server.ask(get("/control")).await.status, 404, "not over TCP");

        let mut holder = server.connect().await;
        holder.send(get("/wait")).await;
        let mut control = server.connect_control().await;
        control.send(get("/control")).await;
        assert_eq!(control.answer().await.body, "operator, client None", "reachable while TCP is full");
        for path in ["/a", "/healthz", "/readyz", "/panic"] {
            control.send(get(path)).await;
            assert_eq!(control.answer().await.status, 404, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn no_network_takes_more_than_its_part_of_the_connections() {
    bounded(async {
        let setting = Setting { proxies: &["127.0.0.3"], ..Setting::default() };
        let bounds = Bounds { connections_of_network: 2, ..patient() };
        let server = Running::start_in(setting, bounds).await;
        let connect = async |from: &str| {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
            Client::new(socket.connect(server.address()).await.unwrap())
        };
        let (mut first, mut second) = (connect("127.0.0.1").await, connect("127.0.0.1").await);
        for client in [&mut first, &mut second] {
            client.send(get("/a")).await;
            assert_eq!(client.answer().await.status, 200);
        }
        assert_eq!(connect("127.0.0.1").await.rest().await, "", "a third one is closed at once");
        // Another network has a part of its own, and a trusted proxy has no bound but that of all.
        let mut others = vec![connect("127.0.0.2").await];
        for _ in 0..5 {
            others.push(connect("127.0.0.3").await);
        }
        for client in &mut others {
            client.send(get("/a")).await;
            assert_eq!(client.answer().await.status, 200);
        }
        first.send(get("/a").replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")).await;
        first.rest().await;
        loop {
            // The place is free once the server has seen the end, too.
            let mut third = connect("127.0.0.1").await;
            third.send(get("/a")).await;
            if third.rest_begins().await {
                break;
            }
        }
    })
    .await;
}
