//! One kept connection, and what comes of a request on it: an answer, or nothing.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::server::Server;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub(crate) struct Client {
    stream: BufReader<Box<dyn Stream>>,
    /// A header field, or nothing.
    credentials: String,
}

impl Client {
    pub(crate) fn over(stream: impl Read + Write + Send + 'static) -> Self {
        Self { stream: BufReader::new(Box::new(stream)), credentials: String::new() }
    }

    pub(crate) fn new(server: &Server, key: &str) -> Self {
        Self::to(&server.address, key).expect("it listens")
    }

    /// One without credentials of its own, for presenting the keys of others.
    pub(crate) fn nobody(server: &Server) -> Self {
        Self::over(TcpStream::connect(&server.address).expect("it listens"))
    }

    pub(crate) fn to(address: &str, key: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { credentials: format!("authorization: Bearer {key}\r\n"), ..Self::over(stream) })
    }

    /// Status and JSON of the answer; `None` when the server died before it gave a whole one.
    pub(crate) fn ask(&mut self, method: &str, target: &str, body: &Value) -> Option<(u16, Value)> {
        self.send(method, target, &body.to_string())
    }

    /// As [`Client::ask`], with a body that is written already.
    pub(crate) fn send(&mut self, method: &str, target: &str, body: &str) -> Option<(u16, Value)> {
        self.exchange(method, target, body).ok()
    }

    fn exchange(&mut self, method: &str, target: &str, body: &str) -> io::Result<(u16, Value)> {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: x\r\n{}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.credentials,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest.get(..3).unwrap_or_default().parse().map_err(io::Error::other)?;
            } else if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.parse().map_err(io::Error::other)?;
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? }))
    }
}
