//! nginx that asks keyward about every request, beside the same nginx that does not: requests per CPU second, in one
//! interleaved run over `examples/nginx.conf`.
//!
//! `cargo bench --bench nginx`; `KEYWARD_BENCH_ROUNDS` sets the rounds (15), of one second for each way. Needs nginx
//! and wrk.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and panics to fail")]

#[path = "http/process.rs"]
mod process;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use self::process::{Process, free_address, program, spread};

/// Bytes that the API answers with.
const ANSWER: usize = 1_024;
/// Of the load.
const CONNECTIONS: &str = "-c64";
const SECONDS: &str = "-d1s";

/// How nginx is set up.
const WAYS: [&str; 5] = [
    "without auth_request",
    "auth_request over TCP",
    "auth_request over a unix socket",
    // The least that any server can cost it, over each.
    "nginx return 200 over TCP",
    "nginx return 200 over a unix socket",
];

fn main() {
    let Some(program) = program("nginx") else {
        return println!("not run: there is no nginx on this machine");
    };
    if Command::new("wrk").arg("-v").output().is_err() {
        return println!("not run: there is no wrk on this machine");
    }
    let dir = tempfile::tempdir().unwrap();
    let keyward = Keyward::start(dir.path());
    let key = keyward.key(dir.path());
    let api_address = free_address();
    let api = nginx(&program, &dir.path().join("api"), api_address, &api(api_address));
    let floor_address = free_address();
    let floor_socket = format!("unix:{}", dir.path().join("floor.sock").display());
    let floor =
        format!("server {{ listen {floor_address}; listen {floor_socket}; access_log off; return 200; }}");
    let _floor = nginx(&program, &dir.path().join("floor"), floor_address, &floor);
    let fronts = WAYS.map(|way| {
        let address = free_address();
        let asked = match way {
            "auth_request over a unix socket" => format!("unix:{}", keyward.2),
            "nginx return 200 over TCP" => floor_address.to_string(),
            "nginx return 200 over a unix socket" => floor_socket.clone(),
            _ => keyward.1.clone(),
        };
        let config = front(way, address, &asked, api_address);
        (nginx(&program, &dir.path().join(way.replace(' ', "-")), address, &config), address)
    });
    let rounds = std::env::var("KEYWARD_BENCH_ROUNDS").map_or(15, |text| text.parse().unwrap());
    let mut measured: [Vec<Measured>; WAYS.len()] = Default::default();
    // The first round fills caches and opens connections.
    for round in 0..=rounds {
        for ((front, address), measured) in fronts.iter().zip(&mut measured) {
            let figures = measure(*address, &key, [front, &keyward.0, &api]);
            if round > 0 {
                measured.push(figures);
            }
        }
    }
    report(&measured);
}

/// Of one way in one round.
#[derive(Clone, Copy)]
struct Measured {
    requests: f64,
    /// Of nginx alone, and of nginx, keyward and the API.
    per_nginx_second: f64,
    per_second: f64,
}

fn measure(address: SocketAddr, key: &str, counted: [&Process; 3]) -> Measured {
    let before = counted.map(Process::cpu_seconds);
    let output = Command::new("wrk")
        .args(["-t1", CONNECTIONS, SECONDS, "-H", &format!("Authorization: Bearer {key}")])
        .arg(format!("http://{address}/things?of=mine"))
        .output()
        .unwrap();
    let after = counted.map(Process::cpu_seconds);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && !text.contains("Non-2xx") && !text.contains("Socket errors"),
        "{text}"
    );
    let line = text.lines().find(|line| line.contains("requests in")).unwrap();
    let requests: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
    let mut seconds = after.iter().zip(before).map(|(after, before)| after - before);
    let nginx = seconds.next().unwrap();
    Measured {
        requests,
        per_nginx_second: requests / nginx,
        per_second: requests / (nginx + seconds.sum::<f64>()),
    }
}

