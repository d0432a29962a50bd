//! Requests that are answered where they arrive, and what becomes of them when that goes wrong.

use keyward::limits;

use crate::harness::{Running, SOON, bounded, patient};
use crate::origins::key;

#[tokio::test]
async fn a_connection_carries_every_kind_of_answer_in_turn() {
    bounded(async {
        let server = Running::start(patient()).await;
        let (_, _, good) = key(&server, 2);
        let mut client = server.connect().await;
        for _ in 0..3 {
            let auth = "GET /auth/native/x?for=nginx&level=2 HTTP/1.1\r\nhost: x\r\n";
            client.send(format!("{auth}authorization: Bearer {good}\r\nx-key-user: root\r\n\r\n")).await;
            let answer = client.answer().await;
            assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{answer:?}");
            assert!(answer.head.contains("x-key-user: user2\r\n") && !answer.head.contains("root"), "{answer:?}");
            assert!(answer.head.contains("x-key-expires: \r\n") && answer.head.contains("content-length: 0"));

            client.send("POST /at-once HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi").await;
            assert_eq!(client.answer().await.body, "at once: Whole(2 bytes)");
            client
                .send("POST /at-once HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
                .await;
            assert_eq!(client.answer().await.body, "at once: Whole(2 bytes)");
            client.send("POST /later HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi").await;
            assert_eq!(client.answer().await.body, "POST /later [] from 127.0.0.1: \"hi\"");
            client.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
            assert_eq!(client.answer().await.body, "GET /a [] from 127.0.0.1: \"\"");
        }
    })
    .await;
}

#[tokio::test]
async fn envoy_gets_exactly_200_for_any_method_and_nginx_no_429() {
    bounded(async {
        let server = Running::start(patient()).await;
        let (_, _, good) = key(&server, 2);
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
            let head = format!("{method} /auth/native;for=envoy;level=2/v1/books?level=9&for=nginx HTTP/1.1");
            let answer = server
                .ask(format!("{head}\r\nhost: x\r\nx-api-key: {good}\r\ncontent-length: 0\r\n\r\n"))
                .await;
            assert_eq!(answer.status, 200, "{method}");
            let answer = server.ask(format!("{head}\r\nhost: x\r\n\r\n")).await;
            assert_eq!(answer.status, 401, "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn whatever_goes_wrong_is_one_requests_own() {
    bounded(async {
        let server = Running::start(patient()).await;
        let mut client = server.connect().await;
        client.send("GET /at-once/panic HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(client.answer().await.status, 500);
        client.send("GET /at-once/split HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(client.answer().await.status, 500);
        client.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(client.answer().await.status, 200, "the connection outlived both");
        let bad = "GET /auth/native HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n";
        assert_eq!(server.ask(bad).await.status, 400, "heads are checked before anything is answered");
    })
    .await;
}

#[tokio::test]
async fn bodies_are_bounded_here_too() {
    bounded(async {
        let server = Running::start(keyward::server::Bounds { body_read: SOON, ..patient() }).await;
        let length = limits::BODY_BYTES_MAX + 1;
        let head = format!("POST /at-once HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n");
        let mut client = server.connect().await;
        client.send(format!("{head}\r\n{}", "x".repeat(length))).await;
        assert_eq!(client.answer().await.body, "at once: TooLarge");
        assert_eq!(client.rest().await, "", "the connection ends");
        assert_eq!(server.ask(format!("{head}expect: 100-continue\r\n\r\n")).await.body, "at once: TooLarge");
        let slow = "POST /at-once HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nh";
        assert_eq!(server.ask(slow).await.body, "at once: Incomplete");
        let verify = "POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{";
        assert_eq!(server.ask(verify).await.status, 400);
    })
    .await;
}
