//! Addresses and header fields that no client sends.

use keyward::limits::{HEAD_BYTES_MAX, HEADERS_MAX};

use crate::site::{LIST, Site};

/// A request for `target` that is complete, with these fields more.
fn get(target: &[u8], fields: &str) -> Vec<u8> {
    [b"POST ", target, b" HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n", fields.as_bytes(), b"\r\n"].concat()
}

#[test]
fn absurd_addresses_are_refused() {
    let site = Site::start();
    let long = format!("{LIST}/{}", "a".repeat(8 * 1024));
    // What follows the function is ignored, whatever its length.
    site.refused("api/not-authenticated", get(long.as_bytes(), ""));
    for (target, why) in [
        ("/api/../../../etc/passwd", "api/invalid-version"),
        ("/api/v2.0.0/../../etc/passwd", "api/invalid-endpoint"),
        ("/api/v2.0.0/user/..", "api/invalid-endpoint"),
        ("/api/%2e%2e/%2e%2e", "api/invalid-version"),
        ("/api/%00/%ff%fe/%", "api/invalid-version"),
        ("/api/v2.0.0/%zz%%%/%u0041", "api/invalid-endpoint"),
        ("/api/v2.0.0/user/apikeys%00", "api/invalid-endpoint"),
        ("/api/v2.0.0/user?apikey[]=x&%%%", "api/invalid-endpoint"),
        ("/api/v2.0.0/user/apikeys?\u{fffd}=%ff", "api/not-authenticated"),
        ("http://elsewhere.example/api/v2.0.0/user/apikeys", "api/not-authenticated"),
    ] {
        site.refused(why, get(target.as_bytes(), ""));
    }
    let mut deep = "/api".to_owned() + &"/v2".repeat(8_000);
    site.refused("api/not-authenticated", get((LIST.to_owned() + &deep).as_bytes(), ""));
    deep.truncate(deep.len() - 1);
    site.refused("api/invalid-endpoint", get(deep.as_bytes(), ""));
    // Not filebin's to answer, or pages; refused all the same.
    for target in [
        "/",
        "//",
        "/.",
        "/..",
        "/api",
        "/api/",
        "/api/!",
        "/%61pi/v2",
        "/API/v2.0.0/user/apikeys",
        "*",
        "",
        "?",
        "api",
        ":",
    ] {
        let status = site.ask(get(target.as_bytes(), "")).status;
        assert!(matches!(status, 400 | 404), "{target:?} got {status}");
    }
    for target in [
        &b"/api/v2.0.0/\xc3\xbcser/apikeys"[..],
        b"/api/v2.0.0/user/\xff\xfe",
        b"/\xc3",
        b"\xff",
        b"/a b",
        b"/a\0",
    ] {
        let status = site.ask(get(target, "")).status;
        assert!(matches!(status, 400 | 404), "{} got {status}", target.escape_ascii());
    }
    site.untouched();
}

#[test]
fn floods_of_fields_are_refused_before_anything_looks_at_the_address() {
    let site = Site::start();
    let fields = |count: usize| "a: b\r\n".repeat(count);
    site.refused("api/not-authenticated", get(LIST.as_bytes(), &fields(HEADERS_MAX - 2)));
    let long = format!("a: {}\r\n", "b".repeat(2 * HEAD_BYTES_MAX));
    let name = format!("{}: b\r\n", "a".repeat(2 * HEAD_BYTES_MAX));
    let path = format!("{LIST}/{}", "a".repeat(2 * HEAD_BYTES_MAX));
    let many: String = (0..10_000).map(|nth| format!("field{nth}: {nth}\r\n")).collect();
    for request in [
        get(LIST.as_bytes(), &fields(HEADERS_MAX - 1)),
        get(LIST.as_bytes(), &fields(10_000)),
        get(LIST.as_bytes(), &many),
        get(LIST.as_bytes(), &long),
        get(LIST.as_bytes(), &name),
        get(path.as_bytes(), ""),
        [b"POST /api/v2/user/apikeys HTTP/1.1\r\n".as_slice(), &[b'a'; 2 * HEAD_BYTES_MAX]].concat(),
        vec![b'a'; 2 * HEAD_BYTES_MAX],
    ] {
        let answer = site.ask(&request);
        assert!(matches!(answer.status, 400 | 414 | 431), "{answer:?}");
        assert!(answer.body.len() < 100, "{answer:?}");
    }
    assert_eq!(site.ask(get(LIST.as_bytes(), &fields(1_000))).status, 431);
    assert_eq!(site.ask(get(LIST.as_bytes(), &long)).status, 431);
    site.untouched();
}
