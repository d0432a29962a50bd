//! Layers point one way: a file imports only from layers above its own in this list, never from a sibling.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Topmost first. Modules of one row are siblings.
const LAYERS: [&[&str]; 11] = [
    &["limits", "clock", "entropy"],
    &["key", "http"],
    &["store", "index"],
    &["engine"],
    &["verify"],
    &["login"],
    &["command"],
    &["dialect", "console"],
    &["config", "telemetry"],
    &["server"],
    &["cli"],
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let (dirs, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let nested = dirs.iter().flat_map(|dir| sources(dir));
    files.into_iter().chain(nested).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// Every top-level module that `text` names through `crate::` or `keyward::`, with its line; comments do not count.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for path in ["crate::", "keyward::"] {
            for (at, _) in code.match_indices(path) {
                let before = code[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                let rest = &code[at + path.len()..];
                let names: Vec<&str> = match rest.strip_prefix('{') {
                    Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
                    None => vec![rest],
                };
                let first = |name: &str| {
                    name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
                };
                found.extend(names.into_iter().map(|name| (number + 1, first(name))));
            }
        }
    }
    found
}

/// What is wrong with `text`, as the file at `path` below `src`.
fn violations(path: &str, text: &str) -> Vec<String> {
    let own = path.split(['/', '.']).next().unwrap_or_default();
    if own == "lib" || own == "main" {
        return Vec::new();
    }
    let Some(own_layer) = layer(own) else {
        return vec![format!("{path}: {own} is in no layer")];
    };
    let mut wrong = Vec::new();
    for (line, module) in imports(text) {
        let allowed = module == own || layer(&module).is_some_and(|layer| layer < own_layer);
        // Names that are no module (macros, types) are none of ours.
        if !allowed && layer(&module).is_some() {
            wrong.push(format!("{path}:{line}: {own} imports {module}"));
        }
    }
    if text.contains("super::super") {
        wrong.push(format!("{path}: climbs more than one module; name it from the crate"));
    }
    wrong
}

#[test]
fn no_file_imports_upward_or_sideways() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let files = sources(&src);
    assert!(files.len() > 40, "the sources were found");
    for file in files {
        let path = file.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        wrong.extend(violations(&path, &fs::read_to_string(&file).unwrap()));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn planted_imports_are_found() {
    for (path, text) in [
        ("key/id.rs", "use crate::engine::Engine;"),
        ("key/id.rs", "use crate::http::RawRequest;"),
        ("dialect/filebin/mod.rs", "fn f() { crate::server::run() }"),
        ("dialect/filebin/mod.rs", "use crate::{key::Key, cli::run};"),
        ("verify/judge.rs", "use crate::command::Command;"),
        ("store/memory.rs", "use crate::index::HotIndex;"),
        ("clock.rs", "use crate::limits;"),
        ("engine/commit/lane.rs", "use super::super::command::Command;"),
        ("novelty/mod.rs", ""),
    ] {
        assert_ne!(violations(path, text), Vec::<String>::new(), "{path}: {text}");
    }
    for (path, text) in [
        ("verify/judge.rs", "use crate::key::Key; // not crate::command"),
        ("store/sled/open.rs", "use crate::store::StoreError;"),
        ("engine/commit/lane.rs", "use super::transaction::Operation;"),
    ] {
        assert_eq!(violations(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}
