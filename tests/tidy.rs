//! What keeps the sources readable: sizes, the map, and nothing left for later.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let entries = entries.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("target"));
    let (dirs, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let nested = dirs.iter().flat_map(|dir| crate::files(dir, end));
    files.into_iter().chain(nested).filter(|path| path.to_string_lossy().ends_with(end)).collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn no_file_is_too_long_and_most_are_short() {
    let mut sizes: Vec<(usize, String)> = ["src", "tests", "benches", "fuzz"]
        .iter()
        .flat_map(|dir| files(&root().join(dir), ".rs"))
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), shown(&path)))
        .collect();
    sizes.sort();
    let longest = sizes.last().unwrap();
    assert!(longest.0 <= 600, "{} has {} lines", longest.1, longest.0);
    let median = sizes[sizes.len() / 2].0;
    assert!(median <= 140, "the median file has {median} lines");
}

#[test]
fn every_module_is_on_the_map() {
    let map = fs::read_to_string(root().join("src/README.md")).unwrap();
    let modules = fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap().path());
    for module in modules {
        let name = module.file_name().unwrap().to_str().unwrap().to_owned();
        let named = if module.is_dir() { format!("`{name}/`") } else { format!("`{name}`") };
        assert!(name == "README.md" || map.contains(&named), "src/README.md does not name {named}");
    }
}

#[test]
fn every_path_a_readme_names_exists() {
    for readme in files(root(), "README.md") {
        let text = fs::read_to_string(&readme).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let source = ["src/", "tests/", "benches/", "examples/", "fuzz/", ".ci/"]
                .iter()
                .any(|dir| quoted.starts_with(dir));
            if source && !quoted.contains([' ', '*', '<', '{']) {
                assert!(
                    root().join(quoted).exists(),
                    "{} names {quoted}, which is not there",
                    shown(&readme)
                );
            }
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("#[ig", "nore")];
    for path in files(&root().join("src"), ".rs").into_iter().chain(files(&root().join("tests"), ".rs")) {
        let text = fs::read_to_string(&path).unwrap();
        for mark in marks {
            assert!(!text.contains(mark), "{} has a {mark}", shown(&path));
        }
    }
}
