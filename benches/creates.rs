//! Durable creates: rate, latency and data syncs at 1, 16 and 256 writers, beside plain unflushed sled inserts of
//! the same entries in the same run; once with this machine's syncs and once with 1 ms added to each, as a disk
//! would.
//!
//! `cargo bench --bench creates`; `KEYWARD_BENCH_SECONDS` sets the length of each measurement (3).

#![expect(
    clippy::disallowed_methods,
    clippy::host_endian_bytes,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, reads the clock, and panics to fail"
)]

#[path = "../tests/powercut/layer.rs"]
mod layer;
#[path = "../tests/skipped/said.rs"]
mod skipped;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::key::{Actor, Level, PepperRing, Role};
use keyward::store::sled::OpenOptions;
use keyward::store::{MemoryStore, Revision, SledStore, Store};

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WRITERS: [usize; 3] = [1, 16, 256];
/// Bytes that the store's envelope adds to a value: format, revision, checksum.
const ENVELOPE: usize = 1 + 8 + 8;

fn main() {
    if let Some(writers) = std::env::var("KEYWARD_BENCH_CREATES").ok().and_then(|text| text.parse().ok()) {
        return creates(writers);
    }
    let Some(layer) = layer::layer() else { return };
    let entries = entries();
    println!(
        "{:<28} {:>10} {:>8} {:>8} {:>14} {:>10} {:>8} {:>10}",
        "", "creates/s", "p50 ms", "p99 ms", "creates a sync", "inserts/s", "ratio", "1 thread/s"
    );
    for delay in [0, 1_000] {
        for writers in WRITERS {
            // What an earlier measurement left unwritten would make the next one's syncs wait.
            rustix::fs::sync();
            let measured = measure(layer, writers, delay);
            let floor = inserts(writers, &entries);
            let alone = inserts(1, &entries);
            println!(
                "{:<28} {:>10.0} {:>8.3} {:>8.3} {:>14.2} {:>10.0} {:>8.2} {:>10.0}",
                format!("{writers} writers, sync +{delay} us"),
                measured.rate,
                measured.p50,
                measured.p99,
                measured.creates / measured.syncs,
                floor,
                measured.rate / floor,
                alone,
            );
        }
    }
}

struct Measured {
    rate: f64,
    p50: f64,
    p99: f64,
    creates: f64,
    syncs: f64,
}

/// Runs `creates` in a process of its own, under the layer.
fn measure(layer: &Path, writers: usize, delay_us: u32) -> Measured {
    let count = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .env("KEYWARD_BENCH_CREATES", writers.to_string())
        .env("LD_PRELOAD", layer)
        .env("KEYWARD_SYNC_DELAY_US", delay_us.to_string())
        .env("KEYWARD_SYNC_COUNT", count.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
    let [rate, p50, p99, creates, syncs] = figures[..] else { panic!("{text} {output:?}") };
    Measured { rate, p50, p99, creates, syncs }
}

fn seconds() -> Duration {
    Duration::from_secs_f64(std::env::var("KEYWARD_BENCH_SECONDS").map_or(3.0, |text| text.parse().unwrap()))
}

fn syncs() -> u64 {
    let file = std::env::var_os("KEYWARD_SYNC_COUNT").unwrap();
    u64::from_ne_bytes(std::fs::read(file).unwrap()[..8].try_into().unwrap())
}

fn creates(writers: usize) {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = SledStore::open(dir.path(), OpenOptions::default()).unwrap();
    let engine = engine(store);
    let owner = engine
        .add_user(Actor::Operator, NewUser::person("flo".parse().unwrap(), Role::User, None))
        .unwrap()
        .id;
    let new = NewKey::new("filebin".parse().unwrap(), owner, Level::OWN);
    let stop = AtomicBool::new(false);
    let syncs_before = syncs();
    let start = Instant::now();
    let mut latencies: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|_| {
                scope.spawn(|| {
                    let mut latencies = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let start = Instant::now();
                        engine.create_key(Actor::Operator, new.clone()).unwrap();
                        latencies.push(start.elapsed());
                    }
                    latencies
                })
            })
            .collect();
        std::thread::sleep(seconds());
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let rate = latencies.len() as f64 / start.elapsed().as_secs_f64();
    let syncs = syncs() - syncs_before;
    latencies.sort();
    let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{rate} {} {} {} {syncs}", at(0.5), at(0.99), latencies.len());
}

/// Creates a second that plain inserts of the same entries, never flushed, would come to: one insert an entry,
/// from as many threads.
fn inserts(writers: usize, entries: &[Vec<(Vec<u8>, Vec<u8>)>]) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let database = sled::Config::new().path(dir.path()).flush_every_ms(None).open().unwrap();
    let stop = AtomicBool::new(false);
    let round = AtomicU64::new(0);
    let start = Instant::now();
    let done: usize = std::thread::scope(|scope| {
        let insert = || {
            let mut done = 0;
            loop {
                // Fresh places in every round, at the same depth of the tree.
                let salt = round.fetch_add(1, Ordering::Relaxed).to_be_bytes();
                for create in entries {
                    if stop.load(Ordering::Relaxed) {
                        return done;
                    }
                    for (key, value) in create {
                        let mut key = key.clone();
                        let end = key.len() - salt.len();
                        key[end..].iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
                        database.insert(key, value.as_slice()).unwrap();
                    }
                    done += 1;
                }
            }
        };
        let threads: Vec<_> = (0..writers).map(|_| scope.spawn(insert)).collect();
        std::thread::sleep(seconds());
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    done as f64 / start.elapsed().as_secs_f64()
}

/// What 10,000 creates write, without the counters that a group of creates shares.
fn entries() -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
    let store = std::sync::Arc::new(MemoryStore::new());
    let mut parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
    parts.store = store.clone();
    let engine = Engine::open(parts).unwrap();
    let owner = engine
        .add_user(Actor::Operator, NewUser::person("flo".parse().unwrap(), Role::User, None))
        .unwrap()
        .id;
    let new = NewKey::new("filebin".parse().unwrap(), owner, Level::OWN);
    let create = |_| {
        let before = store.revision();
        engine.create_key(Actor::Operator, new.clone()).unwrap();
        let change = store.changes(before, 1).unwrap().pop().unwrap();
        assert!(change.revision > Revision(0));
        let writes = change.writes.into_iter().filter(|(key, _)| !key.starts_with(b"m/"));
        writes.map(|(key, value)| (key, [value.unwrap(), vec![0; ENVELOPE]].concat())).collect()
    };
    (0..10_000).map(create).collect()
}

fn engine(store: SledStore) -> Engine {
    Engine::open(Parts::new(store, PepperRing::generate(&OsEntropy).unwrap())).unwrap()
}
