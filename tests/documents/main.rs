//! Runs every command that `README.md` and `docs/` print, and compares the answers with those printed there.
//!
//! A block marked `sh` is run by bash. The block after it (`text`, `json` or `xml`) is what the commands print; without
//! one, they print nothing. Each page is one shell, so variables hold from block to block, with a directory of its own.
//!
//! * `…` is any text within a line, for what differs each time: ids, times, key texts. A line of `…` alone is any lines.
//! * The width of columns does not count: two spaces are as good as more. Nor do empty lines.
//! * In a `json` block the white space between the values does not count.
//! * `keyward serve` starts the real binary on a port that the system chooses. The addresses and directories that pages
//!   print are replaced by those of the run, and back again in what the commands print.
//! * `not_run.rs` lists the lines that cannot run here, each with the reason.
//!
//! Broken on purpose: a printed answer with another word, a listed line that no page has and a block without its answer
//! fail (`planted.rs`).

#![cfg(feature = "server")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod answer;
mod cargo;
mod examples;
mod not_run;
mod page;
mod planted;
mod session;
#[path = "../skipped/said.rs"]
mod skipped;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use not_run::NOT_RUN;
use page::Page;

/// Programs that the pages use, in the order in which a missing one is named.
const PROGRAMS: [&str; 4] = ["bash", "curl", "nginx", "sed"];

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    for dir in ["docs", "docs/apis"] {
        let entries = fs::read_dir(root.join(dir)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    pages.sort();
    pages
}

fn read(path: &Path) -> Page {
    let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
    Page::parse(&name, &fs::read_to_string(path).unwrap())
}

fn exists(program: &str) -> bool {
    let mut tried = Command::new(program);
    tried.arg("--version").env("PATH", session::path()).stdin(Stdio::null());
    tried.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[test]
fn every_printed_command_gives_the_printed_answer() {
    if let Some(missing) = PROGRAMS.iter().find(|program| !exists(program)) {
        return skipped::skipped(&format!("{missing} is not installed"));
    }
    let pages: Vec<Page> = pages().iter().map(|path| read(path)).collect();
    let chosen = env::var("KEYWARD_DOCUMENT").ok();
    let chosen = pages.iter().filter(|page| chosen.as_ref().is_none_or(|name| page.name.contains(name)));
    let faults: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = chosen.map(|page| scope.spawn(|| session::play(page, NOT_RUN))).collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{} answers differ:\n\n{}", faults.len(), faults.join("\n\n"));
}

#[test]
fn each_line_that_is_not_run_is_on_its_page() {
    let pages: Vec<Page> = pages().iter().map(|path| read(path)).collect();
    for (name, line, reason) in NOT_RUN {
        println!("not run: {name}: {line}: {reason}");
        let page = pages.iter().find(|page| page.name == *name);
        let page = page.unwrap_or_else(|| panic!("there is no page {name}"));
        let printed = page.steps.iter().any(|step| step.commands.iter().any(|text| text.starts_with(line)));
        assert!(printed, "{name} does not print a line that begins with: {line}");
    }
}
