//! A server on a free port with a dialect that says what reached it, and a client that speaks bytes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward::command::Service;
use keyward::dialect::{Dialect, Filebin, Gateway, Native, TryAnswer};
use keyward::engine::{Engine, Parts};
use keyward::entropy::OsEntropy;
use keyward::http::{Body, Head, RawRequest, RawResponse, TrustedPeer};
use keyward::key::PepperRing;
use keyward::server::{Bounds, Routes, Server, Tls};
use keyward::store::MemoryStore;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// A bound that is not the one under test.
const FOREVER: Duration = Duration::from_secs(3_600);
/// A bound that is the one under test.
pub(crate) const SOON: Duration = Duration::from_millis(100);

/// Ends a test that hangs.
pub(crate) async fn bounded<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, test).await.expect("the test hangs")
}

/// Bounds of size as in production, and no bound of time within a test's life.
pub(crate) fn patient() -> Bounds {
    Bounds {
        head_read: FOREVER,
        idle: FOREVER,
        body_read: FOREVER,
        write_stall: FOREVER,
        drain: FOREVER,
        ..Bounds::default()
    }
}

/// A server that runs.
pub(crate) struct Running {
    address: SocketAddr,
    /// Where it listens on every address of the machine.
    wide_port: u16,
    control: PathBuf,
    socket: PathBuf,
    /// One message for every request to `/wait` that has begun.
    pub(crate) begun: mpsc::UnboundedReceiver<()>,
    /// Lets one request to `/wait` go on.
    pub(crate) go: Sender<()>,
    /// Most requests to `/wait` at once.
    pub(crate) peak: Arc<AtomicUsize>,
    /// What the answers are about.
    pub(crate) engine: Engine,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    _directory: tempfile::TempDir,
}

/// What a server differs in, beside its bounds.
pub(crate) struct Setting {
    pub(crate) tls: Option<Tls>,
    pub(crate) proxies: &'static [&'static str],
}

impl Default for Setting {
    fn default() -> Self {
        Self { tls: None, proxies: &["127.0.0.0/8", "10.0.0.0/8", "unix"] }
    }
}

impl Running {
    pub(crate) async fn start(bounds: Bounds) -> Self {
        Self::start_in(Setting::default(), bounds).await
    }

    pub(crate) async fn start_in(setting: Setting, bounds: Bounds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let wide = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let wide_port = wide.local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        let (control, socket) = (directory.path().join("control"), directory.path().join("socket"));
        let (begin, begun) = mpsc::unbounded_channel();
        let (go, gone) = channel();
        let peak = Arc::new(AtomicUsize::new(0));
        let mirror =
            Mirror { begin, gone: Mutex::new(gone), waiting: AtomicUsize::new(0), peak: Arc::clone(&peak) };
        let engine = engine();
        let server = Server {
            listeners: vec![listener, wide],
            tls: setting.tls,
            sockets: vec![UnixListener::bind(&socket).unwrap()],
            control: Some(UnixListener::bind(&control).unwrap()),
            routes: Routes {
                dialects: vec![
                    Arc::new(Gateway::default()),
                    Arc::new(Native::for_everyone(false)),
                    Arc::new(Filebin::new("https://keys.example")),
                    Arc::new(mirror),
                ],
                control: Some(Arc::new(Operator)),
                own: None,
            },
            proxies: setting.proxies.iter().map(|peer| peer.parse::<TrustedPeer>().unwrap()).collect(),
            service: Service::new(engine.clone()),
            bounds,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(server.run(async { drop(stopped.await) }));
        Self {
            address,
            wide_port,
            control,
            socket,
            begun,
            go,
            peak,
            engine,
            stop,
            server,
            _directory: directory,
        }
    }

    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        Client::new(self.stream().await)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn stream(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(crate) async fn connect_control(&self) -> Client<UnixStream> {
        Client::new(UnixStream::connect(&self.control).await.unwrap())
    }

    /// To the listener that other machines reach, too.
    pub(crate) async fn connect_wide(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(("127.0.0.1", self.wide_port)).await.unwrap())
    }

    /// To the socket in the file system that is for everyone.
    pub(crate) async fn connect_socket(&self) -> Client<UnixStream> {
        Client::new(UnixStream::connect(&self.socket).await.unwrap())
    }

    /// Everything that comes back for these bytes on a connection of their own, until the server closes it.
    pub(crate) async fn raw(&self, bytes: &str) -> String {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.rest().await
    }

    /// The answer to these bytes on a connection of their own.
    pub(crate) async fn ask(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.answer().await
    }

    /// Asks the server to stop; the handle ends when it has.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.server
    }
}

