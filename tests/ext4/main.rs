//! Power cuts as ext4 sees them: the writers of `tests/crash/` work on a file system of their own, on a loop device.
//!
//! At some moment they are stopped and the file behind the device is copied: the copy has what the file system gave to the
//! device, and nothing of what was in memory only. It is mounted, ext4 replays its journal, and everything that was
//! answered must be there. Unlike `tests/powercut/` nothing here has to know which call makes what durable.
//! The kernel is what it is: writes that the device was given and not yet told to flush are in the copy, too.
//!
//! `KEYWARD_EXT4_ROUNDS` sets how many rounds each test runs; `--nocapture` shows their figures. Each round is two
//! cuts: of a new store, and of what the first cut left. Without root, loop devices or `mkfs.ext4` nothing is tested.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod device;
#[path = "../directory/copy.rs"]
mod directory;
#[path = "../crash/history.rs"]
mod history;
#[path = "../powercut/layer.rs"]
mod layer;
#[path = "../crash/oracle.rs"]
mod oracle;
#[path = "../skipped/said.rs"]
mod skipped;
#[path = "../crash/writer.rs"]
mod writer;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use device::Device;
use directory::copy_tree;
use history::{History, Kill};
use oracle::{Figures, Oracle};

const GENERATIONS: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syncs {
    AsShipped,
    /// Without keyward's `sync_file_range`, unnoticed by the store's self-check.
    NoOverride,
    /// With every `fsync` and `fdatasync` doing nothing.
    None,
}

#[test]
fn no_cut_of_a_real_file_system_takes_what_was_answered_or_seen() {
    assert_ne!(device::in_namespace("as_shipped"), Some(false));
}

#[test]
fn without_our_syncs_the_same_cuts_do() {
    if layer::layer().is_some() {
        assert_ne!(device::in_namespace("without_syncs"), Some(false));
    }
}

/// Not a test of its own: what runs where its mounts are its own.
#[test]
fn as_shipped() {
    let faults = rounds(1, Syncs::AsShipped);
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Not a test of its own, as the one above.
#[test]
fn without_syncs() {
    for syncs in [Syncs::NoOverride, Syncs::None] {
        let faults = rounds(2, syncs);
        assert!(
            !is_inside() || !faults.is_empty(),
            "{syncs:?}: nothing was lost, so a loss would not be noticed"
        );
    }
}

fn is_inside() -> bool {
    std::env::var_os("KEYWARD_EXT4_INSIDE").is_some()
}

/// Runs rounds and says what each lost; none outside of a namespace.
fn rounds(default: u64, syncs: Syncs) -> Vec<String> {
    if !is_inside() {
        return Vec::new();
    }
    let rounds = std::env::var("KEYWARD_EXT4_ROUNDS").map_or(default, |text| text.parse().unwrap());
    let mut all = Figures::default();
    let mut faults = Vec::new();
    for seed in 0..rounds {
        let (figures, outcome) = round(seed, syncs);
        all.add(figures);
        faults.extend(outcome.err().map(|why| format!("round {seed}: {why}")));
    }
    println!("{syncs:?}: {rounds} rounds, {} of them with a loss: {all:?}", faults.len());
    faults.iter().for_each(|fault| println!("  {fault}"));
    faults
}

fn round(seed: u64, syncs: Syncs) -> (Figures, Result<(), String>) {
    let mut oracle = Oracle::default();
    let mut random = StdRng::seed_from_u64(seed);
    let scratch = tempfile::tempdir().unwrap();
    let mut image = scratch.path().join("image.0");
    device::make(&image);
    let outcome = (1..=GENERATIONS).try_for_each(|generation| {
        let kill = match random.random_range(0..4) {
            0 => Kill::Opening(random.random_range(0..5_000)),
            1 => Kill::AfterSights(random.random_range(1..200)),
            _ => Kill::AfterAnswers(random.random_range(1..300)),
        };
        let cut = scratch.path().join(format!("image.{generation}"));
        let worked = {
            let device = Device::mount(&image, &scratch.path().join(format!("work.{generation}")));
            let child = child(&device.root, random.random(), syncs).spawn().unwrap();
            History::of(child, &device.root, kill, |child| {
                let pid = Pid::from_child(child);
                kill_process(pid, Signal::STOP).unwrap();
                waitpid(Some(pid), WaitOptions::UNTRACED).unwrap();
                device.copy(&cut);
                child.kill().unwrap();
            })?
        };
        image = cut;
        let device = Device::mount(&image, &scratch.path().join(format!("cut.{generation}")));
        // A copy is checked, so that the next child starts from what the cut left.
        let copy = tempfile::tempdir().unwrap();
        copy_tree(&device.root, copy.path());
        oracle.check(copy.path(), &worked).map_err(|why| format!("{kill:?}, generation {generation}: {why}"))
    });
    (oracle.figures, outcome)
}

fn child(root: &Path, seed: u64, syncs: Syncs) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["writers", "--exact", "--nocapture"]).stdout(Stdio::piped());
    command.env("KEYWARD_EXT4_ROOT", root).env("KEYWARD_EXT4_SEED", seed.to_string());
    match syncs {
        Syncs::AsShipped => {}
        Syncs::NoOverride => {
            command.env("LD_PRELOAD", layer::layer().unwrap()).env("KEYWARD_TEST_NO_OVERRIDE", "hidden");
        }
        Syncs::None => {
            command.env("LD_PRELOAD", layer::layer().unwrap()).env("KEYWARD_TEST_NO_SYNC", "1");
        }
    }
    command
}

/// Not a test of its own: what the killed process does.
#[test]
fn writers() {
    let Some(root) = std::env::var_os("KEYWARD_EXT4_ROOT") else { return };
    let seed = std::env::var("KEYWARD_EXT4_SEED").unwrap().parse().unwrap();
    writer::run(&PathBuf::from(root), seed).unwrap();
}
