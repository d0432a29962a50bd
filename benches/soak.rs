//! Half an hour of everything at half of the most the server does: does memory grow, does anything fail, what does the
//! disk take?
//!
//! ```sh
//! cargo bench --bench soak
//! ```
//!
//! `KEYWARD_BENCH_SECONDS` sets how long. The first twelve minutes are warm-up: until then the store's cache holds pages of
//! the import, which take less memory for their size than those that come in their place.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench that cannot go on fails"
)]

#[path = "siege/server.rs"]
mod server;

use std::io::{BufReader, BufWriter, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use server::{Server, ask, connect, field, post, verify};

/// Connections, each of which asks one thing after the other.
const CLIENTS: usize = 16;
/// Keys that each client has at once.
const KEYS: usize = 200;
/// Keys that there are before: enough to fill the store's cache, whose growth would look like a leak.
const IMPORTED: usize = 500_000;
/// How long the most is measured.
const FULL_SPEED: Duration = Duration::from_secs(20);
/// Lines of the report.
const PARTS: u32 = 10;

/// One key of a client's own.
struct Key {
    id: String,
    text: String,
}

/// A client: what it knows, and what it does next.
struct Client<'a> {
    server: &'a Server,
    stream: BufReader<TcpStream>,
    keys: Vec<Key>,
    turn: usize,
}

impl<'a> Client<'a> {
    fn new(server: &'a Server) -> Self {
        let stream = connect(server.address).unwrap();
        Self { server, stream, keys: Vec::with_capacity(KEYS), turn: 0 }
    }

    fn call(&mut self, method: &str, target: &str, body: &str) -> Option<String> {
        let own = format!("authorization: Bearer {}", self.server.key);
        let request = post(target, &own, body).replacen("POST", method, 1);
        let answer = ask(&mut self.stream, &request).ok()?;
        answer.starts_with("HTTP/1.1 2").then_some(answer)
    }

    /// The next thing, and whether its answer was right: of 400, one each makes a key in the place of one that it revokes
    /// or deletes, rotates or changes one, shows one, and lists some; 16 verify a junk key and all others a good one.
    fn step(&mut self) -> bool {
        self.turn += 1;
        match self.turn % 400 {
            0 => self.exchange("revoke"),
            200 => self.exchange("delete"),
            1 => self.rotate(),
            2 => self.on_one("PATCH", "", "{\"comment\":\"soaked\"}"),
            3 => self.on_one("GET", "", ""),
            4 => self.call("GET", "/v1/keys?limit=20", "").is_some(),
            5..=20 => self.verify("kw_1w9QcRqUVZEoVf8QCrHhgH6CPg15fJlJSAlkD5LBmhOt0X4RM3", "false"),
            _ => match self.keys.get(self.turn % KEYS).map(|key| key.text.clone()) {
                Some(text) => self.verify(&text, "true"),
                None => self.create(),
            },
        }
    }

    fn verify(&mut self, text: &str, valid: &str) -> bool {
        let expected = format!("\"valid\":{valid}");
        ask(&mut self.stream, &verify(text)).is_ok_and(|answer| answer.contains(&expected))
    }

    fn create(&mut self) -> bool {
        let made = self.call("POST", "/v1/keys", "{\"keyspace\":\"native\",\"owner\":\"flo\",\"level\":1}");
        let key = made.and_then(|made| Some(Key { id: field(&made, "id")?, text: field(&made, "text")? }));
        let created = key.is_some();
        self.keys.extend(key);
        created
    }

    /// Ends the oldest key and makes a new one: as many stay.
    fn exchange(&mut self, end: &str) -> bool {
        if self.keys.len() < KEYS {
            return self.create();
        }
        let key = self.keys.remove(0);
        let path = format!("/v1/keys/{}", key.id);
        let ended = match end {
            "revoke" => self.call("POST", &format!("{path}/revoke"), "{}"),
            _ => self.call("DELETE", &path, ""),
        };
        ended.is_some() && self.verify(&key.text, "false") && self.create()
    }

