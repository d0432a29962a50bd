//! Good requests while a server is besieged: by guesses that begin like imported keys, then by silent and slow connections,
//! wrong logins and junk keys, all at once.
//!
//! ```sh
//! cargo bench --bench siege
//! ```
//!
//! Needs some 21,000 file descriptors (`ulimit -n`). `KEYWARD_BENCH_SECONDS` sets how long each part takes; with
//! `KEYWARD_BENCH_GUESSES` only guesses come.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench that cannot go on fails"
)]

mod good;
mod guesses;
mod server;

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Scope, sleep};
use std::time::Duration;

use good::Good;
use server::{Server, ask, connect, post, settled, verify};
use socket2::{Domain, Socket, Type};

const SILENT: usize = 10_000;
/// Silent connections from one address: fewer than one network may have.
const SILENT_OF_ADDRESS: usize = 2_000;
const SLOW: usize = 200;
/// Threads of each kind of logins, which come from as many addresses as there are in three bytes.
const LOGINS: usize = 64;

/// What besieges a server, and how much of it there was.
#[derive(Default)]
struct Siege {
    over: AtomicBool,
    logins: AtomicU64,
    junk: AtomicU64,
    reconnected: AtomicU64,
}

impl Siege {
    /// Logins alone.
    fn log_in_everywhere<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, address: SocketAddr) {
        for number in 0..LOGINS {
            scope.spawn(move || self.log_in(address, number));
        }
    }

    /// Everything at once.
    fn lay<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, address: SocketAddr) {
        scope.spawn(move || self.stay_silent(address));
        scope.spawn(move || self.drip(address, "GET /v1/self HTTP/1.1\r\nhost: x\r\nx-junk: "));
        scope.spawn(move || {
            self.drip(address, &post("/v1/verify", "x: y", &"x".repeat(9_999)).replace("xxxx", ""))
        });
        self.log_in_everywhere(scope, address);
        scope.spawn(move || self.present_junk(address));
    }

    fn is_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Connections that were answered once and say nothing more; what the server closes is opened again.
    fn stay_silent(&self, address: SocketAddr) {
        stand_back();
        let mut silent = Vec::with_capacity(SILENT);
        while self.is_on() {
            while silent.len() < SILENT && self.is_on() {
                let from = Ipv4Addr::from_bits(0x7f00_0100 + (silent.len() / SILENT_OF_ADDRESS) as u32);
                let opened = connect_from(from.into(), address).and_then(|mut stream| {
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
        stand_back();
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

    /// Wrong passwords, each for another name and from another address: no client is told to wait for earlier attempts.
    fn log_in(&self, address: SocketAddr, number: usize) {
        stand_back();
        for count in 0.. {
            if !self.is_on() {
                break;
            }
            let body = format!("username=u{number}x{count}&password=wrong&access_level=full");
            let request = post("/api/v2/user/create_apikey", "connection: close", &body);
            let request = request.replace("application/json", "application/x-www-form-urlencoded");
            let from: IpAddr =
                Ipv4Addr::from_bits(0x7f10_0000 + number as u32 * 0x1_0000 + count % 0xffff).into();
            let _ = connect_from(from, address).and_then(|mut stream| ask(&mut stream, &request));
            self.logins.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn present_junk(&self, address: SocketAddr) {
        stand_back();
        let request = verify("kw_1w9QcRqUVZEoVf8QCrHhgH6CPg15fJlJSAlkD5LBmhOt0X4RM3");
        while self.is_on() {
            let Ok(mut stream) = connect(address) else { continue };
            while self.is_on() && ask(&mut stream, &request).is_ok() {
                self.junk.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A connection from an address of this machine's own.
fn connect_from(from: IpAddr, to: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    socket.connect(&to.into())?;
    settled(socket.into())
}

/// Yields the processor to all other threads, as if this thread were on another machine.
fn stand_back() {
    rustix::process::setpriority_process(None, 19).unwrap();
}

/// Good requests while `besiege` goes on, after a pause in which it gets going.
fn under(
    when: &str,
    server: &Server,
    length: Duration,
    besiege: impl for<'scope> FnOnce(&'scope Siege, &'scope Scope<'scope, '_>, SocketAddr),
) -> Siege {
    let siege = Siege::default();
    std::thread::scope(|scope| {
        besiege(&siege, scope, server.address);
        sleep(Duration::from_secs(5));
        Good::watch(server, length).print(when, server);
        siege.over.store(true, Ordering::Relaxed);
    });
    siege
}

fn main() {
    let seconds = std::env::var("KEYWARD_BENCH_SECONDS").map_or(20, |text| text.parse().unwrap());
    let length = Duration::from_secs(seconds);
    let only_guesses = std::env::var_os("KEYWARD_BENCH_GUESSES").is_some();
    let server = Server::start();
    Good::watch(&server, Duration::from_secs(1));
    Good::watch(&server, length).print("idle", &server);
    guesses::lay(&server, length);
    sleep(Duration::from_secs(2));
    Good::watch(&server, length).print("after", &server);
    if only_guesses {
        return;
    }
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    let siege =
        under("logins", &server, length, |siege, scope, address| siege.log_in_everywhere(scope, address));
    println!("         {} logins", count(&siege.logins));
    sleep(Duration::from_secs(2));
    Good::watch(&server, length).print("after", &server);
    let siege = under("besieged", &server, length, |siege, scope, address| siege.lay(scope, address));
    println!(
        "         {SILENT} silent connections ({} closed by the server and opened again), {SLOW} slow heads, {SLOW} slow bodies, {} logins, {} junk keys",
        count(&siege.reconnected),
        count(&siege.logins),
        count(&siege.junk),
    );
    sleep(Duration::from_secs(2));
    Good::watch(&server, length).print("after", &server);
}
