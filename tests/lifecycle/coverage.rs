//! Coverage: an operation of the sources that no step plays is named here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::disk::Kind;
use crate::steps::steps;
use crate::tally::Tally;

/// Commands that show something: played after other steps, with what they show.
const SHOWING: [&str; 17] = [
    "ShowUser",
    "ListUsers",
    "ListUsersOf",
    "ShowText",
    "FindKeys",
    "ShowKey",
    "ListKeys",
    "ShowCompany",
    "ListCompanies",
    "ListEvents",
    "SearchEvents",
    "CheckAudit",
    "Backup",
    "CountPeppers",
    "AcceptClock",
    "CheckStore",
    "ShowOverview",
];
/// Of those nothing but memory is asked.
const IN_MEMORY: [&str; 2] = ["ListRequests", "CountSessions"];
/// They succeed whenever the machine's owner asks.
const NEVER_REFUSED: [&str; 1] = ["ImportKeys"];

/// So many are enough for everything to happen.
const SEQUENCES_MAX: usize = 300;

/// What the engine has, and which step plays it.
const OPERATIONS: [(&str, &str); 28] = [
    ("accept_clock", "a command"),
    ("add_company", "a command"),
    ("add_user", "a command"),
    ("commit_rotation", "a command"),
    ("check", "a command"),
    ("check_password", "passwords_agree"),
    ("closed", "after a failure"),
    ("create_key", "a command"),
    ("create_key_idempotent", "a command"),
    ("delete_key", "a command"),
    ("cancel_rotation", "a command"),
    ("import_keys", "a command"),
    ("index_state", "of no consequence"),
    ("open", "at each open"),
    ("stage_rotation", "a command"),
    ("has_staged_rotation", "after a command"),
    ("reader", "everywhere"),
    ("remove_company", "a command"),
    ("remove_user", "a command"),
    ("rename_company", "a command"),
    ("retire_pepper", "a step"),
    ("revoke_key", "a command"),
    ("rotate_key", "a command"),
    ("set_password", "a command"),
    ("stop", "at each stop"),
    ("undelete_key", "a command"),
    ("update_key", "a command"),
    ("update_user", "a command"),
];

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The commands of the list.
fn commands() -> Vec<String> {
    let source = source("src/command/list.rs");
    let body = source.split_once("$use! {").unwrap().1.split_once('}').unwrap().0;
    body.split_whitespace().map(str::to_owned).collect()
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let (dirs, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.into_iter().chain(dirs.iter().flat_map(|dir| self::files(dir))).collect()
}

/// The public functions of the engine.
fn operations() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine")) {
        let text = fs::read_to_string(file).unwrap();
        for body in text.split("\nimpl Engine {\n").skip(1) {
            let body = body.split("\n}\n").next().unwrap();
            let names = body.lines().filter_map(|line| line.strip_prefix("    pub fn "));
            found.extend(names.map(|name| name.split(['(', '<']).next().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn every_operation_of_the_engine_has_its_step() {
    let known: BTreeSet<String> = OPERATIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(operations(), known);
}

#[test]
fn every_command_is_carried_out_and_refused() {
    let config = Config { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::default() };
    let (mut runner, tally) = (TestRunner::new(config), Tally::default());
    let others = [SHOWING.as_slice(), IN_MEMORY.as_slice()].concat();
    let commands: Vec<_> =
        commands().into_iter().filter(|command| !others.contains(&command.as_str())).collect();
    let is_missing = |command: &&String| {
        let [done, refused] = tally.of(command);
        done == 0 || refused == 0 && !NEVER_REFUSED.contains(&command.as_str())
    };
    for _ in 0..SEQUENCES_MAX {
        if !commands.iter().any(|command| is_missing(&command)) {
            return;
        }
        let steps = steps().new_tree(&mut runner).unwrap().current();
        crate::play(Kind::Memory, &tally, &steps);
    }
    let missing: Vec<_> = commands.iter().filter(is_missing).collect();
    panic!("{missing:?} were never carried out, or never refused:\n{tally}");
}
