//! Requests that are answered without hyper: clients see no difference, and every bound holds for them as well.

use keyward::limits;
use keyward::server::Bounds;
use tokio::net::TcpStream;

use crate::harness::{Client, Running, SOON, bounded, patient};
use crate::origins::key;

/// The verdict on a request without a key text.
const NO_KEY: &str = "{\"valid\":false,\"code\":\"no_key\"}\n";
/// Answered straight on the stream.
const AUTH: &str = "GET /auth/native?for=nginx HTTP/1.1\r\nhost: x\r\n\r\n";
/// From the first of these on a connection is hyper's.
const LATER: &str = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n";

/// The head of the answer but for its date, its body, and whether the connection ended.
async fn told(client: &mut Client<TcpStream>, request: &str) -> (String, String, bool) {
    client.send(request).await;
    let answer = if request.starts_with("HEAD ") {
        (client.head().await, String::new())
    } else {
        let answer = client.answer().await;
        (answer.head, answer.body)
    };
    let (head, date) = answer.0.split_once("\r\ndate: ").unwrap();
    assert_eq!(date.len(), "thu, 01 jan 1970 00:00:00 gmt\r\n\r\n".len(), "the date is last");
    // Whether the connection takes another.
    client.send(AUTH).await;
    client.finish().await;
    let ends = client.rest().await.is_empty();
    (head.to_owned(), answer.1, ends)
}

