//! Which thread answers: clients that only verify keys, one request after the other, wait for no other client.

use keyward::limits;
use rustls::version::TLS13;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::harness::{Client, Running, SOON, bounded, patient};
use crate::tls::{Certificate, start};

const AT_ONCE: &str = "GET /at-once/thread HTTP/1.1\r\nhost: x\r\n\r\n";

async fn thread(client: &mut Client<impl AsyncRead + AsyncWrite + Unpin>, request: &str) -> String {
    client.send(request).await;
    client.answer().await.body
}

fn niceness() -> i32 {
    rustix::process::getpriority_process(None).unwrap()
}

/// How nice threads are that stand back behind this one.
fn stood_back() -> i32 {
    limits::NICENESS_MAX.min(niceness() + limits::GENERAL_WORKER_NICENESS)
}

/// What threads say that serve verifies, and others.
fn threads() -> [String; 2] {
    [format!("verifying {}", niceness()), format!("connections {}", stood_back())]
}

async fn moves(mut client: Client<impl AsyncRead + AsyncWrite + Unpin>) {
    let [verifying, connections] = threads();
    for _ in 0..limits::VERIFY_WORKER_AFTER_ANSWERS {
        assert_eq!(thread(&mut client, AT_ONCE).await, connections);
    }
    for _ in 0..3 {
        assert_eq!(thread(&mut client, AT_ONCE).await, verifying);
    }
    let both = format!("{AT_ONCE}{AT_ONCE}");
    client.send(both).await;
    for _ in 0..2 {
        assert_eq!(client.answer().await.body, verifying);
    }
    // One that may wait, and with it whatever follows.
    let waits = "GET /thread HTTP/1.1\r\nhost: x\r\n\r\n";
    assert!(thread(&mut client, waits).await.ends_with(&format!(" {}", stood_back())));
    for _ in 0..4 {
        assert_eq!(thread(&mut client, AT_ONCE).await, connections);
    }
}

#[tokio::test]
async fn a_connection_moves_to_where_its_requests_are_answered() {
    bounded(async {
        let server = Running::start(patient()).await;
        moves(server.connect().await).await;
        moves(server.connect_socket().await).await;
    })
    .await;
}

#[tokio::test]
async fn requests_that_come_together_are_answered_where_the_first_of_them_is() {
    bounded(async {
        let server = Running::start(patient()).await;
        let [verifying, connections] = threads();
        let mut client = server.connect().await;
        client.send(AT_ONCE.repeat(50) + "GET /at-once/th").await;
        for _ in 0..50 {
            assert_eq!(client.answer().await.body, connections);
        }
        client.send("read HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(client.answer().await.body, connections);
        assert_eq!(thread(&mut client, AT_ONCE).await, verifying);
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_moved_ends_with_the_server() {
    bounded(async {
        let server = Running::start(patient()).await;
        let mut client = server.connect().await;
        for _ in 0..4 {
            thread(&mut client, AT_ONCE).await;
        }
        let stopped = server.stop();
        assert_eq!(client.rest().await, "");
        stopped.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_moved_is_cut_off_at_the_end_of_the_drain_time() {
    bounded(async {
        let server = Running::start(keyward::server::Bounds { drain: SOON, ..patient() }).await;
        let mut client = server.connect().await;
        for _ in 0..4 {
            thread(&mut client, AT_ONCE).await;
        }
        client.send("GET /at-once/th").await;
        let stopped = server.stop();
        client.rest().await;
        stopped.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn over_tls_a_connection_stays_with_those_who_ask_about_keys() {
    bounded(async {
        let certificate = Certificate::new();
        let server = start(&certificate, patient()).await;
        let [verifying, _] = threads();
        let mut client = Client::new(certificate.connect(&server, &[&TLS13], &["http/1.1"]).await.unwrap());
        for _ in 0..4 {
            assert_eq!(thread(&mut client, AT_ONCE).await, verifying);
        }
    })
    .await;
}
