//! A client that says what it wants, byte by byte, and waits only so long.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// No answer may take longer, whatever the request and however busy the machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back before the server closed the connection.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// filebin's name for what is wrong; fails when the answer is not of filebin's form.
    pub(crate) fn error_id(&self) -> String {
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        assert_eq!(json["status"], "error", "{json}");
        assert!(json["message"].is_string(), "{json}");
        json["error_id"].as_str().unwrap().to_owned()
    }
}

/// A connection on which nothing may take longer than the patience.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What the server answers to these bytes.
pub(crate) fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut stream = connect(address);
    // A server that refuses early may have closed its side already.
    let _ = stream.write_all(request.as_ref());
    answer(stream)
}

/// Says nothing more and takes what the server says until it closes the connection, too: exactly one answer.
pub(crate) fn answer(mut stream: TcpStream) -> Answer {
    let _ = stream.shutdown(Shutdown::Write);
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer, {read:?}, only {}", bytes.escape_ascii()));
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let body = bytes.split_off(end + 4);
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(length, body.len().to_string(), "one whole answer: {head}");
    Answer { status: head[9..12].parse().unwrap(), head, body }
}

/// A request whose body has a length.
pub(crate) fn post<B: AsRef<[u8]>>(target: &str, content_type: &str, body: B) -> Vec<u8> {
    let body = body.as_ref();
    let mut request = head(target, content_type, &format!("content-length: {}", body.len()));
    request.extend(body);
    request
}

/// A request whose body comes in one chunk.
pub(crate) fn post_chunked<B: AsRef<[u8]>>(target: &str, content_type: &str, body: B) -> Vec<u8> {
    let body = body.as_ref();
    let mut request = head(target, content_type, "transfer-encoding: chunked");
    request.extend(format!("{:x}\r\n", body.len()).bytes());
    request.extend(body);
    request.extend(b"\r\n0\r\n\r\n");
    request
}

/// A request's head, with one field about its body.
pub(crate) fn head(target: &str, content_type: &str, framing: &str) -> Vec<u8> {
    format!("POST {target} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n{framing}\r\n\r\n")
        .into_bytes()
}

pub(crate) const PAIRS: &str = "application/x-www-form-urlencoded";
pub(crate) const PARTS: &str = "multipart/form-data; boundary=B";

/// A body of parts.
pub(crate) fn parts(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
        body.extend(*value);
        body.extend(b"\r\n");
    }
    body.extend(b"--B--\r\n");
    body
}
