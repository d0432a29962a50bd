//! Kills: a child changes users and keys from several threads until it is killed, by a signal or by a power cut.
//!
//! Afterwards every answered operation must be there whole, those in flight whole or absent, nothing else, and
//! nothing that a reader had seen may be gone. Each round is several generations on one directory; some of the
//! children are killed while they open it.
//!
//! `KEYWARD_CRASH_ROUNDS` sets how many rounds each test runs; `--nocapture` shows their figures.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "../powercut/disk.rs"]
mod disk;
mod history;
#[path = "../powercut/layer.rs"]
mod layer;
mod oracle;
#[path = "../skipped/said.rs"]
mod skipped;
mod writer;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use disk::Disk;
use history::{History, Kill};
use oracle::{Figures, Oracle};

const GENERATIONS: u32 = 4;
/// How long a sync takes at least in a child whose power is cut, so that the cut often falls into one.
const SYNC_MICROSECONDS: &str = "300";

#[test]
fn no_kill_takes_what_was_answered() {
    rounds(8, |seed| round(seed, None));
}

#[test]
fn no_power_cut_takes_what_was_answered_or_seen() {
    let Some(layer) = layer::layer() else { return };
    rounds(6, |seed| round(seed, Some(layer)));
}

fn rounds(default: u64, round: impl Fn(u64) -> (Figures, Result<(), String>)) {
    let rounds = std::env::var("KEYWARD_CRASH_ROUNDS").map_or(default, |text| text.parse().unwrap());
    let mut all = Figures::default();
    let mut faults = Vec::new();
    for seed in 0..rounds {
        let (figures, outcome) = round(seed);
        all.add(figures);
        faults.extend(outcome.err().map(|why| format!("round {seed}: {why}")));
    }
    let of = |kind: &str| faults.iter().filter(|fault| fault.contains(kind)).count();
    println!(
        "{rounds} rounds, {} lost, {} half, {} wrong: {all:?}",
        of("lost: "),
        of("half: "),
        of("wrong: ")
    );
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Under the `layer` each kill is a power cut.
fn round(seed: u64, layer: Option<&Path>) -> (Figures, Result<(), String>) {
    let mut oracle = Oracle::default();
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path().canonicalize().unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    let mut root = scratch.join("0");
    fs::create_dir(&root).unwrap();
    let outcome = (1..=GENERATIONS).try_for_each(|generation| {
        let kill = match random.random_range(0..4) {
            0 => Kill::Opening(random.random_range(0..5_000)),
            1 => Kill::AfterSights(random.random_range(1..200)),
            _ => Kill::AfterAnswers(random.random_range(1..500)),
        };
        let mut child = child(&root, random.random());
        let journal = scratch.join(format!("journal.{generation}"));
        let before = layer.map(|layer| {
            child
                .env("LD_PRELOAD", layer)
                .env("KEYWARD_JOURNAL", &journal)
                .env("KEYWARD_JOURNAL_ROOT", &root);
            child.env("KEYWARD_SYNC_DELAY_US", SYNC_MICROSECONDS);
            Disk::load(&root)
        });
        let history = History::of(child.spawn().unwrap(), &root, kill, |child| child.kill().unwrap())?;
        if let Some(mut disk) = before {
            disk.replay(&fs::read(&journal).unwrap());
            root = scratch.join(generation.to_string());
            disk.cut([0, 30, 70][seed as usize % 3], random.random(), &root);
        }
        // A copy is checked, so that the next child starts from what the kill left.
        let copy = tempfile::tempdir().unwrap();
        Disk::load(&root).cut(0, 0, copy.path());
        oracle.check(copy.path(), &history).map_err(|why| format!("{kill:?}, generation {generation}: {why}"))
    });
    (oracle.figures, outcome)
}

fn child(root: &Path, seed: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["writers", "--exact", "--nocapture"]).stdout(Stdio::piped());
    command.env("KEYWARD_CRASH_ROOT", root).env("KEYWARD_CRASH_SEED", seed.to_string());
    command
}

/// Not a test of its own: what the killed process does.
#[test]
fn writers() {
    let Some(root) = std::env::var_os("KEYWARD_CRASH_ROOT") else { return };
    let seed = std::env::var("KEYWARD_CRASH_SEED").unwrap().parse().unwrap();
    writer::run(&PathBuf::from(root), seed).unwrap();
}
