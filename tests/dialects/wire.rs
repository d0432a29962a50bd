//! The same worlds behind the server: requests travel over one connection that is kept.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use keyward::command::Service;
use keyward::dialect::Dialect;
use keyward::http::{RawRequest, RawResponse, TrustedProxies};
use keyward::server::{Bounds, Routes, Server};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::transcript::{Answer, Peer};
use crate::world::{CLIENT, World};

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A world behind a server, and a client of it.
pub(crate) struct Wire {
    pub(crate) world: World,
    /// Where the server listens.
    pub(crate) address: std::net::SocketAddr,
    /// The connection, while the server keeps it.
    stream: Option<TcpStream>,
    _runtime: Runtime,
}

/// An API as it looks from a documentation address, which no test can connect from.
struct Elsewhere(Arc<dyn Dialect>);

impl Dialect for Elsewhere {
    fn claims(&self, path: &str) -> bool {
        self.0.claims(path)
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        assert_eq!(request.client, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), "the client's address is known");
        self.0.answer(service, &RawRequest { client: Some(CLIENT), ..request.clone() })
    }
}

impl Wire {
    pub(crate) fn to(world: World) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (dialect, service) = world.parts();
        let server = Server {
            listeners: vec![listener],
            tls: None,
            sockets: Vec::new(),
            control: None,
            routes: Routes { dialects: vec![Arc::new(Elsewhere(dialect))], control: None, own: None },
            proxies: TrustedProxies::default(),
            service,
            bounds: Bounds::default(),
        };
        runtime.spawn(server.run(std::future::pending()));
        Self { world, address, stream: None, _runtime: runtime }
    }
}

impl Peer for Wire {
    fn send(&mut self, request: &[u8]) -> Answer {
        let before = self.world.newest_event();
        let mut stream = self.stream.take().unwrap_or_else(|| TcpStream::connect(self.address).unwrap());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&complete(request)).unwrap();
        let head = head(&mut stream);
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let status: u16 = head[9..12].parse().unwrap();
        if status >= 400 {
            assert_eq!(self.world.newest_event(), before, "a refused request changed something: {head}");
        }
        assert_eq!(field("cache-control"), Some("no-store"));
        let mut body = vec![0; field("content-length").unwrap_or("0").parse().unwrap()];
        if request.starts_with(b"HEAD ") {
            // Only its length is sent; what it would be is what the dialect says.
            let unsent = self.world.send(request).body;
            assert_eq!(unsent.len(), body.len());
            body = unsent;
        } else {
            stream.read_exact(&mut body).unwrap();
        }
        let content_type = field("content-type").unwrap_or_default().to_owned();
        self.stream = (field("connection") != Some("close")).then_some(stream);
        Answer { status, content_type, body }
    }

    fn act(&mut self, what: &str) {
        self.world.act(what);
    }
}

/// The request with the fields that transcripts leave out where they say nothing.
fn complete(request: &[u8]) -> Vec<u8> {
    let line = request.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let end = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let missing = [("\nhost:", "Host: 127.0.0.1\r\n"), ("\nconnection:", "Connection: keep-alive\r\n")];
    let added = missing.iter().filter(|(name, _)| !head.contains(name)).map(|(_, field)| *field);
    [&request[..line], added.collect::<String>().as_bytes(), &request[line..]].concat()
}

/// The head of an answer. Read byte by byte, so that nothing after it is taken.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}
