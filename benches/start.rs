//! A start over a real store: how long until verify answers, and until the hot index has every key; and whether
//! every answer meanwhile is right.
//!
//! `cargo bench --bench start` fills a throw-away store first. `KEYWARD_BENCH_KEYS` sets how many keys (200,000);
//! `KEYWARD_BENCH_DIR` names a directory to fill and keep: the next run uses what is there, and only adds what is
//! missing.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, reads the clock, and panics to fail"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keyward::config::SecretFile;
use keyward::engine::{Engine, IndexState, NewKey, NewUser, Parts};
use keyward::entropy::{Entropy as _, OsEntropy};
use keyward::key::{Actor, AuditHead, KeyFormat, KeyId, Keyspace, Level, Role, UserId};
use keyward::store::codec::Record as _;
use keyward::store::{Revision, SledStore, Store, schema};
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WRITERS: usize = 256;
/// Of so many keys the text of one is kept beside the store.
const KEYS_A_SAMPLE: u64 = 1_000;
const ROUNDS: usize = 3;

fn main() {
    if let Some(dir) = std::env::var_os("KEYWARD_BENCH_START") {
        return child(Path::new(&dir));
    }
    let keys = std::env::var("KEYWARD_BENCH_KEYS").map_or(200_000, |text| text.parse().unwrap());
    let kept = std::env::var_os("KEYWARD_BENCH_DIR").map(PathBuf::from);
    let thrown_away = tempfile::tempdir().unwrap();
    let dir = kept.unwrap_or_else(|| thrown_away.path().to_owned());
    fs::create_dir_all(&dir).unwrap();
    fill(&dir, keys);
    if std::env::var_os("KEYWARD_BENCH_FILL_ONLY").is_none() {
        measure(&dir, keys);
    }
}

fn parts(dir: &Path) -> Parts {
    let data = dir.join("data");
    let (store, _) = SledStore::open(&data, Default::default()).unwrap();
    let secret = SecretFile::at(data.join("secret"));
    let peppers = secret.read_or_create(store.revision() == Revision(0), &OsEntropy).unwrap();
    Parts::new(store, peppers)
}

/// Creates what is missing of `keys` keys, as a server would.
fn fill(dir: &Path, keys: u64) {
    let parts = parts(dir);
    // Every create has one event, and so has the user.
    let head = parts.store.get(schema::AUDIT_HEAD).unwrap();
    let events = head.map_or(0, |head| AuditHead::from_entry(&head).unwrap().sequence);
    let there = events.saturating_sub(1);
    let engine = Engine::open(parts).unwrap();
    let owner = if events == 0 {
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        engine.add_user(Actor::Operator, flo).unwrap().id
    } else {
        UserId(1)
    };
    let mut samples = OpenOptions::new();
    let samples = samples.create(true).append(true).open(dir.join("samples")).unwrap();
    if there < keys {
        println!("creating {} keys in {}", keys - there, dir.display());
        create(&engine, owner, there, keys, &Mutex::new(samples));
    }
    engine.stop().unwrap();
}

