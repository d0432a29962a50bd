//! Codec of the fast path: plain requests and their responses as bytes of HTTP/1 (RFC 9112).
//!
//! A request is plain when it can be read in one way and negotiates nothing: one `Host`, at most one `Content-Length`,
//! a target of unreserved letters. Any other request is hyper's, so being stricter than HTTP costs only time.

use std::cell::Cell;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::time::{Duration, UNIX_EPOCH};

use httparse::{Header, Status};
use httpdate::HttpDate;
use warp::http::StatusCode;

use crate::clock::{Clock as _, SystemClock};
use crate::http::{Fields, RawResponse};
use crate::limits;

/// Start of the bytes that a connection has read.
pub(super) enum Parsed<'room, 'bytes> {
    /// A whole plain request.
    Plain(PlainRequest<'room, 'bytes>),
    /// A part of a head, which may become a plain request.
    PartialHead,
    /// Head of a plain request, without all of its body.
    PartialBody,
    /// Anything else.
    NotPlain,
}

/// One plain request.
pub(super) struct PlainRequest<'room, 'bytes> {
    pub(super) method: &'bytes str,
    pub(super) path: &'bytes str,
    pub(super) query: &'bytes str,
    pub(super) fields: HeadFields<'room, 'bytes>,
    pub(super) body: &'bytes [u8],
    /// Bytes of head and body.
    pub(super) length: usize,
    pub(super) ending: Ending,
}

/// Fate of the connection after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The connection is kept.
    KeepAlive,
    /// The connection ends, since the client or the server wants it.
    Close,
    /// The connection ends, since the client speaks HTTP/1.0.
    Http10,
}

impl Ending {
    /// The same for a connection that ends in any case.
    pub(super) const fn closing(self) -> Self {
        match self {
            Self::KeepAlive | Self::Close => Self::Close,
            Self::Http10 => Self::Http10,
        }
    }
}

/// Room for the header fields of one request.
pub(super) type HeaderRoom<'bytes> = [MaybeUninit<Header<'bytes>>; limits::HEADERS_MAX];

/// Header fields of a head, as sent.
pub(super) struct HeadFields<'room, 'bytes>(&'room [Header<'bytes>]);

impl Fields for HeadFields<'_, '_> {
    fn each<'a>(&'a self, name: &'static str, look: &mut dyn FnMut(&'a [u8])) {
        let named = self.0.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        named.for_each(|field| look(field.value));
    }
}

/// Parses the request that `bytes` begin with.
pub(super) fn parse<'room, 'bytes>(
    bytes: &'bytes [u8],
    room: &'room mut HeaderRoom<'bytes>,
) -> Parsed<'room, 'bytes> {
    let mut head = httparse::Request::new(&mut []);
    match head.parse_with_uninit_headers(bytes, room) {
        Ok(Status::Complete(length)) => plain(bytes, length, head).unwrap_or(Parsed::NotPlain),
        Ok(Status::Partial) if bytes.len() < limits::FAST_PATH_BYTES_MAX => Parsed::PartialHead,
        Ok(Status::Partial) | Err(_) => Parsed::NotPlain,
    }
}

/// Returns `None` when the request of this head is not plain.
fn plain<'room, 'bytes>(
    bytes: &'bytes [u8],
    head_length: usize,
    head: httparse::Request<'room, 'bytes>,
) -> Option<Parsed<'room, 'bytes>> {
    let httparse::Request { method, path: target, version, headers } = head;
    let framing = Framing::of(version?, headers)?;
    let (path, query) = target.filter(|target| is_plain_target(target)).map(split_query)?;
    let length = head_length.checked_add(framing.body_length)?;
    if length > limits::FAST_PATH_BYTES_MAX {
        return None;
    }
    let Some(body) = bytes.get(head_length..length) else { return Some(Parsed::PartialBody) };
    let (method, fields, ending) = (method?, HeadFields(headers), framing.ending);
    Some(Parsed::Plain(PlainRequest { method, path, query, fields, body, length, ending }))
}

