//! A client that chooses where it comes from. All of 127.0.0.0/8 is this machine.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;

/// No answer may take longer, however busy the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Where requests come from unless they say otherwise: not where keyward's trusted peers are.
pub(crate) const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub(crate) const AWAY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// One request, on a connection of its own.
pub(crate) struct Request {
    head: String,
    body: Vec<u8>,
    from: Ipv4Addr,
}

pub(crate) fn get(target: &str) -> Request {
    Request { head: format!("GET {target} HTTP/1.1\r\n"), body: Vec::new(), from: HOME }
}

/// One that says everything itself but where it goes to.
pub(crate) fn with_line(line: &str) -> Request {
    Request { head: format!("{line}\r\n"), body: Vec::new(), from: HOME }
}

pub(crate) fn post(target: &str, body: &[u8]) -> Request {
    let head = format!("POST {target} HTTP/1.1\r\nContent-Length: {}\r\n", body.len());
    Request { head, body: body.to_vec(), from: HOME }
}

impl Request {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.with("Authorization", &format!("Bearer {key}"))
    }

    pub(crate) const fn coming_from(mut self, from: Ipv4Addr) -> Self {
        self.from = from;
        self
    }

    /// What the server at `address` answers.
    pub(crate) async fn ask(&self, address: SocketAddr) -> Answer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((self.from, 0).into()).unwrap();
        let stream = socket.connect(address).await.unwrap().into_std().unwrap();
        self.over(stream)
    }

    fn over(&self, mut stream: TcpStream) -> Answer {
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("{}Host: {}\r\nConnection: close\r\n\r\n", self.head, stream.peer_addr().unwrap());
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses early may have closed its side already.
        let _ = stream.write_all(&self.body);
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        Answer::of(&bytes).unwrap_or_else(|| panic!("no answer, {read:?}, only {}", bytes.escape_ascii()))
    }
}

/// What came back before the server closed the connection.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    head: String,
    body: String,
}

impl Answer {
    fn of(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let head = head.to_lowercase();
        let body =
            if head.contains("transfer-encoding: chunked") { unchunked(body)? } else { body.to_owned() };
        Some(Self { status: head.get(9..12)?.parse().ok()?, head, body })
    }

    /// A field of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    /// A field that reached the API.
    pub(crate) fn reached(&self, name: &str) -> Option<&str> {
        field(&self.body, name)
    }

    /// The lines of the head that reached the API.
    pub(crate) fn reached_lines(&self) -> impl Iterator<Item = &str> {
        self.body.lines().take_while(|line| !line.is_empty())
    }

    /// The fields of the answer without a value.
    pub(crate) fn empty_fields(&self) -> Vec<&str> {
        self.head.lines().filter(|line| line.trim_end().ends_with(':')).collect()
    }

    /// The body that reached the API.
    pub(crate) fn reached_body(&self) -> &str {
        self.body.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// Everything that reached the API.
    pub(crate) fn reached_all(&self) -> &str {
        &self.body
    }
}

/// The one field of this name; a second one fails.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().take_while(|line| !line.is_empty());
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let value = values.next();
    assert_eq!(values.next(), None, "{name} is there twice: {head}");
    value
}

fn unchunked(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..size)?);
        body = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}