fn requests(good: &str) -> Vec<String> {
    let json = |text: &str| {
        format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{text}", text.len())
    };
    let form = format!("key={good}&level=2");
    let kept = [
        "GET /auth/native".to_owned(),
        format!("GET /auth/native?level=2&api_key={good}"),
        "GET /auth/native/a%20b?x=1&for=caddy".to_owned(),
        "PURGE /auth/native;for=envoy;level=9/x".to_owned(),
        "GET /auth/native;for=haproxy".to_owned(),
        "GET /auth/nowhere".to_owned(),
        "HEAD /auth/native?for=traefik".to_owned(),
        "GET /v1/verify".to_owned(),
        "HEAD /v1/verify".to_owned(),
    ];
    let fields =
        ["", "x-api-key: ?\r\n", "Authorization: Bearer ?\r\n", "X-API-KEY: ?\r\nauthorization: other\r\n"];
    let connections = ["", "connection: keep-alive\r\n", "Connection: close\r\n"];
    let mut requests = Vec::new();
    for line in kept {
        for fields in fields {
            for connection in connections {
                let fields = fields.replace('?', good);
                requests.push(format!(
                    "{line} HTTP/1.1\r\nHost: x\r\n{fields}{connection}content-length: 0\r\n\r\n"
                ));
            }
        }
    }
    let bodies = [
        json(""),
        json("{}"),
        json("["),
        json(&format!(r#"{{"key":"{good}"}}"#)),
        json(&format!(r#"{{"key":"{good}","level":9}}"#)),
        json(r#"{"key":"kw_none","keyspace":"native"}"#),
        "content-type: text/plain\r\ncontent-length: 2\r\n\r\nhi".to_owned(),
        format!(
            "content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        ),
        json(&format!(r#"{{"keys":[{{"key":"{good}"}},{{"key":1}}]}}"#)),
    ];
    let targets = ["/v1/verify", "/v1/verify?status=true", "/v1/verify?statu=1", "/v1/verify/batch"];
    for target in targets {
        requests.extend(bodies.iter().map(|body| format!("POST {target} HTTP/1.1\r\nhost: x\r\n{body}")));
    }
    requests.extend([
        format!("GET /auth/native HTTP/1.0\r\nhost: x\r\nx-api-key: {good}\r\n\r\n"),
        format!("POST /v1/verify HTTP/1.0\r\nhost: x\r\n{}", json(&format!(r#"{{"key":"{good}"}}"#))),
    ]);
    requests
}

#[tokio::test]
async fn answers_are_those_that_hyper_sends() {
    bounded(async {
        let server = Running::start(patient()).await;
        let (_, _, good) = key(&server, 2);
        for request in requests(&good) {
            let mut direct = server.connect().await;
            let mut through = server.connect().await;
            through.send(LATER).await;
            through.answer().await;
            assert_eq!(told(&mut direct, &request).await, told(&mut through, &request).await, "{request}");
        }
    })
    .await;
}

#[tokio::test]
async fn requests_sent_together_are_answered_in_their_order_whoever_answers() {
    bounded(async {
        let server = Running::start(patient()).await;
        let mut client = server.connect().await;
        let verify = "POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
        client.send(format!("{AUTH}{verify}{AUTH}{LATER}{AUTH}{}", &verify[..verify.len() - 1])).await;
        for expected in ["", NO_KEY, "", "GET /a [] from 127.0.0.1: \"\"", ""] {
            assert_eq!(client.answer().await.body, expected);
        }
        client.send("}").await;
        assert_eq!(client.answer().await.body, NO_KEY);
    })
    .await;
}

#[tokio::test]
async fn a_request_may_come_in_any_pieces() {
    bounded(async {
        let server = Running::start(patient()).await;
        let request = format!("POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}{AUTH}");
        for cut in 0..request.len() {
            let mut client = server.connect().await;
            for piece in [&request[..cut], &request[cut..]] {
                client.send(piece).await;
                tokio::task::yield_now().await;
            }
            assert_eq!(client.answer().await.body, NO_KEY, "{cut}");
            assert_eq!(client.answer().await.status, 401, "{cut}");
        }
        let mut client = server.connect().await;
        for byte in request.bytes() {
            client.send([byte]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!((client.answer().await.status, client.answer().await.status), (200, 401));
    })
    .await;
}

/// A connection that has had an answer.
async fn answered(server: &Running) -> Client<TcpStream> {
    let mut client = server.connect().await;
    client.send(AUTH).await;
    assert_eq!(client.answer().await.status, 401);
    client
}

#[tokio::test]
async fn silence_and_slow_heads_end_a_connection() {
    bounded(async {
        let server = Running::start(Bounds { idle: SOON, ..patient() }).await;
        assert_eq!(answered(&server).await.rest().await, "", "silence after an answer");
        let server = Running::start(Bounds { head_read: SOON, ..patient() }).await;
        assert_eq!(server.connect().await.rest().await, "", "silence from the start");
        let mut client = answered(&server).await;
        client.send(&AUTH[..AUTH.len() - 1]).await;
        assert_eq!(client.rest().await, "", "a head without its end");
        let server = Running::start(Bounds { head_read: SOON, idle: SOON, ..patient() }).await;
        let mut client = server.connect().await;
        client.send(format!("{AUTH}{}", &AUTH[..9])).await;
        assert_eq!(client.answer().await.status, 401);
        assert_eq!(client.rest().await, "", "a head without its end behind a whole one");
    })
    .await;
}

#[tokio::test]
async fn a_client_who_takes_no_answers_is_given_up() {
    bounded(async {
        let server = Running::start(Bounds { write_stall: SOON, ..patient() }).await;
        let mut client = server.connect().await;
        client.flood(&AUTH.repeat(1_000)).await;
    })
    .await;
}

#[tokio::test]
async fn a_stop_ends_connections_between_requests_and_says_so_in_the_last_answer() {
    bounded(async {
        let server = Running::start(patient()).await;
        let mut idle = server.connect().await;
        let mut head = server.connect().await;
        let mut body = server.connect().await;
        let verify = "POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{";
        for (client, begun) in [(&mut idle, ""), (&mut head, &AUTH[..20]), (&mut body, verify)] {
            client.send(format!("{AUTH}{begun}")).await;
            assert!(!client.answer().await.head.contains("connection: "));
        }
        let stopped = server.stop();
        assert_eq!(idle.rest().await, "");
        head.send(&AUTH[20..]).await;
        body.send("}").await;
        for (client, status) in [(&mut head, 401), (&mut body, 200)] {
            let answer = client.answer().await;
            assert!(answer.status == status && answer.head.contains("connection: close\r\n"), "{answer:?}");
            assert_eq!(client.rest().await, "");
        }
        stopped.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_too_long_to_be_plain_is_answered_all_the_same() {
    bounded(async {
        let server = Running::start(patient()).await;
        let key = "k".repeat(limits::FAST_PATH_BYTES_MAX);
        let json = format!(r#"{{"key":"{key}"}}"#);
        let head = format!("POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", json.len());
        let answer = server.ask(format!("{head}{json}")).await;
        assert_eq!(answer.body, "{\"valid\":false,\"code\":\"malformed\"}\n");
    })
    .await;
}