/// Answers with what reached it, after filebin had its choice. Claims every path but `/unclaimed` and `/control`.
struct Mirror {
    begin: mpsc::UnboundedSender<()>,
    gone: Mutex<Receiver<()>>,
    waiting: AtomicUsize,
    peak: Arc<AtomicUsize>,
}

impl Dialect for Mirror {
    fn claims(&self, path: &str) -> bool {
        path != "/unclaimed" && path != "/control"
    }

    fn answer(&self, _service: &Service, request: &RawRequest) -> RawResponse {
        match request.path.as_str() {
            "/panic" => panic!("asked to"),
            "/thread" => return text(&thread()),
            "/split" => return text("x").with_header("x-name", "a\r\n\r\nHTTP/1.1 200 OK"),
            "/wait" => self.wait(),
            _ => {}
        }
        let body = match &request.body {
            Body::Whole(bytes) if bytes.len() > 100 => format!("{} bytes", bytes.len()),
            Body::Whole(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
            dropped => format!("{dropped:?}"),
        };
        let client = request.client.map_or_else(|| "nowhere".to_owned(), |address| address.to_string());
        text(&format!("{} {} [{}] from {client}: {body}", request.method, request.path, request.query))
    }

    fn try_answer(&self, _service: &Service, head: &Head<'_>, body: Option<&Body>) -> TryAnswer {
        match (head.path, body) {
            ("/at-once/panic", _) => panic!("asked to"),
            ("/at-once/thread", _) => TryAnswer::Answer(text(&thread())),
            ("/at-once/split", _) => TryAnswer::Answer(text("x").with_header("x-name", "a\r\nb")),
            ("/at-once", None) => TryAnswer::WantsBody,
            ("/at-once", Some(body)) => TryAnswer::Answer(text(&format!("at once: {body:?}"))),
            // Changes its mind once the body is there.
            ("/later", None) => TryAnswer::WantsBody,
            _ => TryAnswer::WouldBlock,
        }
    }
}

impl Mirror {
    fn wait(&self) {
        self.peak.fetch_max(self.waiting.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        self.begin.send(()).ok();
        // An error means that the test is over.
        self.gone.lock().unwrap().recv().ok();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The dialect of the control socket.
struct Operator;

impl Dialect for Operator {
    fn claims(&self, path: &str) -> bool {
        path == "/control"
    }

    fn answer(&self, _service: &Service, request: &RawRequest) -> RawResponse {
        text(&format!("operator, client {:?}", request.client))
    }
}

/// The thread that this runs on, and its priority.
fn thread() -> String {
    let niceness = rustix::process::getpriority_process(None).unwrap();
    format!("{} {niceness}", std::thread::current().name().unwrap())
}

fn text(body: &str) -> RawResponse {
    RawResponse::new(200, "text/plain", body)
}

pub(crate) fn engine() -> Engine {
    Engine::open(Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap())).unwrap()
}

/// One end of a connection.
pub(crate) struct Client<S> {
    stream: S,
    unread: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and header fields, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Sends all of it, unless the server has already left.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.ok();
    }

    /// Says nothing more, unless the server has already left; the answer can still be read.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.ok();
    }

    /// Sends for as long as the server takes it, and reads nothing.
    pub(crate) async fn flood(&mut self, bytes: &str) {
        while self.stream.write_all(bytes.as_bytes()).await.is_ok() {}
    }

    /// The next answer, interim ones included.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.more().await > 0, "the answer's body is cut off");
        }
        let body = String::from_utf8(self.unread.drain(..length).collect()).unwrap();
        Answer { status: head[9..12].parse().unwrap(), head, body }
    }

    /// The next head, without taking what follows for its body.
    pub(crate) async fn head(&mut self) -> String {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.more().await > 0, "no answer, only {:?}", String::from_utf8_lossy(&self.unread));
        };
        String::from_utf8(self.unread.drain(..end).collect()).unwrap().to_lowercase()
    }

    /// Whether anything comes before the server closes the connection.
    pub(crate) async fn rest_begins(&mut self) -> bool {
        self.more().await > 0
    }

    /// Everything until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> String {
        while self.more().await > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }

    /// A reset counts as the end: a server that refuses early leaves bytes unread.
    async fn more(&mut self) -> usize {
        self.stream.read_buf(&mut self.unread).await.unwrap_or(0)
    }
}
