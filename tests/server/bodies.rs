//! Request bodies, whole, too large, cut off and slow.

use keyward::engine::{NewKey, NewUser};
use keyward::key::{Actor, Level, Role};
use keyward::limits::BODY_BYTES_MAX;
use keyward::server::Bounds;

use crate::harness::{Running, SOON, bounded, patient};

const CHUNKED: &str = "POST /b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";

fn sized(length: usize) -> String {
    format!("POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n")
}

/// What the dialect says about a body.
fn seen(body: &str) -> String {
    format!("POST /b [] from 127.0.0.1: {body}")
}

#[tokio::test]
async fn an_empty_chunked_post_is_answered_and_the_connection_kept() {
    bounded(async {
        let server = Running::start(patient()).await;
        let mut client = server.connect().await;
        for _ in 0..2 {
            client
                .send(
                    "POST /api/v2.0.0/user/apikeys HTTP/1.1\r\nHost: 127.0.0.1:19130\r\n\
                     Transfer-Encoding: chunked\r\nAccept: application/json\r\n\
                     X-Testsuite-Testname: API request from x\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\n\r\n0\r\n\r\n",
                )
                .await;
            let answer = client.answer().await;
            assert!(answer.body.contains("\"api/not-authenticated\""), "{answer:?}");
            assert!(!answer.head.contains("connection: close"), "{answer:?}");
        }
        let empty = server.ask(format!("{CHUNKED}0\r\n\r\n")).await;
        assert_eq!(empty.body, seen("\"\""));
        let none = server.ask(sized(0)).await;
        assert_eq!(none.body, seen("\"\""));
    })
    .await;
}

#[tokio::test]
async fn filebin_lists_keys_for_a_chunked_form() {
    bounded(async {
        let server = Running::start(patient()).await;
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = server.engine.add_user(Actor::Operator, flo).unwrap();
        let key = NewKey::new("filebin".parse().unwrap(), flo.id, Level::OWN);
        let (_, text) = server.engine.create_key(Actor::Operator, key).unwrap();
        let text = text.reveal();

        let form = format!("apikey={}", *text);
        let fields = "content-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked";
        let chunk = format!("{:x}\r\n{form}\r\n0\r\n\r\n", form.len());
        let head = format!("POST /api/v2.0.0/user/apikeys HTTP/1.1\r\nhost: x\r\n{fields}\r\n\r\n");
        let answer = server.ask(format!("{head}{chunk}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.contains(text.as_str()), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn chunks_are_put_together() {
    bounded(async {
        let server = Running::start(patient()).await;
        let chunks = "3;x=y\r\na=b\r\n1\r\n&\r\nA\r\ncccccccccc\r\n0\r\nx-trailer: t\r\n\r\n";
        let answer = server.ask(format!("{CHUNKED}{chunks}")).await;
        assert_eq!(answer.body, seen("\"a=b&cccccccccc\""));
    })
    .await;
}

#[tokio::test]
async fn the_largest_body_passes_and_one_byte_more_is_the_dialects_to_refuse() {
    bounded(async {
        let server = Running::start(patient()).await;
        let body = |length: usize| "x".repeat(length);
        let chunked = |length: usize| format!("{CHUNKED}{length:x}\r\n{}\r\n0\r\n\r\n", body(length));
        let sized = |length: usize| format!("{}{}", sized(length), body(length));
        for request in [chunked(BODY_BYTES_MAX), sized(BODY_BYTES_MAX)] {
            assert_eq!(server.ask(request).await.body, seen(&format!("{BODY_BYTES_MAX} bytes")));
        }
        for request in [chunked(BODY_BYTES_MAX + 1), sized(BODY_BYTES_MAX + 1), chunked(BODY_BYTES_MAX * 5)] {
            let mut client = server.connect().await;
            client.send(request).await;
            let answer = client.answer().await;
            assert_eq!(answer.body, seen("TooLarge"));
            assert!(answer.head.contains("connection: close"), "{answer:?}");
            assert_eq!(client.rest().await, "");
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_without_end_is_not_read_for_ever() {
    bounded(async {
        let server = Running::start(patient()).await;
        let mut client = server.connect().await;
        client.send(sized(usize::MAX >> 2)).await;
        client.send("x".repeat(BODY_BYTES_MAX * 10)).await;
        assert_eq!(client.answer().await.body, seen("TooLarge"));
    })
    .await;
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_or_refused() {
    bounded(async {
        let server = Running::start(patient()).await;
        let asking = |length: usize| sized(length).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
        let mut client = server.connect().await;
        client.send(asking(2)).await;
        assert_eq!(client.answer().await.status, 100);
        client.send("hi").await;
        assert_eq!(client.answer().await.body, seen("\"hi\""));

        let refused = server.ask(asking(BODY_BYTES_MAX + 1)).await;
        assert_eq!(refused.body, seen("TooLarge"), "refused without waiting for the body");
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_the_dialects_to_refuse() {
    bounded(async {
        let server = Running::start(patient()).await;
        for request in [
            format!("{}hi", sized(3)),
            sized(3),
            CHUNKED.to_owned(),
            format!("{CHUNKED}5\r\nhi"),
            format!("{CHUNKED}2\r\nhi\r\n"),
            format!("{CHUNKED}2\r\nhi\r\n0\r\n"),
            format!("{CHUNKED}2\r\nhiXX0\r\n\r\n"),
            format!("{CHUNKED}zz\r\nhi\r\n0\r\n\r\n"),
            format!("{CHUNKED}ffffffffffffffffff\r\nhi"),
        ] {
            let mut client = server.connect().await;
            client.send(&request).await;
            client.finish().await;
            let answer = client.answer().await;
            assert_eq!(answer.body, seen("Incomplete"), "{request:?}");
            assert_eq!(client.rest().await, "");
        }
    })
    .await;
}

#[tokio::test]
async fn a_slow_body_is_the_dialects_to_refuse() {
    bounded(async {
        let server = Running::start(Bounds { body_read: SOON, ..patient() }).await;
        for request in [format!("{}hi", sized(3)), format!("{CHUNKED}5\r\nhi")] {
            let mut client = server.connect().await;
            client.send(&request).await;
            assert_eq!(client.answer().await.body, seen("Incomplete"), "{request:?}");
            assert_eq!(client.rest().await, "");
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_that_nobody_wants_is_not_waited_for() {
    bounded(async {
        let server = Running::start(patient()).await;
        let answer = server.ask(sized(BODY_BYTES_MAX).replace("/b", "/unclaimed")).await;
        assert_eq!(answer.status, 404);
    })
    .await;
}

#[tokio::test]
async fn bodies_that_do_not_fit_into_memory_together_are_told_to_come_back() {
    bounded(async {
        let mut server = Running::start(Bounds { bodies_bytes: 10, ..patient() }).await;
        let mut holder = server.connect().await;
        holder.send(format!("{}12345678", sized(8)).replace("/b", "/wait")).await;
        server.begun.recv().await.unwrap();

        assert_eq!(server.ask(format!("{}12", sized(2))).await.status, 200);
        let refused = server.ask(format!("{}123", sized(3))).await;
        assert_eq!(refused.status, 503);
        assert!(refused.head.contains("\r\nretry-after: 1\r\n"), "{refused:?}");

        server.go.send(()).unwrap();
        assert_eq!(holder.answer().await.status, 200);
        assert_eq!(server.ask(format!("{}1234567890", sized(10))).await.status, 200, "room is given back");
    })
    .await;
}
