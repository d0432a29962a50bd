//! Bodies that are too large, cut off, or not what their head says.

use std::io::Write as _;

use keyward::limits::{BODY_BYTES_MAX, BODY_DROPPED_BYTES_MAX};

use crate::client::{PAIRS, PARTS, connect, head, parts, post, post_chunked};
use crate::site::{CREATE, LIST, Site};

const NOBODY: &str = "api/not-authenticated";
/// All that it takes to create a key.
const GOOD: &str = "username=test&password=test&access_level=full";

/// A good form of exactly this length.
fn padded(form: &str, length: usize) -> String {
    let pad = length - form.len() - "&pad=".len();
    format!("{form}&pad={}", "x".repeat(pad))
}

#[test]
fn a_body_above_the_bound_counts_as_none() {
    let site = Site::start();
    let list = format!("apikey={}", site.key);
    for post in [post::<String>, post_chunked::<String>] {
        let whole = site.ask(post(LIST, PAIRS, padded(&list, BODY_BYTES_MAX)));
        assert_eq!(whole.status, 200, "the bound itself is not too much");
        for length in [BODY_BYTES_MAX + 1, 2 * BODY_BYTES_MAX, BODY_BYTES_MAX + BODY_DROPPED_BYTES_MAX] {
            site.refused(NOBODY, post(CREATE, PAIRS, padded(GOOD, length)));
            site.refused(NOBODY, post(LIST, PAIRS, padded(&list, length)));
        }
    }
    let pad = vec![b'x'; BODY_BYTES_MAX];
    let fields = [("apikey", site.key.as_bytes()), ("pad", &pad)];
    for post in [post::<Vec<u8>>, post_chunked::<Vec<u8>>] {
        site.refused(NOBODY, post(LIST, PARTS, parts(&fields)));
    }
    // Not even begun: a client that asks first is told at once.
    let asking = format!("content-length: {}\r\nexpect: 100-continue", BODY_BYTES_MAX + 1);
    site.refused(NOBODY, head(CREATE, PAIRS, &asking));
    site.untouched();
}

#[test]
fn a_body_that_ends_too_early_counts_as_none() {
    let site = Site::start();
    let parts = parts(&[("username", b"test"), ("password", b"test"), ("access_level", b"full")]);
    let longer = |length: usize| format!("content-length: {}", length + 1);
    let chunk = |body: &[u8], said: usize| [format!("{said:x}\r\n").as_bytes(), body, b"\r\n"].concat();
    let cut = [
        [head(CREATE, PAIRS, &longer(GOOD.len())), GOOD.into()].concat(),
        [head(CREATE, PARTS, &longer(parts.len())), parts.clone()].concat(),
        [head(CREATE, PAIRS, "transfer-encoding: chunked"), chunk(GOOD.as_bytes(), GOOD.len())].concat(),
        [head(CREATE, PARTS, "transfer-encoding: chunked"), chunk(&parts, parts.len())].concat(),
        [head(CREATE, PAIRS, "transfer-encoding: chunked"), chunk(GOOD.as_bytes(), GOOD.len() + 9)].concat(),
        [head(CREATE, PAIRS, "transfer-encoding: chunked"), b"nonsense\r\n".to_vec()].concat(),
        [head(CREATE, PAIRS, "transfer-encoding: chunked"), b"ffffffffffffffffff\r\n".to_vec()].concat(),
        [head(CREATE, PAIRS, "transfer-encoding: chunked"), chunk(GOOD.as_bytes(), 1)].concat(),
    ];
    for request in &cut {
        // The client's side is shut and the answer still read.
        site.refused(NOBODY, request);
    }
    for request in &cut {
        // The client is gone.
        drop(connect(site.address).write_all(request));
    }
    // A head alone, cut anywhere.
    let head = head(CREATE, PAIRS, "content-length: 0");
    for end in 0..head.len() {
        drop(connect(site.address).write_all(&head[..end]));
    }
    site.untouched();
}

#[test]
fn a_body_of_another_form_counts_as_none() {
    let site = Site::start();
    let form = format!("apikey={}", site.key);
    let body = parts(&[("apikey", site.key.as_bytes())]);
    for (content_type, body) in [
        ("multipart/form-data", body.as_slice()),
        ("multipart/form-data; boundary=", &body),
        ("multipart/form-data; boundary=\"\"", &body),
        ("multipart/form-data; boundary=C", &body),
        ("multipart/form-data; charset=B", &body),
        ("multipart/mixed; boundary=B", &body),
        (PARTS, form.as_bytes()),
        (PARTS, b"--B"),
        (PARTS, b"--B--"),
        (PARTS, b"\r\n\r\n--B\r\n\r\n--B\r\n--B"),
        (PAIRS, &body),
        ("", form.as_bytes()),
        ("text/plain", form.as_bytes()),
        ("application/json", br#"{"apikey":"x"}"#),
        ("application/x-www-form-urlencoded, text/plain", form.as_bytes()),
        ("\u{e9}", form.as_bytes()),
        (PAIRS, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
        (PAIRS, &[0xff, 0xfe, b'a', 0, b'p', 0, b'i', 0]),
    ] {
        site.refused(NOBODY, post(LIST, content_type, body));
        site.refused(NOBODY, post_chunked(LIST, content_type, body));
    }
    // Encodings that the server does not offer.
    for field in
        ["transfer-encoding: gzip, chunked", "transfer-encoding: gzip", "transfer-encoding: identity"]
    {
        let request = [head(LIST, PAIRS, field), form.clone().into()].concat();
        let answer = site.ask(request);
        assert!((400..500).contains(&answer.status), "{field} got {answer:?}");
    }
    for field in ["content-length: -1", "content-length: 1e3", "content-length: 99999999999999999999"] {
        let answer = site.ask([head(LIST, PAIRS, field), form.clone().into()].concat());
        assert!((400..500).contains(&answer.status), "{field} got {answer:?}");
    }
    site.untouched();
}
