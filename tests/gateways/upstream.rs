//! The API behind a gateway: it answers with what reached it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A server that answers every request with its head in lower case, an empty line, and its body. A path that ends in
/// a number gets that status.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    reached: Arc<AtomicUsize>,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let reached = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&reached);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let count = Arc::clone(&count);
                thread::spawn(move || serve(stream.unwrap(), &count));
            }
        });
        Self { address, reached }
    }

    /// How many requests came.
    pub(crate) fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, reached: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    while let Some((head, body)) = request(&mut reader) {
        reached.fetch_add(1, Ordering::SeqCst);
        let path = head.split(' ').nth(1).unwrap_or_default();
        let status = path.rsplit('/').next().and_then(|last| last.parse().ok()).unwrap_or(200);
        if reader.get_mut().write_all(&answer(status, &head, &body)).is_err() {
            return;
        }
    }
}

fn answer(status: u16, head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {status} As Asked\r\n");
    if status == 204 {
        answer.push_str("\r\n");
        return answer.into_bytes();
    }
    let length = head.len() + 2 + body.len();
    write!(answer, "content-type: text/plain\r\ncontent-length: {length}\r\n\r\n{head}\r\n").unwrap();
    [answer.as_bytes(), body].concat()
}

/// The next request on a connection: its head without the empty line, and its body.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line.to_lowercase());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}
