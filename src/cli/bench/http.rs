//! Verifying over HTTP: as fast as it goes, and at a fixed rate.
//!
//! At a fixed rate every request has a time at which it is meant to start, whatever became of the ones before it, and
//! its latency counts from there: a server that stalls is charged for every request that would have come meanwhile.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::creates::by_threads;
use super::latency::{Latencies, now, pause, rate};
use super::material::Material;
use super::server::BenchServer;
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::progress::Progress;
use crate::command::Service;

/// Clients, each with a thread and a connection that it keeps.
pub(super) const CLIENTS: usize = 32;
/// The fixed rate, of the highest that was just measured.
pub(super) const SHARE: f64 = 0.5;
/// Steps of the progress that [`measure`] takes.
pub(super) const STEPS: u64 = 2 * WAYS.len() as u64;

/// Measured rates and latencies of verifies over HTTP.
pub(super) struct Http {
    pub(super) way: &'static str,
    /// Requests a second when every client sends its next request at once.
    pub(super) capacity: f64,
    /// Requests a second that were meant to start at a fixed rate.
    pub(super) offered: f64,
    /// From the time each was meant to start.
    pub(super) latencies: Latencies,
}

/// A way to ask about a key.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    request: fn(&str) -> Result<Request<Full<Bytes>>, hyper::http::Error>,
    /// Whether an answer says that the key is good.
    good: fn(StatusCode, &[u8]) -> bool,
}

const WAYS: [Way; 2] = [
    Way { name: "GET /auth/native", request: auth_request, good: |status, _| status == StatusCode::OK },
    Way { name: "POST /v1/verify", request: verify_request, good: verify_good },
];

fn auth_request(key: &str) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let request = Request::get("/auth/native?for=nginx&level=2").header(HOST, "localhost");
    request.header("x-api-key", key).body(Full::default())
}

fn verify_request(key: &str) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let body = format!(r#"{{"keyspace":"native","key":"{key}","level":2}}"#);
    let request =
        Request::post("/v1/verify").header(HOST, "localhost").header(CONTENT_TYPE, "application/json");
    request.body(Full::from(body))
}

fn verify_good(status: StatusCode, body: &[u8]) -> bool {
    status == StatusCode::OK && memchr::memmem::find(body, br#""valid":true"#).is_some()
}

/// Measures every way for this long, twice.
pub(super) fn measure(
    service: &Service,
    material: &Material,
    length: Duration,
    progress: &Progress,
) -> Result<Vec<Http>, CliError> {
    let server = BenchServer::start(service)?;
    let texts = material.good.as_slice();
    let measured = WAYS.into_iter().map(|way| {
        let capacity = closed(&server, way, texts, length)?;
        progress.step();
        let offered = capacity * SHARE;
        let latencies = open(&server, way, texts, length, offered)?;
        progress.step();
        Ok(Http { way: way.name, capacity, offered, latencies })
    });
    measured.collect()
}

/// How many requests a second when each client sends the next one at once.
fn closed(
    server: &BenchServer,
    way: Way,
    texts: &[Zeroizing<String>],
    length: Duration,
) -> Result<f64, CliError> {
    let start = now();
    let counts = by_threads(CLIENTS, |client| {
        let mut texts = texts.iter().cycle().skip(client * texts.len() / CLIENTS);
        let mut connection = Client::connect(server.address)?;
        let mut done = 0;
        while start.elapsed() < length
            && let Some(text) = texts.next()
        {
            connection.ask(way, text)?;
            done += 1;
        }
        Ok(done)
    })?;
    Ok(rate(counts.iter().sum(), start.elapsed()))
}

/// How long requests take that are meant to start evenly, so many a second, each client's in turn.
fn open(
    server: &BenchServer,
    way: Way,
    texts: &[Zeroizing<String>],
    length: Duration,
    offered: f64,
) -> Result<Latencies, CliError> {
    let between = Duration::from_secs_f64(1.0 / offered.max(1.0));
    // All are connected by then.
    let start = now() + Duration::from_millis(100);
    let clients = by_threads(CLIENTS, |client| {
        sleep_exactly();
        let mut texts = texts.iter().cycle().skip(client * texts.len() / CLIENTS);
        let mut connection = Client::connect(server.address)?;
        let mut latencies = Latencies::new()?;
        let mut intended = start + between * u32::try_from(client).unwrap_or_default();
        while intended < start + length
            && let Some(text) = texts.next()
        {
            pause(intended.saturating_duration_since(now()));
            connection.ask(way, text)?;
            latencies.note(intended.elapsed());
            intended += between * u32::try_from(CLIENTS).unwrap_or(1);
        }
        Ok(latencies)
    })?;
    let mut all = Latencies::new()?;
    clients.iter().try_for_each(|client| all.absorb(client))?;
    Ok(all)
}

/// Lets this thread's pauses end on time, not up to 50 microseconds later. Where the system does not, the latencies
/// are that much larger.
fn sleep_exactly() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

/// One client and its connection.
struct Client {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    fn connect(address: SocketAddr) -> Result<Self, CliError> {
        let runtime = Builder::new_current_thread().enable_io().build().map_err(|error| failed(&error))?;
        let connected = runtime.block_on(async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
            tokio::spawn(connection);
            Ok(sender)
        });
        let sender = connected.map_err(|error: io::Error| failed(&error))?;
        Ok(Self { runtime, sender })
    }

    /// Asks about a good key.
    fn ask(&mut self, way: Way, text: &str) -> Result<(), CliError> {
        let request = (way.request)(text).map_err(|error| failed(&io::Error::other(error)))?;
        let sender = &mut self.sender;
        let answered = self.runtime.block_on(async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            Ok::<_, hyper::Error>((status, answer.into_body().collect().await?.to_bytes()))
        });
        let (status, body) = answered.map_err(|error| failed(&io::Error::other(error)))?;
        if (way.good)(status, &body) {
            return Ok(());
        }
        Err(CliError::new(Exit::Failed, format!("{} answered {status} about a good key", way.name)))
    }
}

fn failed(error: &io::Error) -> CliError {
    CliError::system("a request of the bench failed", error)
}
