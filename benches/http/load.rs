//! The load: connections that are kept, each of which sends its next request when its answer is there.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Each with its share of the connections.
const THREADS: usize = 2;
const CONNECTIONS: usize = 32;
/// Longer than whatever else the machine may do meanwhile.
const PATIENCE: Duration = Duration::from_secs(180);

/// A request, around the text of a key.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) before: String,
    pub(crate) after: String,
    /// What the body of an answer has to have.
    pub(crate) answer: &'static str,
}

impl Request {
    /// A GET with the key in a header field.
    pub(crate) fn get(target: &str) -> Self {
        let before = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ");
        Self { before, after: "\r\n\r\n".to_owned(), answer: "" }
    }

    /// A POST with the key, of this length, in a body of JSON.
    pub(crate) fn post(target: &str, json: (&str, &str), key: usize, answer: &'static str) -> Self {
        let (open, close) = json;
        let length = open.len() + key + close.len();
        let head = format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
        let before = format!("{head}Content-Length: {length}\r\n\r\n{open}");
        Self { before, after: close.to_owned(), answer }
    }
}

/// Asks about these keys, from the n-th on and then from the first again, for as long as `length`. Answers how many
/// requests were answered; all of them were allowed.
pub(crate) fn run(
    address: SocketAddr,
    request: &Request,
    keys: &[String],
    from: usize,
    length: Duration,
) -> usize {
    std::thread::scope(|scope| {
        let work = |thread: usize| {
            let keys = keys.iter().cycle().skip(from % keys.len() + thread * keys.len() / THREADS);
            move || by_one(address, request, keys, length)
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

fn by_one<'a>(
    address: SocketAddr,
    request: &Request,
    mut keys: impl Iterator<Item = &'a String>,
    length: Duration,
) -> usize {
    let mut connections: Vec<Connection> = (0..CONNECTIONS).map(|_| Connection::open(address)).collect();
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < length {
        for (connection, key) in connections.iter_mut().zip(&mut keys) {
            connection.send(request, key);
        }
        for connection in &mut connections {
            connection.receive(request.answer);
            count += 1;
        }
    }
    count
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    fn send(&mut self, request: &Request, key: &str) {
        self.buffer.clear();
        for part in [&request.before, key, &request.after] {
            self.buffer.extend_from_slice(part.as_bytes());
        }
        self.stream.write_all(&self.buffer).unwrap();
        self.buffer.clear();
    }

    /// Reads one answer.
    fn receive(&mut self, wanted: &str) {
        let mut piece = [0; 2_048];
        loop {
            let length = self.stream.read(&mut piece).unwrap();
            assert!(length > 0, "a connection was closed");
            self.buffer.extend_from_slice(&piece[..length]);
            if is_whole(&self.buffer, wanted) {
                return;
            }
        }
    }
}

/// Whether this is a whole answer; it has to be a 200 with `wanted` in its body.
fn is_whole(bytes: &[u8], wanted: &str) -> bool {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head) = answer.parse(bytes).unwrap() else { return false };
    assert_eq!(answer.code, Some(200), "{}", String::from_utf8_lossy(bytes));
    let length = answer.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let length: usize = std::str::from_utf8(length.unwrap().value).unwrap().parse().unwrap();
    let body = &bytes[head..];
    let whole = body.len() == length;
    assert!(body.len() <= length, "more than one answer");
    let found = wanted.is_empty() || memchr::memmem::find(body, wanted.as_bytes()).is_some();
    assert!(!whole || found, "{}", String::from_utf8_lossy(bytes));
    whole
}
