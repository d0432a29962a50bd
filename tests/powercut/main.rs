//! Power cuts: a child commits under `layer.c`, is killed, and the disk is rebuilt as a power cut would leave it.
//!
//! Afterwards every acknowledged batch must be there whole, the one in flight whole or absent, and nothing else.
//! The n-th commit of a workload is always the same batch, so the whole content follows from the revision.
//!
//! `KEYWARD_POWERCUT_ROUNDS` sets how many rounds each test runs; `--nocapture` shows their figures. Each round is
//! two cuts: of a new store, and of the store that the first cut left. Without a C compiler nothing is tested.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod disk;
mod layer;
#[path = "../skipped/said.rs"]
mod skipped;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use keyward::store::sled::OpenOptions;
use keyward::store::{Batch, SledStore, Store, StoreError};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use disk::Disk;
use layer::layer;

#[derive(Clone, Copy, Debug)]
enum Workload {
    /// 6 entries of about 150 bytes.
    Small,
    /// 3 MB, more than a segment of sled's log.
    Large,
}

impl Workload {
    const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// The n-th batch: it writes new entries, writes over some and removes some.
    fn batch(self, n: u64) -> Batch {
        let (entries, size, places) = match self {
            Self::Small => (6, 150, 150),
            Self::Large => (256, 12_000, 700),
        };
        let mut random = StdRng::seed_from_u64(n);
        let mut batch = Batch::default();
        for i in 0..entries {
            let place = [b"k/", &((n * entries + i) * 7 % places).to_be_bytes()[..]].concat();
            let mut value = vec![0; size];
            random.fill(&mut value[..]);
            if random.random_range(0..8) == 0 { batch.delete(place) } else { batch.put(place, value) }
        }
        batch
    }

    /// Most commits before the child is killed.
    fn commits_max(self) -> u64 {
        match self {
            Self::Small => 120,
            Self::Large => 5,
        }
    }
}

