//! What keyward promises of its verify, in this process: its cost beside bare floors, the memory of the hot index,
//! and what a flood of junk does to a good key.
//!
//! `cargo bench --bench promises`; `KEYWARD_BENCH_KEYS` sets the numbers of keys (1,000,000; with a comma between
//! several). The keys come from a store that makes them up as they are read, so 10,000,000 take seconds. A name after
//! `--` runs only that part: memory, verify or flood.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a bench prints, reads the clock, and panics to fail"
)]

mod catalogue;
mod flood;
mod rounds;
mod texts;
mod verify;

use std::process::Command;
use std::time::{Duration, Instant};

use keyward::engine::Engine;
use keyward::key::Allowlist;

use self::catalogue::Catalogue;

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Names the process that only tells what a small engine takes.
const SMALL: &str = "KEYWARD_BENCH_PROMISES_SMALL";
/// More than are loaded at once: an engine that loads them has all of its threads.
const SMALL_KEYS: u64 = 2_000;

fn main() {
    if std::env::var_os(SMALL).is_some() {
        let (taken, engine, _) = open(SMALL_KEYS);
        println!("{taken}");
        return engine.stop().unwrap();
    }
    let asked: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    if let Some(keys) = std::env::var("KEYWARD_BENCH_PROMISES").ok().and_then(|text| text.parse().ok()) {
        return promises(keys, &asked);
    }
    let counts = std::env::var("KEYWARD_BENCH_KEYS").unwrap_or_else(|_| "1000000".to_owned());
    println!("{} processors", std::thread::available_parallelism().unwrap());
    for keys in counts.split(',') {
        // A process of its own, so that memory is counted from the same beginning.
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.args(&asked).env("KEYWARD_BENCH_PROMISES", keys).status().unwrap();
        assert!(child.success());
    }
}

/// An engine over so many keys, the memory that it takes, in bytes, and how long it took to load them.
fn open(keys: u64) -> (u64, Engine, Duration) {
    let (store, peppers) = Catalogue::new(keys, Allowlist::Anyone);
    let (before, start) = (resident(), Instant::now());
    let engine = catalogue::open(store, peppers);
    let took = start.elapsed();
    (resident() - before, engine, took)
}

fn promises(keys: u64, asked: &[String]) {
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let (taken, engine, took) = open(keys);
    if wanted("memory") {
        let small = Command::new(std::env::current_exe().unwrap()).env(SMALL, "1").output().unwrap();
        let small: u64 = String::from_utf8(small.stdout).unwrap().trim().parse().unwrap();
        let each = taken.saturating_sub(small) as f64 / (keys - SMALL_KEYS) as f64;
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        println!("\nthe hot index of {keys} keys of 1,000 users");
        println!("  resident                     {each:>8.1} bytes a key");
        println!("    in all, with the engine    {:>8.1} MB", megabytes(taken));
        println!("    the same of {SMALL_KEYS} keys      {:>8.1} MB", megabytes(small));
        println!("  filled from made-up records  {:>8.2} s", took.as_secs_f64());
    }
    if wanted("verify") {
        verify::run(&engine, keys);
    }
    if wanted("flood") {
        flood::run(&engine, keys);
    }
    engine.stop().unwrap();
}

/// Memory that this process has in use, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