fn split_query(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// Whether the target is a path and perhaps a query, of the bytes that RFC 3986 allows in them.
fn is_plain_target(target: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/?".contains(&byte);
    target.starts_with('/') && target.bytes().all(plain)
}

/// Ends of the request and of the connection, as the header fields say.
struct Framing {
    body_length: usize,
    ending: Ending,
}

impl Framing {
    /// Returns `None` for any framing but one `Content-Length` or none: such a request is hyper's.
    fn of(version: u8, fields: &[Header<'_>]) -> Option<Self> {
        let (mut hosts, mut length, mut connection) = (0, None, None);
        for Header { name, value } in fields {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            if is("host") {
                hosts += 1;
            } else if is("content-length") {
                if length.replace(number(value)?).is_some() {
                    return None;
                }
            } else if is("connection") {
                if connection.replace(*value).is_some() {
                    return None;
                }
            } else if is("transfer-encoding") || is("expect") || is("upgrade") {
                return None;
            }
        }
        let says = |token: &str| connection.is_some_and(|value| value.eq_ignore_ascii_case(token.as_bytes()));
        let ending = match (version, connection) {
            (1, None) => Ending::KeepAlive,
            (1, Some(_)) if says("keep-alive") => Ending::KeepAlive,
            (1, Some(_)) if says("close") => Ending::Close,
            (0, None) => Ending::Http10,
            (0, Some(_)) if says("close") => Ending::Http10,
            _ => return None,
        };
        (hosts == 1).then_some(Self { body_length: length.unwrap_or(0), ending })
    }
}

/// Length of at most eight digits.
fn number(digits: &[u8]) -> Option<usize> {
    let few = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| few)?.parse().ok()
}

/// Appends the response to `to`, byte for byte as hyper would send it.
///
/// # Security
/// An answer that HTTP cannot carry becomes a bare 500, as in [`response`](crate::server::respond::response::response).
pub(super) fn write(to: &mut Vec<u8>, answer: &RawResponse, method: &str, ending: Ending) {
    let start = to.len();
    to.reserve(limits::FAST_PATH_ANSWER_BYTES + answer.body.len());
    if try_write(to, answer, method, ending).is_none() {
        tracing::error!("an answer that HTTP cannot carry was replaced");
        to.truncate(start);
        let bare =
            RawResponse { status: 500, headers: Vec::new(), body: b"Internal server error\n".to_vec() };
        // Cannot fail: it has no header field.
        let _ = try_write(to, &bare, method, ending);
    }
}

fn try_write(to: &mut Vec<u8>, answer: &RawResponse, method: &str, ending: Ending) -> Option<()> {
    let RawResponse { status, headers, body } = answer;
    let status = StatusCode::from_u16(*status).ok().filter(|status| !status.is_informational())?;
    let version = if ending == Ending::Http10 { "HTTP/1.0 " } else { "HTTP/1.1 " };
    let reason = status.canonical_reason().unwrap_or("<none>");
    let line = [version, status.as_str(), " ", reason, "\r\n"];
    line.iter().for_each(|part| to.extend_from_slice(part.as_bytes()));
    for (name, value) in headers {
        if !is_name(name) || !value.bytes().all(is_of_value) {
            return None;
        }
        let line = [name, ": ", value, "\r\n"];
        line.iter().for_each(|part| to.extend_from_slice(part.as_bytes()));
    }
    if ending == Ending::Close {
        to.extend_from_slice(b"connection: close\r\n");
    }
    // hyper gives no length to HEAD when the body is empty.
    let told = method != "HEAD" || !body.is_empty();
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if told && !bodiless {
        write!(to, "content-length: {}\r\n", body.len()).ok()?;
    }
    to.extend_from_slice(b"date: ");
    to.extend_from_slice(&date());
    to.extend_from_slice(b"\r\n\r\n");
    if !bodiless && method != "HEAD" {
        to.extend_from_slice(body);
    }
    Some(())
}

/// Whether this is a lower-case name of a field that does not frame the response.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.bytes().all(plain) && !matches!(name, "content-length" | "transfer-encoding")
}