#[test]
fn no_power_cut_takes_what_was_acknowledged() {
    let outcomes = rounds(6, Override::InForce);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[test]
fn without_our_sync_file_range_power_cuts_take_acknowledged_data() {
    let outcomes = rounds(3, Override::Hidden);
    assert!(outcomes.is_empty() || outcomes.iter().any(Result::is_err), "the layer would not notice a loss");
}

#[test]
fn a_process_that_cannot_sync_is_refused() {
    let Some(layer) = layer() else { return };
    let root = tempfile::tempdir().unwrap();
    let mut child = start(layer, root.path(), &root.path().join("journal"), Workload::Small, Override::Gone);
    let said: Vec<String> =
        BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    child.wait().unwrap();
    assert!(said.iter().any(|line| line.ends_with("not durable")), "{said:?}");
}

/// The layer kills the child at each of its first syncs, so while it creates, copies, checks and begins to commit.
#[test]
fn a_power_cut_during_an_open_takes_nothing() {
    let Some(layer) = layer() else { return };
    for seed in 1..=24 {
        let scratch = tempfile::tempdir().unwrap();
        let scratch = scratch.path().canonicalize().unwrap();
        let mut root = scratch.join("0");
        fs::create_dir(&root).unwrap();
        let (mut acknowledged, mut intended) = (0, 0);
        // A new store, and then again and again what the cut before has left of it.
        for (generation, kill_at) in [(1, seed), (2, 100), (3, seed), (4, seed * 7 % 24 + 1)] {
            let journal = scratch.join(format!("journal.{generation}"));
            let mut disk = Disk::load(&root);
            let mut command = preloaded(layer, &root, &journal, Workload::Small);
            let child = command.env("KEYWARD_KILL_AT_SYNC", kill_at.to_string()).spawn().unwrap();
            let (last, begun) = follow(child, || false);
            (acknowledged, intended) = (acknowledged.max(last), intended.max(begun));
            disk.replay(&fs::read(&journal).unwrap());
            root = scratch.join(generation.to_string());
            disk.cut([0, 30, 70][seed as usize % 3], seed, &root);
            let held = check(&root, Workload::Small, acknowledged, intended);
            assert_eq!(held, Ok(()), "seed {seed}, generation {generation}, killed at sync {kill_at}");
        }
    }
}

#[test]
fn a_commit_costs_at_most_three_syncs() {
    let Some(layer) = layer() else { return };
    let root = tempfile::tempdir().unwrap();
    let count = root.path().join("syncs");
    let child = start(layer, root.path(), &root.path().join("journal"), Workload::Small, Override::InForce);
    let (acknowledged, _) = kill_after(child, 500).unwrap();
    let syncs = u64::from_le_bytes(fs::read(count).unwrap().try_into().unwrap());
    println!("{syncs} syncs for opening and {acknowledged} commits");
    assert!(
        (acknowledged..=acknowledged * 3 + 100).contains(&syncs),
        "{syncs} syncs for {acknowledged} commits"
    );
}

#[test]
fn a_failed_sync_closes_the_store_and_leaves_readers_the_state_before() {
    let Some(layer) = layer() else { return };
    for fail_at in [40, 41, 55] {
        let root = tempfile::tempdir().unwrap();
        let mut command = child_command(root.path(), Workload::Small);
        command.env("LD_PRELOAD", layer).env("KEYWARD_SYNC_FAIL_AT", fail_at.to_string());
        closes_in_order(command, root.path(), Workload::Small);
    }
}

#[test]
fn a_full_disk_closes_the_store_and_leaves_readers_the_state_before() {
    // In blocks of 512 bytes: less than what the small batches come to, and in the midst of a large one.
    for (workload, blocks) in [(Workload::Small, 6_000), (Workload::Large, 4_000), (Workload::Large, 12_000)]
    {
        let root = tempfile::tempdir().unwrap();
        let mut limited = Command::new("sh");
        // With the signal ignored, a write beyond the limit fails.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" child --exact --nocapture");
        limited.args(["-c", &script]).arg(std::env::current_exe().unwrap());
        closes_in_order(as_child(limited, root.path(), workload), root.path(), workload);
    }
}

/// Lets the child commit until it fails by itself, and checks what it said and what it left.
fn closes_in_order(mut command: Command, root: &Path, workload: Workload) {
    let ended = command.stderr(Stdio::piped()).output().unwrap();
    let output = String::from_utf8(ended.stdout).unwrap();
    let acknowledged = output.lines().filter_map(|line| line.rsplit_once("acknowledge ")).next_back();
    let acknowledged = acknowledged.map_or(0, |(_, n)| n.parse().unwrap());
    assert!(
        output.lines().any(|line| line == "closed in order"),
        "{output}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    check(root, workload, acknowledged, acknowledged + 1).unwrap();
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Override {
    InForce,
    /// Removed without the store's self-check noticing.
    Hidden,
    Gone,
}

/// Runs rounds over all workloads and shares of torn sectors; what each lost.
fn rounds(default: u64, sync_file_range: Override) -> Vec<Result<(), String>> {
    let Some(layer) = layer() else { return Vec::new() };
    let rounds = std::env::var("KEYWARD_POWERCUT_ROUNDS").map_or(default, |text| text.parse().unwrap());
    let mut figures: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut outcomes = Vec::new();
    for seed in 0..rounds {
        let workload = Workload::ALL[seed as usize % 2];
        let percent = [0, 30, 70][seed as usize / 2 % 3];
        let outcome = round(layer, workload, percent, seed, sync_file_range);
        let (whole, all) = figures.entry(format!("{workload:?}, {percent} % torn")).or_default();
        *whole += u64::from(outcome.is_ok());
        *all += 1;
        outcomes.push(outcome.map_err(|why| format!("seed {seed}, {workload:?}, {percent} %: {why}")));
    }
    println!("rounds without loss, override {sync_file_range:?}: {figures:?}");
    for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        println!("  {lost}");
    }
    outcomes
}

fn round(layer: &Path, workload: Workload, percent: u32, seed: u64, cut: Override) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path().canonicalize().unwrap();
    let mut root = scratch.join("0");
    fs::create_dir(&root).unwrap();
    for generation in 1..=2 {
        let journal = scratch.join(format!("journal.{generation}"));
        let mut disk = Disk::load(&root);
        let child = start(layer, &root, &journal, workload, cut);
        let (acknowledged, intended) = kill_after(child, random.random_range(1..=workload.commits_max()))?;
        disk.replay(&fs::read(&journal).unwrap());
        root = scratch.join(generation.to_string());
        disk.cut(percent, random.random(), &root);
        check(&root, workload, acknowledged, intended)?;
    }
    Ok(())
}

/// What must be there after the cut.
fn check(root: &Path, workload: Workload, acknowledged: u64, intended: u64) -> Result<(), String> {
    // A copy is opened, so that the next child starts from what the cut left and not from what this open repaired.
    let copy = tempfile::tempdir().unwrap();
    Disk::load(root).cut(0, 0, copy.path());
    let opened = SledStore::open(&copy.path().join("data"), OpenOptions::default());
    let (store, _) = opened.map_err(|error| format!("after {acknowledged} commits: {error}"))?;
    let revision = store.revision().0;
    if !(acknowledged..=intended).contains(&revision) {
        return Err(format!("acknowledged {acknowledged}, intended {intended}, found {revision}"));
    }
    let mut expected = BTreeMap::new();
    for n in 1..=revision {
        for (key, value) in workload.batch(n).writes() {
            match value {
                Some(value) => expected.insert(key.to_vec(), (n, value.to_vec())),
                None => expected.remove(key),
            };
        }
    }
    let found = store.scan(b"", None, usize::MAX).map_err(|error| error.to_string())?;
    let found = found.into_iter().map(|entry| (entry.key, (entry.version.0, entry.value)));
    if found.collect::<BTreeMap<_, _>>() != expected {
        return Err(format!("revision {revision} is not what its commits wrote"));
    }
    Ok(())
}

fn start(layer: &Path, root: &Path, journal: &Path, workload: Workload, sync_file_range: Override) -> Child {
    let mut command = preloaded(layer, root, journal, workload);
    match sync_file_range {
        Override::InForce => {}
        Override::Hidden => drop(command.env("KEYWARD_TEST_NO_OVERRIDE", "hidden")),
        Override::Gone => drop(command.env("KEYWARD_TEST_NO_OVERRIDE", "seen")),
    }
    command.spawn().unwrap()
}

fn preloaded(layer: &Path, root: &Path, journal: &Path, workload: Workload) -> Command {
    let mut command = child_command(root, workload);
    command.env("LD_PRELOAD", layer).env("KEYWARD_JOURNAL", journal);
    command.env("KEYWARD_SYNC_COUNT", journal.with_file_name("syncs"));
    command
}

fn child_command(root: &Path, workload: Workload) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--nocapture"]);
    as_child(command, root, workload)
}