fn report(measured: &[Vec<Measured>; WAYS.len()]) {
    println!(
        "{:<32} {:>8} {:>14} {:>22} {:>14} {:>22}",
        "middle of all rounds",
        "req/s",
        "a nginx CPU-s",
        "of without (range)",
        "a CPU-s of all",
        "of without (range)"
    );
    let [without, ..] = measured;
    for (way, rounds) in WAYS.iter().zip(measured) {
        let column = |figure: fn(&Measured) -> f64| {
            let ratios = rounds.iter().zip(without).map(|(round, without)| figure(round) / figure(without));
            let (low, middle, high) = spread(ratios.collect());
            let (_, rate, _) = spread(rounds.iter().map(figure).collect());
            (rate, format!("{middle:.2} ({low:.2} to {high:.2})"))
        };
        let (nginx, nginx_ratio) = column(|round| round.per_nginx_second);
        let (all, all_ratio) = column(|round| round.per_second);
        let (_, requests, _) = spread(rounds.iter().map(|round| round.requests).collect());
        println!("{way:<32} {requests:>8.0} {nginx:>14.0} {nginx_ratio:>22} {all:>14.0} {all_ratio:>22}");
    }
}

/// One process of nginx that serves `config`, ready at `address`.
fn nginx(program: &Path, dir: &Path, address: SocketAddr, config: &str) -> Process {
    fs::create_dir(dir).unwrap();
    fs::write(dir.join("part.conf"), config).unwrap();
    // Logs as packages set it up.
    let main = "daemon off; master_process off; pid nginx.pid; error_log error.log;
        events { worker_connections 1024; }
        http {
            access_log access.log;
            client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
            keepalive_requests 1000000;
            include part.conf;
        }";
    fs::write(dir.join("main.conf"), main).unwrap();
    let mut command = Command::new(program);
    command.arg("-p").arg(dir).arg("-c").arg(dir.join("main.conf")).args(["-e", "error.log"]);
    Process::start(&mut command).listening(address)
}

/// The API: an answer of one size, at once.
fn api(address: SocketAddr) -> String {
    let answer = "x".repeat(ANSWER);
    format!("server {{ listen {address}; access_log off; location / {{ return 200 {answer}; }} }}")
}

/// The example, set up in one of the ways.
fn front(way: &str, address: SocketAddr, asked: &str, api: SocketAddr) -> String {
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/nginx.conf")).unwrap();
    let example = example
        .replace("127.0.0.1:8000", &address.to_string())
        .replace("127.0.0.1:8080", asked)
        .replace("127.0.0.1:9000", &api.to_string());
    if !way.starts_with("without") {
        return example;
    }
    // Refusals, the last part, are left out as well; what tells the API who asks is set to "", as the example wants it.
    let (example, _) = example.split_once("# auth_request knows").unwrap();
    let asks = |line: &&str| line.contains("auth_request") || line.contains("error_page");
    let lines = example.lines().filter(|line| !asks(line)).map(|line| match line.split_once(" $key_") {
        Some((field, _)) => format!("{field} \"\";"),
        None => line.to_owned(),
    });
    lines.chain(["}".to_owned()]).collect::<Vec<_>>().join("\n")
}

/// The server, its address, and its socket.
struct Keyward(Process, String, String);

impl Keyward {
    fn start(dir: &Path) -> Self {
        let socket = dir.join("http.sock").display().to_string();
        let mut command = Self::command(dir);
        command.args(["serve", "--listen", "127.0.0.1:0", "--listen", &format!("unix:{socket}")]);
        command.args(["--trust-proxy", "127.0.0.1", "--trust-proxy", "unix"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Process::start(&mut command);
        let mut line = String::new();
        BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Self(process, address, socket)
    }

    fn command(dir: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.arg("--data").arg(dir.join("data"));
        command
    }

    /// The text of a key that may read.
    fn key(&self, dir: &Path) -> String {
        let added = Self::command(dir).args(["user", "add", "flo", "--role", "user"]).output().unwrap();
        assert!(added.status.success(), "{added:?}");
        let create = ["key", "create", "--owner", "flo", "--level", "2"];
        let created = Self::command(dir).args(create).output().unwrap();
        let text = String::from_utf8(created.stdout).unwrap();
        text.split_whitespace().find(|word| word.starts_with("kw_")).unwrap().to_owned()
    }
}