fn create(engine: &Engine, owner: UserId, there: u64, keys: u64, samples: &Mutex<File>) {
    let (next, start) = (AtomicU64::new(there), Instant::now());
    let new = NewKey::new(*Keyspace::NATIVE.name(), owner, Level::OWN);
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= keys {
                        return;
                    }
                    let (_, text) = engine.create_key(Actor::Operator, new.clone()).unwrap();
                    if number % KEYS_A_SAMPLE == 0 {
                        writeln!(samples.lock().unwrap(), "{}", *text.reveal()).unwrap();
                    }
                    if number % 100_000 == 0 {
                        println!("{number} keys, {:.0} s", start.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
    let took = start.elapsed().as_secs_f64();
    println!("{} durable creates in {took:.0} s, {:.0} a second", keys - there, (keys - there) as f64 / took);
}

/// What one start came to, in seconds after the process was started.
struct Start {
    /// Verify answers.
    answering: f64,
    /// The hot index has every key.
    ready: f64,
    /// Verdicts before that, all right.
    verdicts: u64,
    /// Memory of the whole process then, in bytes.
    resident: u64,
}

fn measure(dir: &Path, keys: u64) {
    let files = files(&dir.join("data"));
    println!("{keys} keys, {:.2} GB of files", files as f64 / 1e9);
    println!(
        "{:<24} {:>12} {:>10} {:>18} {:>14}",
        "", "answering s", "ready s", "verdicts meanwhile", "resident B/key"
    );
    let mut ready = Vec::new();
    for round in 0..ROUNDS {
        read(&dir.join("data"));
        let start = start(dir);
        println!(
            "{:<24} {:>12.2} {:>10.2} {:>18} {:>14.1}",
            format!("start {}", round + 1),
            start.answering,
            start.ready,
            start.verdicts,
            start.resident as f64 / keys as f64,
        );
        ready.push(start.ready);
    }
    // The least that any start has to do: reading the files once.
    let begun = Instant::now();
    read(&dir.join("data"));
    let floor = begun.elapsed().as_secs_f64();
    ready.sort_by(f64::total_cmp);
    let middle = ready[ROUNDS / 2];
    println!("reading the files alone: {floor:.2} s; a start takes {:.1} times that", middle / floor);
}

/// Starts a process over the store and waits until its index is ready.
fn start(dir: &Path) -> Start {
    let begun = Instant::now();
    let mut child = Command::new(std::env::current_exe().unwrap());
    let mut child = child.env("KEYWARD_BENCH_START", dir).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "answering");
    let answering = begun.elapsed().as_secs_f64();
    let line = lines.next().unwrap().unwrap();
    let ready = begun.elapsed().as_secs_f64();
    let figures: Vec<u64> = line.split(' ').map(|figure| figure.parse().unwrap()).collect();
    assert!(child.wait().unwrap().success());
    Start { answering, ready, verdicts: figures[0], resident: figures[1] }
}

/// Verifies keys that are there and keys that are not, without pause, until the index is ready and a little longer.
fn child(dir: &Path) {
    let samples: Vec<String> =
        fs::read_to_string(dir.join("samples")).unwrap().lines().map(str::to_owned).collect();
    let engine = Engine::open(parts(dir)).unwrap();
    let verifier = Verifier::new(engine.reader());
    let ask = |text: &str| verifier.verify(&VerifyRequest::new(&Keyspace::NATIVE, text)).unwrap();
    let check = |text: &str| {
        assert!(matches!(ask(text), Verdict::Allow(_)), "a key that is there is allowed");
        assert_eq!(ask(&unknown()), Verdict::Deny(DenyReason::Unknown), "a key that is not there is denied");
    };
    check(&samples[0]);
    println!("answering");
    let mut verdicts = 2;
    let mut texts = samples.iter().cycle();
    while engine.index_state() != IndexState::Ready {
        check(texts.next().unwrap());
        verdicts += 2;
    }
    println!("{verdicts} {}", resident());
    samples.iter().for_each(|text| check(text));
    std::thread::sleep(Duration::from_millis(1));
    engine.stop().unwrap();
}

/// A key of the right form that was never issued.
fn unknown() -> String {
    let mut id = [0; 16];
    OsEntropy.fill(&mut id).unwrap();
    let (text, _) = KeyFormat::Native.issue(KeyId::from_bytes(id), &OsEntropy).unwrap();
    text.reveal().to_string()
}

/// Memory that this process has in use, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Bytes of all files below `dir`.
fn files(dir: &Path) -> u64 {
    each_file(dir, &|path| fs::metadata(path).unwrap().len())
}

/// Reads all files below `dir`, so that they are in the page cache.
fn read(dir: &Path) -> u64 {
    each_file(dir, &|path| std::io::copy(&mut File::open(path).unwrap(), &mut std::io::sink()).unwrap())
}

fn each_file(dir: &Path, of: &dyn Fn(&Path) -> u64) -> u64 {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let sizes = entries.map(|entry| match entry.file_type().unwrap() {
        kind if kind.is_dir() => each_file(&entry.path(), of),
        kind if kind.is_file() => of(&entry.path()),
        _ => 0,
    });
    sizes.sum()
}