fn as_child(mut command: Command, root: &Path, workload: Workload) -> Command {
    command.env("KEYWARD_JOURNAL_ROOT", root).env("KEYWARD_POWERCUT_CHILD", format!("{workload:?}"));
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Kills the child when it has acknowledged `commits`; the last commit it acknowledged and the last it began.
fn kill_after(child: Child, commits: u64) -> Result<(u64, u64), String> {
    let mut left = commits;
    let said = follow(child, || {
        left = left.saturating_sub(1);
        left == 0
    });
    if left == 0 { Ok(said) } else { Err(format!("the child ended by itself after {} commits", said.0)) }
}

/// Listens to the child until it ends, asking after each acknowledged commit whether it was `enough` and killing it
/// then; the last commit it acknowledged and the last it began.
fn follow(mut child: Child, mut enough: impl FnMut() -> bool) -> (u64, u64) {
    let (mut acknowledged, mut intended) = (0, 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, n)) = line.rsplit_once("intend ") {
            intended = n.parse().unwrap();
        } else if let Some((_, n)) = line.rsplit_once("acknowledge ") {
            acknowledged = n.parse().unwrap();
            if enough() {
                // The lines it still wrote come next.
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    (acknowledged, intended)
}

/// Not a test of its own: what the killed process does.
#[test]
fn child() {
    let Ok(workload) = std::env::var("KEYWARD_POWERCUT_CHILD") else { return };
    let workload = Workload::ALL.into_iter().find(|known| format!("{known:?}") == workload).unwrap();
    let root = PathBuf::from(std::env::var_os("KEYWARD_JOURNAL_ROOT").unwrap());
    let store = match SledStore::open(&root.join("data"), OpenOptions::default()) {
        Ok((store, _)) => store,
        Err(StoreError::NotDurable { .. }) => return println!("not durable"),
        Err(error) => panic!("{error}"),
    };
    loop {
        let n = store.revision().0 + 1;
        let batch = workload.batch(n);
        println!("intend {n}");
        match store.commit(batch.clone()) {
            Ok(revision) => assert_eq!(revision.0, n),
            Err(error) => return after_failure(&store, n - 1, &batch, &error),
        }
        println!("acknowledge {n}");
    }
}

/// What must hold of a store whose commit failed.
fn after_failure(store: &SledStore, before: u64, failed: &Batch, error: &StoreError) {
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(matches!(store.commit(failed.clone()), Err(StoreError::Closed { .. })));
    assert!(store.closed().is_some() && store.close().is_err());
    assert_eq!(store.revision().0, before);
    let all = store.scan(b"", None, usize::MAX);
    let each = failed.writes().map(|(key, _)| store.get(key).map(Vec::from_iter));
    for seen in each.chain([all]) {
        match seen {
            Ok(seen) => {
                assert!(seen.iter().all(|entry| entry.version.0 <= before), "readers see the failed commit")
            }
            // sled cannot read pages any more that it could not write.
            Err(error) => assert!(matches!(error, StoreError::Io { .. }), "{error}"),
        }
    }
    println!("closed in order");
}