    fn rotate(&mut self) -> bool {
        let Some(key) = self.keys.first() else { return self.create() };
        let rotated = self.call("POST", &format!("/v1/keys/{}/rotate", key.id), "{}");
        let Some(text) = rotated.and_then(|rotated| field(&rotated, "text")) else { return false };
        self.keys.first_mut().unwrap().text = text;
        true
    }

    fn on_one(&mut self, method: &str, rest: &str, body: &str) -> bool {
        let Some(key) = self.keys.last() else { return self.create() };
        let target = format!("/v1/keys/{}{rest}", key.id);
        self.call(method, &target, body).is_some()
    }
}

/// What came of a load.
struct Load {
    over: AtomicBool,
    done: AtomicU64,
    failed: AtomicU64,
    times: Mutex<Histogram<u64>>,
}

impl Load {
    fn new() -> Self {
        let times = Mutex::new(Histogram::new(3).unwrap());
        Self { over: AtomicBool::new(false), done: AtomicU64::new(0), failed: AtomicU64::new(0), times }
    }

    /// Steps, each due `pace` after the one before; late ones are not left out.
    fn drive(&self, mut client: Client<'_>, pace: Duration) {
        let mut due = Instant::now();
        while !self.over.load(Ordering::Relaxed) {
            sleep(due.saturating_duration_since(Instant::now()));
            let right = client.step();
            let micros = u64::try_from(due.elapsed().as_micros()).unwrap();
            self.times.lock().unwrap().record(micros.max(1)).unwrap();
            self.done.fetch_add(1, Ordering::Relaxed);
            self.failed.fetch_add(u64::from(!right), Ordering::Relaxed);
            due = if pace.is_zero() { Instant::now() } else { due + pace };
        }
    }

    fn under<T>(server: &Server, pace: Duration, watch: impl FnOnce(&Self) -> T) -> T {
        let load = Self::new();
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| load.drive(Client::new(server), pace));
            }
            let seen = watch(&load);
            load.over.store(true, Ordering::Relaxed);
            seen
        })
    }

    /// One line about so long.
    fn report(&self, server: &Server, begun: Instant, length: Duration) {
        self.times.lock().unwrap().reset();
        let (done, failed) = (self.done.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        sleep(length);
        let times = self.times.lock().unwrap();
        let ms = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        println!(
            "{:>5} s  {:>8} done, {} failed; p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms; memory {} kB, disk {} kB",
            begun.elapsed().as_secs(),
            self.done.load(Ordering::Relaxed) - done,
            self.failed.load(Ordering::Relaxed) - failed,
            ms(0.5),
            ms(0.99),
            ms(0.999),
            server.memory(),
            server.disk() / 1_024,
        );
    }
}

impl Server {
    /// Takes over so many keys of another system.
    fn import(&self, count: usize) {
        let mut import = Command::new(env!("CARGO_BIN_EXE_keyward"));
        import.env_clear().env("KEYWARD_DATA", self.data()).args(["key", "import", "-"]);
        let mut import = import.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufWriter::new(import.stdin.take().unwrap());
        for number in 0..count {
            let digest = blake3::hash(&number.to_le_bytes());
            writeln!(lines, "{{\"hash\":\"{digest}\",\"algorithm\":\"sha256\",\"owner\":\"flo\"}}").unwrap();
        }
        drop(lines);
        assert!(import.wait().unwrap().success());
    }
}

fn main() {
    let seconds = std::env::var("KEYWARD_BENCH_SECONDS").map_or(1_800, |text| text.parse().unwrap());
    let server = Server::start();
    server.import(IMPORTED);
    let most = Load::under(&server, Duration::ZERO, |load| {
        sleep(FULL_SPEED / 4);
        let before = load.done.load(Ordering::Relaxed);
        sleep(FULL_SPEED);
        (load.done.load(Ordering::Relaxed) - before) as f64 / FULL_SPEED.as_secs_f64()
    });
    let pace = Duration::from_secs_f64(2.0 * CLIENTS as f64 / most);
    println!("at most {most:.0} a second; from here on half of it, by {CLIENTS} clients");
    let begun = Instant::now();
    Load::under(&server, pace, |load| {
        for _ in 0..PARTS {
            load.report(&server, begun, Duration::from_secs(seconds) / PARTS);
        }
    });
}
