//! Verifying over HTTP, beside the least that its parts can do and beside what nginx and HAProxy do from a map of the
//! same keys: requests per CPU second of the server, in one interleaved run.
//!
//! `cargo bench --bench http`; `KEYWARD_BENCH_KEYS` sets how many keys there are (1,000,000), `KEYWARD_BENCH_ROUNDS`
//! the rounds (15), of one second for each way, and `KEYWARD_BENCH_DIR` names a directory to keep the keys in for the
//! next run. A word after `--` leaves out the ways without it in their names. Without nginx or HAProxy their ways are
//! left out.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, reads the clock, and panics to fail"
)]

mod floors;
mod keys;
mod load;
mod peers;
mod process;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::floors::Floor;
use self::keys::Keys;
use self::load::Request;
use self::peers::Peer;
use self::process::spread;

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TURN: Duration = Duration::from_secs(1);
/// Of the keys that there are, so many are used.
const USED: usize = 100_000;
/// Names the floor that this process is to be.
const ROLE: &str = "KEYWARD_BENCH_HTTP_ROLE";
/// What the others are compared with.
const BASELINE: &str = "warp route that echoes, same loop";

fn main() {
    if let Some(floor) = std::env::var(ROLE).ok().and_then(|name| Floor::named(&name)) {
        return floor.serve();
    }
    let number = |name, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let (count, rounds) = (number("KEYWARD_BENCH_KEYS", 1_000_000), number("KEYWARD_BENCH_ROUNDS", 15));
    let thrown_away = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("KEYWARD_BENCH_DIR").map(|dir| PathBuf::from(dir).join("http"));
    let keys = Keys::of(kept.as_deref().unwrap_or_else(|| thrown_away.path()), count);
    let peers = start(&keys, thrown_away.path());
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |way: &Way| {
        way.name == BASELINE || words.is_empty() || words.iter().any(|word| way.name.contains(word))
    };
    let mut ways: Vec<Way> = ways(&keys).into_iter().filter(|way| wanted(way)).collect();
    ways.retain(|way| peers.iter().any(|(server, _)| *server == way.server));
    let used = &keys.texts[..USED.min(keys.texts.len())];
    // The first round fills caches.
    for round in 0..=rounds {
        for way in &mut ways {
            let (_, peer) = peers.iter().find(|(server, _)| *server == way.server).unwrap();
            let turn = turn(peer, &way.request, used, &mut way.next);
            if round > 0 {
                way.turns.push(turn);
            }
        }
    }
    report(&keys, &ways);
}

/// One way to ask one server.
struct Way {
    name: &'static str,
    server: Server,
    request: Request,
    turns: Vec<Turn>,
    /// The key that is used next.
    next: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    Keyward,
    Floor(Floor),
    NginxReturn,
    NginxMap,
    HaproxyMap,
}

fn ways(keys: &Keys) -> Vec<Way> {
    let way = |name, server, request| Way { name, server, request, turns: Vec::new(), next: 0 };
    let auth = Request::get("/auth/native?for=nginx&level=2");
    let body = (r#"{"keyspace":"native","address":"127.0.0.1","level":2,"key":""#, r#""}"#);
    let verify = Request::post("/v1/verify", body, keys.texts[0].len(), r#""valid":true"#);
    vec![
        way(BASELINE, Server::Floor(Floor::Echo), Request::get("/echo")),
        way("keyward /auth/native", Server::Keyward, auth.clone()),
        way("keyward POST /v1/verify", Server::Keyward, verify),
        way("hyper alone", Server::Floor(Floor::Hyper), auth.clone()),
        way("nginx return 200", Server::NginxReturn, auth.clone()),
        way("nginx map", Server::NginxMap, auth.clone()),
        way("HAProxy map_str", Server::HaproxyMap, auth),
    ]
}

/// Every server that can be had.
fn start(keys: &Keys, dir: &Path) -> Vec<(Server, Peer)> {
    let mut peers = vec![(Server::Keyward, peers::keyward(keys))];
    peers.extend([Floor::Echo, Floor::Hyper].map(|floor| (Server::Floor(floor), peers::floor(floor, ROLE))));
    match process::program("nginx") {
        Some(nginx) => peers.extend([
            (Server::NginxReturn, peers::nginx_return(&nginx, &dir.join("nginx-return"))),
            (Server::NginxMap, peers::nginx_map(&nginx, &dir.join("nginx-map"), keys)),
        ]),
        None => println!("left out: there is no nginx on this machine"),
    }
    match process::program("haproxy") {
        Some(haproxy) => {
            peers.push((Server::HaproxyMap, peers::haproxy_map(&haproxy, &dir.join("haproxy"), keys)));
        }
        None => println!("left out: there is no HAProxy on this machine"),
    }
    peers
}

/// What came of one turn of one way.
#[derive(Clone, Copy)]
struct Turn {
    /// Requests a second.
    rate: f64,
    /// Requests a CPU second of the server.
    each: f64,
}

fn turn(peer: &Peer, request: &Request, keys: &[String], next: &mut usize) -> Turn {
    let (before, start) = (peer.process.cpu_seconds(), Instant::now());
    let requests = load::run(peer.address, request, keys, *next, TURN);
    let (cpu, took) = (peer.process.cpu_seconds() - before, start.elapsed());
    *next += requests;
    let requests = requests as f64;
    Turn { rate: requests / took.as_secs_f64(), each: requests / cpu }
}

fn report(keys: &Keys, ways: &[Way]) {
    println!(
        "{} keys; the middle of all rounds, and of the ratios what leaves a quarter outside",
        keys.texts.len()
    );
    println!("{:<36} {:>8} {:>14} {:>30}", "", "req/s", "req a CPU-s", "to the first (range)");
    for way in ways {
        let ratios = way.turns.iter().zip(&ways[0].turns).map(|(own, first)| own.each / first.each);
        let (low, ratio, high) = spread(ratios.collect());
        let (_, each, _) = spread(way.turns.iter().map(|turn| turn.each).collect());
        let (_, rate, _) = spread(way.turns.iter().map(|turn| turn.rate).collect());
        let ratio = format!("{ratio:.2} ({low:.2} to {high:.2})");
        println!("{:<36} {rate:>8.0} {each:>14.0} {ratio:>30}", way.name);
    }
}
