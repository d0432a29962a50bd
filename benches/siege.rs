//! Good requests while a server is besieged: silent and slow connections, wrong logins and junk keys, all at once.
//!
//! ```sh
//! cargo bench --bench siege
//! ```
//!
//! Needs some 21,000 file descriptors (`ulimit -n`). `KEYWARD_BENCH_SECONDS` sets how long each part takes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench that cannot go on fails"
)]

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Scope, sleep};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

const SILENT: usize = 10_000;
const SLOW: usize = 200;
const LOGINS: usize = 8;
/// Pause between two good requests.
const PACE: Duration = Duration::from_millis(2);

struct Server {
    child: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
    key: String,
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.env_clear().env("KEYWARD_DATA", &data).args(["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        let operate = |target: &str, body: &str| -> String {
            let mut stream = UnixStream::connect(data.join("keyward.sock")).unwrap();
            stream.write_all(post(target, "connection: close", body).as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        operate("/v1/users", "{\"username\":\"flo\",\"password\":\"correct horse battery staple\"}");
        let made = operate("/v1/keys", "{\"keyspace\":\"native\",\"owner\":\"flo\"}");
        let key = made.split("\"text\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        Self { child, address, _dir: dir, key }
    }

    /// Memory in use, in kB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn post(target: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{fields}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn verify(key: &str) -> String {
    post("/v1/verify", "accept: */*", &format!("{{\"key\":\"{key}\"}}"))
}

/// The answer on a kept connection.
fn answer(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let from = head.len();
        if stream.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = head.get(from..).unwrap_or_default().trim_end();
        if let Some(text) = line.strip_prefix("content-length: ") {
            length = text.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(head + &String::from_utf8_lossy(&body))
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(BufReader::new(stream))
}

/// What good requests met with.
struct Good {
    kept: Histogram<u64>,
    fresh: Histogram<u64>,
    failed: u64,
}

impl Good {
    /// Good requests for so long, in turn on a kept connection and on one made for each. When the server closes the
    /// kept one, to make room for another, it is made anew as clients do.
    fn watch(server: &Server, length: Duration) -> Self {
        let empty = || Histogram::new(3).unwrap();
        let mut good = Self { kept: empty(), fresh: empty(), failed: 0 };
        let request = verify(&server.key);
        let mut kept = connect(server.address).unwrap();
        let end = Instant::now() + length;
        while Instant::now() < end {
            let begun = Instant::now();
            let mut asked = ask(&mut kept, &request);
            if asked.is_err() {
                asked = connect(server.address).and_then(|stream| {
                    kept = stream;
                    ask(&mut kept, &request)
                });
            }
            good.note(asked, begun, |good| &mut good.kept);
            let begun = Instant::now();
            let asked = connect(server.address).and_then(|mut stream| ask(&mut stream, &request));
            good.note(asked, begun, |good| &mut good.fresh);
            sleep(PACE);
        }
        good
    }

    fn note(&mut self, asked: io::Result<String>, begun: Instant, of: fn(&mut Self) -> &mut Histogram<u64>) {
        if asked.is_ok_and(|answer| answer.contains("\"valid\":true")) {
            let micros = u64::try_from(begun.elapsed().as_micros()).unwrap();
            of(self).record(micros).unwrap();
        } else {
            self.failed += 1;
        }
    }

    fn print(&self, when: &str, memory: u64) {
        let ms =
            |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
        println!(
            "{when:<8} {} good, {} failed; kept connection p50 {:.2} ms, p99 {:.2} ms; a new one each p50 {:.2} ms, p99 {:.2} ms; {memory} kB",
            self.kept.len() + self.fresh.len(),
            self.failed,
            ms(&self.kept, 0.5),
            ms(&self.kept, 0.99),
            ms(&self.fresh, 0.5),
            ms(&self.fresh, 0.99),
        );
    }
}

fn ask(stream: &mut BufReader<TcpStream>, request: &str) -> io::Result<String> {
    stream.get_mut().write_all(request.as_bytes())?;
    answer(stream)
}

/// What besieges a server, and how much of it there was.
#[derive(Default)]
struct Siege {
    over: AtomicBool,
    logins: AtomicU64,
    junk: AtomicU64,
    reconnected: AtomicU64,
}

impl Siege {
    fn lay<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, address: SocketAddr) {
        scope.spawn(move || self.stay_silent(address));
        scope.spawn(move || self.drip(address, "GET /v1/self HTTP/1.1\r\nhost: x\r\nx-junk: "));
        scope.spawn(move || {
            self.drip(address, &post("/v1/verify", "x: y", &"x".repeat(9_999)).replace("xxxx", ""))
        });
        for number in 0..LOGINS {
            scope.spawn(move || self.log_in(address, number));
        }
        scope.spawn(move || self.present_junk(address));
    }

    fn is_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Connections that were answered once and say nothing more; what the server closes is opened again.
    fn stay_silent(&self, address: SocketAddr) {
        let mut silent = Vec::with_capacity(SILENT);
        while self.is_on() {
            while silent.len() < SILENT && self.is_on() {
                let opened = connect(address).and_then(|mut stream| {
                    ask(&mut stream, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")?;
                    stream.get_mut().set_nonblocking(true)?;
                    Ok(stream)
                });
                silent.extend(opened);
            }
            sleep(Duration::from_millis(200));
            let before = silent.len();
            silent.retain_mut(|stream| {
                stream.fill_buf().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            });
            self.reconnected.fetch_add((before - silent.len()) as u64, Ordering::Relaxed);
        }
    }

    /// Requests that begin and then come byte by byte.
    fn drip(&self, address: SocketAddr, beginning: &str) {
        let mut slow: Vec<TcpStream> = Vec::new();
        while self.is_on() {
            while slow.len() < SLOW {
                let Ok(mut stream) = TcpStream::connect(address) else { break };
                let _ = stream.write_all(beginning.as_bytes());
                slow.push(stream);
            }
            sleep(Duration::from_millis(200));
            slow.retain_mut(|stream| stream.write_all(b"x").is_ok());
        }
    }

    /// Wrong passwords, each for another name.
    fn log_in(&self, address: SocketAddr, number: usize) {
        for count in 0.. {
            if !self.is_on() {
                break;
            }
            let body = format!("username=u{number}x{count}&password=wrong&access_level=full");
            let request = post("/api/v2/user/create_apikey", "connection: close", &body);
            let request = request.replace("application/json", "application/x-www-form-urlencoded");
            let _ = connect(address).and_then(|mut stream| ask(&mut stream, &request));
            self.logins.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn present_junk(&self, address: SocketAddr) {
        let request = verify("kw_1w9QcRqUVZEoVf8QCrHhgH6CPg15fJlJSAlkD5LBmhOt0X4RM3");
        while self.is_on() {
            let Ok(mut stream) = connect(address) else { continue };
            while self.is_on() && ask(&mut stream, &request).is_ok() {
                self.junk.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn main() {
    let seconds = std::env::var("KEYWARD_BENCH_SECONDS").map_or(20, |text| text.parse().unwrap());
    let length = Duration::from_secs(seconds);
    let server = Server::start();
    Good::watch(&server, Duration::from_secs(1));
    let idle = Good::watch(&server, length);
    idle.print("idle", server.memory());
    let siege = Siege::default();
    std::thread::scope(|scope| {
        siege.lay(scope, server.address);
        // Until the silent ones are there.
        sleep(Duration::from_secs(5));
        let besieged = Good::watch(&server, length);
        besieged.print("besieged", server.memory());
        siege.over.store(true, Ordering::Relaxed);
    });
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    println!(
        "         {SILENT} silent connections ({} closed by the server and opened again), {SLOW} slow heads, {SLOW} slow bodies, {} logins, {} junk keys",
        count(&siege.reconnected),
        count(&siege.logins),
        count(&siege.junk),
    );
    sleep(Duration::from_secs(2));
    let after = Good::watch(&server, length);
    after.print("after", server.memory());
}
