//! Request lines and header fields.

use keyward::limits;

use crate::harness::{Running, SOON, bounded, patient};

/// Sends `request` alone and checks that it gets this status and nothing else, and that the connection ends.
async fn refused(server: &Running, request: &str, status: u16) {
    let mut client = server.connect().await;
    client.send(request).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, status, "{request:?} {answer:?}");
    assert_eq!(client.rest().await, "", "{request:?} gets one answer");
}

#[tokio::test]
async fn a_head_has_a_deadline_and_a_silent_connection_another() {
    bounded(async {
        let server = Running::start(keyward::server::Bounds { head_read: SOON, ..patient() }).await;
        let mut idle = server.connect().await;
        idle.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(idle.answer().await.status, 200);

        let mut slow = server.connect().await;
        slow.send("GET / HTTP/1.1\r\nhost: x\r\nx-more: ").await;
        assert_eq!(slow.rest().await, "", "a head that does not end is given up");
        let mut mute = server.connect().await;
        assert_eq!(mute.rest().await, "", "a client that says nothing is given up");

        idle.send("GET /b HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(idle.answer().await.status, 200, "the kept-alive connection outlived both");
        idle.send("GET /b HTTP/1.1\r\n").await;
        assert_eq!(idle.rest().await, "", "its next head has the deadline again");
    })
    .await;
}

#[tokio::test]
async fn an_idle_connection_ends() {
    bounded(async {
        let bounds = keyward::server::Bounds { head_read: SOON, idle: SOON, ..patient() };
        let server = Running::start(bounds).await;
        let mut client = server.connect().await;
        client.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(client.answer().await.status, 200);
        assert_eq!(client.rest().await, "");
    })
    .await;
}

#[tokio::test]
async fn heads_are_bounded_in_fields_and_bytes() {
    bounded(async {
        let server = Running::start(patient()).await;
        let fields =
            |count: usize| format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(count - 1));
        assert_eq!(server.ask(fields(limits::HEADERS_MAX)).await.status, 200);
        refused(&server, &fields(limits::HEADERS_MAX + 1), 431).await;
        refused(&server, &fields(1_000), 431).await;

        let bytes = |count: usize| format!("GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "b".repeat(count));
        assert_eq!(server.ask(bytes(limits::HEAD_BYTES_MAX / 2)).await.status, 200);
        refused(&server, &bytes(64 * 1024), 431).await;
    })
    .await;
}

#[tokio::test]
async fn paths_reach_the_dialect_as_they_were_sent() {
    bounded(async {
        let server = Running::start(patient()).await;
        let long = format!("/{}", "a".repeat(8 * 1024));
        for path in [
            "/",
            "//",
            "//healthz",
            "/../../etc/passwd",
            "/a/./b//c/",
            "/%00%2e%2E/%2F%25",
            "/%",
            "/%zz%",
            "/a;b=c,d'(e)!*$&@:~|^\"{}[]\\",
            "/é☃",
            "/HEALTHZ",
            "/healthz/more",
            &long,
        ] {
            let answer = server.ask(format!("GET {path}?q=%41&r HTTP/1.1\r\nhost: x\r\n\r\n")).await;
            assert_eq!(answer.body, format!("GET {path} [q=%41&r] from 127.0.0.1: \"\""));
        }
        let absolute = server.ask("GET http://other/p?q HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(absolute.body, "GET /p [q] from 127.0.0.1: \"\"");
    })
    .await;
}

#[tokio::test]
async fn impossible_paths_are_refused_and_the_server_lives() {
    bounded(async {
        let server = Running::start(patient()).await;
        for path in [&b"/\0"[..], b"/\x01", b"/\xff\xfe", b"/a b", b"relative", b""] {
            let mut client = server.connect().await;
            client.send([b"GET ", path, b" HTTP/1.1\r\nhost: x\r\n\r\n"].concat()).await;
            assert_eq!(client.answer().await.status, 400, "{path:?}");
            assert_eq!(client.rest().await, "", "{path:?}");
        }
        for target in ["OPTIONS *", "OPTIONS x:80", "GET http://"] {
            refused(&server, &format!("{target} HTTP/1.1\r\nhost: x\r\n\r\n"), 400).await;
        }
        assert_eq!(server.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn ambiguous_framing_gets_one_refusal_and_the_end() {
    bounded(async {
        let server = Running::start(patient()).await;
        for fields in [
            "content-length: 5\r\ntransfer-encoding: chunked",
            "transfer-encoding: chunked\r\ncontent-length: 5",
            "Transfer-Encoding: chunked\r\nContent-LENGTH: 0",
            "content-length: 5\r\ncontent-length: 6",
            "content-length: 5\r\ncontent-length: 5",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
            "transfer-encoding: identity\r\ntransfer-encoding: chunked",
            "transfer-encoding: gzip, chunked",
            "content-length: 5, 5",
            "content-length: +5",
            "content-length: -1",
            "content-length: 0x5",
            "content-length: 99999999999999999999",
            "transfer-encoding: gzip",
            "transfer-encoding: chunked, identity",
            "transfer-encoding: xchunked",
            "transfer-encoding : chunked",
            "transfer-encoding: chunked\r\n folded: x",
            " leading: x",
            "x-name: a\r\n b",
            "x-name: a\0b",
            "x-name: a\rb",
            "x name: a",
            ": a",
            "host: x",
        ] {
            let smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
            let request = format!("POST /first HTTP/1.1\r\nhost: x\r\n{fields}\r\n\r\n0\r\n\r\n{smuggled}");
            refused(&server, &request, 400).await;
        }
        refused(&server, "POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400)
            .await;
    })
    .await;
}

#[tokio::test]
async fn requests_sent_ahead_of_an_answer_are_told_apart_whatever_their_bodies() {
    bounded(async {
        let server = Running::start(patient()).await;
        let mut client = server.connect().await;
        let chunked =
            "POST /b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx: y\r\n\r\n";
        let sized = "POST /c HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nyou";
        let plain = "GET /auth/native HTTP/1.1\r\nhost: x\r\n\r\n";
        client.send([chunked, sized, plain, chunked, sized].concat()).await;
        for (status, body) in [(200, "hi"), (200, "you"), (401, ""), (200, "hi"), (200, "you")] {
            let answer = client.answer().await;
            assert!(answer.status == status && answer.body.contains(body), "{answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn ambiguous_framing_is_refused_wherever_its_head_is_cut() {
    bounded(async {
        let server = Running::start(patient()).await;
        let ambiguous = "POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\
                         x: GET / HTTP/1.1\r\nhost: y\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        let head = ambiguous.find("\r\n\r\n").unwrap() + 4;
        // What comes before it: an answer from memory, one of hyper's, and one with a body.
        for before in [
            "GET /auth/native HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET /a HTTP/1.1\r\nhost: x\r\n\r\n",
            "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi",
            "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            for cut in (1..head).filter(|cut| cut % 5 == 1 || ambiguous[*cut..].starts_with("GET /")) {
                let mut client = server.connect().await;
                client.send(format!("{before}{}", &ambiguous[..cut])).await;
                // It is answered, so that what follows comes by itself.
                assert_ne!(client.answer().await.status, 400);
                client.send(&ambiguous[cut..]).await;
                assert_eq!(client.answer().await.status, 400, "{before:?} cut at {cut}");
                assert_eq!(client.rest().await, "", "{before:?} cut at {cut}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_method_that_an_address_does_not_take_is_405_in_its_own_shape() {
    bounded(async {
        let server = Running::start(patient()).await;
        for (method, path, allow) in [
            ("CONNECT", "x:80", "get, head, post, put, patch, delete, options"),
            ("CONNECT", "/healthz", "get, head"),
            ("TRACE", "/readyz", "get, head"),
            ("get", "/healthz", "get, head"),
            ("POST", "/healthz", "get, head"),
            ("CONNECT", "/auth/native", "get, head, post, put, patch, delete, options"),
            ("TRACE", "/auth/native?for=caddy", "get, head, post, put, patch, delete, options"),
            ("CONNECT", "/v1/verify", "post"),
            ("get", "/openapi.json", "get, head"),
            ("CONNECT", "/api/v2.0.0/user/apikeys", "get, head, post"),
            ("PRI", "/api/v2.0.0/user/apikeys", "get, head, post"),
        ] {
            // The second is nothing for the shortest way.
            for more in ["", "connection: x\r\n"] {
                let answer = server.ask(format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{more}\r\n")).await;
                assert_eq!(answer.status, 405, "{method} {path} {answer:?}");
                assert!(answer.head.contains(&format!("allow: {allow}\r\n")), "{method} {path} {answer:?}");
                let is = |kind: &str| answer.head.contains(&format!("content-type: {kind}"));
                assert!(!path.starts_with("/v1") || is("application/problem+json"), "{answer:?}");
                assert!(!path.starts_with("/api") || is("application/json"), "{answer:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn one_host_is_needed_since_http_1_1() {
    bounded(async {
        let server = Running::start(patient()).await;
        refused(&server, "GET / HTTP/1.1\r\n\r\n", 400).await;
        refused(&server, "GET /healthz HTTP/1.1\r\n\r\n", 400).await;
        let answer = server.ask("GET / HTTP/1.0\r\n\r\n").await;
        assert_eq!(answer.status, 200);
        let http_2 = server.connect().await;
        let mut http_2 = http_2;
        http_2.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        assert!(!http_2.rest().await.contains(" 200 "), "HTTP/2 is not spoken");
    })
    .await;
}

#[tokio::test]
async fn lines_that_end_in_a_bare_line_feed_are_lines() {
    bounded(async {
        let server = Running::start(patient()).await;
        let answer = server.ask("POST /a HTTP/1.1\nhost: x\ncontent-length: 2\n\nhi").await;
        assert_eq!(answer.body, "POST /a [] from 127.0.0.1: \"hi\"");
    })
    .await;
}
