//! Commands of cargo that pages name: each names a test, a bench or an example that exists, and a filter that finds a test.
//! They are not run: they are the tests themselves, or take minutes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::pages;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Commands of a page that begin with these words, without the arguments of the test program.
fn commands(text: &str, words: &str) -> Vec<String> {
    let lines = text.lines().flat_map(|line| line.split('`'));
    let commands = lines.filter_map(|line| line.split_once(words)).map(|(_, command)| command);
    commands.map(|command| command.split(" -- ").next().unwrap().trim().to_owned()).collect()
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| files(&path)).collect()
}

/// Sources of a test, a bench or an example; none when it does not exist.
fn sources(kind: &str, name: &str) -> Vec<PathBuf> {
    let (file, folder) = (root().join(format!("{kind}/{name}.rs")), root().join(format!("{kind}/{name}")));
    let of_folder = if folder.join("main.rs").is_file() { files(&folder) } else { Vec::new() };
    if file.is_file() { vec![file] } else { of_folder }
}

/// Whether a module or a function of these sources has this in its name.
fn finds(sources: &[PathBuf], filter: &str) -> bool {
    let name = filter.trim_end_matches("::");
    sources.iter().any(|path| {
        let is_module = path.strip_prefix(root()).unwrap().to_string_lossy().contains(name);
        let text = fs::read_to_string(path).unwrap_or_default();
        is_module || text.split("fn ").skip(1).any(|rest| rest.split('(').next().unwrap().contains(name))
    })
}

/// What is wrong with the arguments of `cargo test`.
fn fault(arguments: &str) -> Option<String> {
    let mut words = arguments.split_whitespace().take_while(|word| !word.starts_with(['#', '(']));
    let (mut all, mut filter) = (Vec::new(), None);
    while let Some(word) = words.next() {
        match word {
            "--test" => {
                let name = words.next().unwrap_or_default();
                let found = sources("tests", name);
                if found.is_empty() && name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
                {
                    return Some(format!("there is no test {name}"));
                }
                all.extend(found);
            }
            "--lib" | "--doc" => all.extend(files(&root().join("src"))),
            _ if word.starts_with('-') => {}
            _ => filter = Some(word),
        }
    }
    let filter = filter.filter(|filter| !all.is_empty() && !finds(&all, filter))?;
    Some(format!("no test is found by {filter}"))
}

/// Faults of all commands of cargo on a page.
fn faults(text: &str) -> Vec<String> {
    let tests = commands(text, "cargo test ")
        .into_iter()
        .filter_map(|arguments| fault(&arguments).map(|fault| format!("cargo test {arguments}: {fault}")));
    let others = [("cargo bench --bench ", "benches"), ("cargo run --example ", "examples")];
    let others = others.into_iter().flat_map(|(words, kind)| {
        let names = commands(text, words).into_iter().filter_map(|rest| {
            rest.split_whitespace().next().map(str::to_owned).filter(|name| sources(kind, name).is_empty())
        });
        names.map(|name| format!("{words}{name}: there is none")).collect::<Vec<_>>()
    });
    tests.chain(others).collect()
}

#[test]
fn every_command_of_cargo_names_what_exists() {
    let readmes = ["tests", "benches", "fuzz", "src"].map(|dir| root().join(dir).join("README.md"));
    for page in pages().into_iter().chain(readmes) {
        let wrong = faults(&fs::read_to_string(&page).unwrap());
        assert!(wrong.is_empty(), "{}: {wrong:#?}", page.display());
    }
}

#[test]
fn planted_commands_are_found() {
    let planted = "`cargo test --test gone` `cargo test --lib no_such_test_at_all` `cargo test --test documents planted`\n\
        cargo bench --bench gone\ncargo test --test documents nowhere -- --nocapture\n`cargo run --example embed`";
    // Each text is in this file as well, but in no name of a function.
    assert_eq!(faults(planted).len(), 4, "{:#?}", faults(planted));
}