/// Whether a value may have this byte (RFC 9110, 5.5). A line break is none.
const fn is_of_value(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Date as bytes: always 29, since the year has four digits.
type Date = [u8; 29];

/// Last second of the year 9999, after which a year has no four digits.
const DATE_SECONDS_MAX: u64 = 253_402_300_799;

/// Time as a `Date` header field has it (RFC 9110, 5.6.7), formatted once a second on each thread.
fn date() -> Date {
    thread_local! {
        static FORMATTED: Cell<(u64, Date)> = const { Cell::new((0, [0; 29])) };
    }
    let now = SystemClock.now().unix_seconds().min(DATE_SECONDS_MAX);
    let (second, date) = FORMATTED.get();
    if second == now {
        return date;
    }
    let mut date = [b' '; 29];
    let mut rest = date.as_mut_slice();
    // Cannot fail: a date has as many bytes as the slice.
    let _ = write!(rest, "{}", HttpDate::from(UNIX_EPOCH + Duration::from_secs(now)));
    FORMATTED.set((now, date));
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method, path, query, fields `x-a`, body, bytes left, and what becomes of the connection.
    fn shown(bytes: &str) -> Option<String> {
        let mut room = [const { MaybeUninit::uninit() }; limits::HEADERS_MAX];
        match parse(bytes.as_bytes(), &mut room) {
            Parsed::PartialHead => Some("head".to_owned()),
            Parsed::PartialBody => Some("body".to_owned()),
            Parsed::NotPlain => None,
            Parsed::Plain(PlainRequest { method, path, query, fields, body, length, ending }) => {
                let mut values = Vec::new();
                fields.each("x-a", &mut |value| values.push(String::from_utf8_lossy(value).into_owned()));
                let body = String::from_utf8_lossy(body);
                Some(format!("{method} {path} {query} {values:?} {body} {} {ending:?}", bytes.len() - length))
            }
        }
    }

    #[test]
    fn plain_requests_are_read() {
        for (bytes, expected) in [
            ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", "GET /  []  0 KeepAlive"),
            (
                "GET /a?b?c HTTP/1.1\r\nHost:x\r\nX-A: 1\r\nx-a:\t2 \r\n\r\nGET",
                r#"GET /a b?c ["1", "2"]  3 KeepAlive"#,
            ),
            (
                "POST /a%20;b HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi!",
                "POST /a%20;b  [] hi 1 KeepAlive",
            ),
            ("GET / HTTP/1.1\r\nhost: x\r\nconnection: Keep-Alive\r\n\r\n", "GET /  []  0 KeepAlive"),
            ("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "GET /  []  0 Close"),
            ("GET / HTTP/1.0\r\nhost: x\r\nconnection: close\r\n\r\n", "GET /  []  0 Http10"),
            ("GET / HTTP/1.0\r\nhost: x\r\n\r\n", "GET /  []  0 Http10"),
            ("GET / HTT", "head"),
            ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nh", "body"),
        ] {
            assert_eq!(shown(bytes).as_deref(), Some(expected), "{bytes}");
        }
    }

    #[test]
    fn what_could_be_read_otherwise_is_left_to_hyper() {
        for head in [
            "GET http://x/ HTTP/1.1\r\nhost: x",
            "OPTIONS * HTTP/1.1\r\nhost: x",
            "GET /#a HTTP/1.1\r\nhost: x",
            "GET /\u{e9} HTTP/1.1\r\nhost: x",
            "GET /\"a HTTP/1.1\r\nhost: x",
            "GET / HTTP/2.0\r\nhost: x",
            "GET / HTTP/1.1",
            "GET / HTTP/1.1\r\nhost: x\r\nhost: x",
            "GET / HTTP/1.1\r\nhost : x",
            "GET / HTTP/1.1\r\nhost: x\r\n folded",
            "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 1",
            "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: +1",
            "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1, 1",
            "GET / HTTP/1.1\r\nhost: x\r\ncontent-length:",
            "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999",
            "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 40000",
            "GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked",
            "GET / HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: identity",
            "GET / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue",
            "GET / HTTP/1.1\r\nhost: x\r\nupgrade: h2c",
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade",
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: close, x-a",
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\nconnection: close",
            "GET / HTTP/1.0\r\nhost: x\r\nconnection: keep-alive",
        ] {
            assert_eq!(shown(&format!("{head}\r\n\r\nx")), None, "{head}");
        }
        let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(limits::FAST_PATH_BYTES_MAX));
        let cut = long.get(..limits::FAST_PATH_BYTES_MAX).unwrap();
        assert_eq!((shown(&long), shown(cut)), (None, None));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(limits::HEADERS_MAX + 1));
        assert_eq!(shown(&many), None);
    }

    fn written(answer: &RawResponse, method: &str, ending: Ending) -> String {
        let mut to = b"before".to_vec();
        write(&mut to, answer, method, ending);
        let text = String::from_utf8(to).unwrap();
        let (head, body) = text.strip_prefix("before").unwrap().split_once("\r\n\r\n").unwrap();
        let (head, date) = head.split_once("\r\ndate: ").unwrap();
        assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
        format!("{head}|{body}")
    }

    #[test]
    fn answers_are_written_as_they_are() {
        let answer =
            RawResponse { status: 404, headers: vec![("x-a", "1\u{e9}".into())], body: b"no".to_vec() };
        for (method, ending, expected) in [
            ("GET", Ending::KeepAlive, "HTTP/1.1 404 Not Found\r\nx-a: 1\u{e9}\r\ncontent-length: 2|no"),
            ("HEAD", Ending::KeepAlive, "HTTP/1.1 404 Not Found\r\nx-a: 1\u{e9}\r\ncontent-length: 2|"),
            ("GET", Ending::Http10, "HTTP/1.0 404 Not Found\r\nx-a: 1\u{e9}\r\ncontent-length: 2|no"),
            (
                "GET",
                Ending::Close,
                "HTTP/1.1 404 Not Found\r\nx-a: 1\u{e9}\r\nconnection: close\r\ncontent-length: 2|no",
            ),
        ] {
            assert_eq!(written(&answer, method, ending), expected);
        }
        let none = RawResponse { status: 204, headers: Vec::new(), body: Vec::new() };
        assert_eq!(written(&none, "GET", Ending::KeepAlive), "HTTP/1.1 204 No Content|");
    }

    #[test]
    fn an_answer_that_cannot_be_sent_is_a_bare_500() {
        for (status, name, value) in [
            (200, "x-name", "a\r\nset-cookie: b=c"),
            (200, "x-name", "a\nb"),
            (200, "x-name", "a\0b"),
            (200, "x-name", "a\u{7f}b"),
            (200, "x name", "a"),
            (200, "X-Name", "a"),
            (200, "", "a"),
            (200, "content-length", "1"),
            (200, "transfer-encoding", "chunked"),
            (99, "x-name", "a"),
            (101, "x-name", "a"),
            (1_000, "x-name", "a"),
        ] {
            let answer = RawResponse { status, headers: vec![(name, value.into())], body: b"x".to_vec() };
            let bare = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 22|Internal server error\n";
            assert_eq!(written(&answer, "GET", Ending::KeepAlive), bare, "{status} {name} {value}");
        }
    }

    #[test]
    fn a_date_is_as_it_is_documented() {
        let text = String::from_utf8(date().to_vec()).unwrap();
        let parsed = httpdate::parse_http_date(&text).unwrap();
        let seconds = parsed.duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(SystemClock.now().unix_seconds().abs_diff(seconds) <= 1, "{text}");
        assert_eq!(httpdate::fmt_http_date(parsed), text);
    }
}
