//! Imports: which room may use which, and no cycle of files inside a room.
//!
//! A room is a folder of `src/`, or a file directly in it. A file imports another when a path in it, in a `use` or in
//! code, leads to the other file: names that a façade (`mod.rs`) re-exports are followed to the file that defines them.
//! A façade is a file with what it defines and uses itself. Code under `#[cfg(test)]` may use any room above its own, and
//! is left out when cycles are looked for. Calls of methods leave no path, so they are not seen.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "layering/graph.rs"]
mod graph;
#[path = "layering/scope.rs"]
mod scope;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use graph::{Tree, room};

/// Rooms, topmost first, and the rooms that each may import. A new arrow is a decision: it is written here first.
const ROOMS: [(&str, &[&str]); 18] = [
    ("limits", &[]),
    ("clock", &[]),
    ("entropy", &[]),
    ("key", &["clock", "entropy", "limits"]),
    ("http", &["limits"]),
    ("store", &["clock", "key", "limits"]),
    ("index", &["clock", "key", "limits"]),
    ("engine", &["clock", "entropy", "index", "key", "limits", "store"]),
    ("verify", &["clock", "engine", "index", "key", "limits"]),
    ("login", &["clock", "engine", "entropy", "key", "limits", "store", "verify"]),
    ("command", &["clock", "engine", "http", "index", "key", "limits", "login", "store", "verify"]),
    ("dialect", &["clock", "command", "engine", "http", "key", "limits", "store", "verify"]),
    ("console", &["clock", "command", "engine", "http", "key", "limits", "verify"]),
    ("config", &["entropy", "key", "limits"]),
    ("server", &["clock", "command", "console", "dialect", "engine", "http", "key", "limits"]),
    (
        "cli",
        &[
            "clock", "command", "config", "console", "dialect", "engine", "entropy", "http", "key", "limits",
            "server", "store", "verify",
        ],
    ),
    ("lib", &[]),
    ("main", &["cli"]),
];

/// Rooms above `command/` that open no store themselves. `cli/` does: it restores and repairs them.
const WITHOUT_STORE_ERRORS: [&str; 5] = ["dialect", "console", "config", "server", "http"];

/// Files of a room that may still name `StoreError`. This may only fall.
const STORE_ERRORS: [(&str, usize); 1] = [("dialect", 2)];

/// Files of a room that may still be in cycles. This may only fall.
const IN_CYCLES: [(&str, usize); 3] = [
    // Bokamera, freesewing and telvue have two files each: a refusal and the address or content that it is about.
    ("dialect", 6),
    // The handle starts the lane and the background workers, which end with it; an error names the bounds of rights.
    ("engine", 21),
    // An error names the batch that it refuses, and a batch is refused by it.
    ("store", 4),
];

/// Façades of a room that may still use files of their folder that use what the façade defines. This may only fall.
const WHEELS: [(&str, usize); 3] = [("cli", 1), ("dialect", 8), ("store", 1)];

fn row(room: &str) -> Option<(usize, &'static [&'static str])> {
    let at = ROOMS.iter().position(|(name, _)| *name == room)?;
    Some((at, ROOMS[at].1))
}

/// Imports that the table of rooms does not allow.
fn arrows(tree: &Tree) -> Vec<String> {
    let mut wrong: Vec<String> = tree
        .rooms()
        .into_iter()
        .filter(|room| row(room).is_none())
        .map(|room| format!("{room} is in no row"))
        .collect();
    for import in tree.imports(false) {
        let (own, to) = (room(import.from), import.room.as_str());
        let allowed = own == to || own == "lib" || row(own).is_some_and(|(_, allowed)| allowed.contains(&to));
        if !allowed {
            wrong.push(format!("{}:{}: {own} imports {to}", import.from, import.line));
        }
    }
    for import in tree.imports(true) {
        let (own, to) = (row(room(import.from)), row(&import.room));
        if own.zip(to).is_some_and(|(own, to)| to.0 > own.0 && room(import.from) != "lib") {
            wrong.push(format!("{}:{}: imports {}, which is below", import.from, import.line, import.room));
        }
    }
    wrong.dedup();
    wrong
}

/// Files that name `StoreError` above `command/`, and places that climb more than one module.
fn words(texts: &[(String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in texts {
        let path = path.trim_start_matches("src/");
        let all = sources::tokens(text);
        let (code, _) = sources::without_tests(&all);
        if WITHOUT_STORE_ERRORS.contains(&room(path)) && code.iter().any(|token| token.text == "StoreError") {
            wrong.push(format!("{path}: names StoreError"));
        }
        for run in all.windows(3) {
            if run[0].text == "super" && run[1].text == "::" && run[2].text == "super" {
                wrong.push(format!(
                    "{path}:{}: climbs more than one module; name it from the crate",
                    run[0].line
                ));
            }
        }
    }
    wrong
}

/// Rooms in which `found`, one path a line, has another number of lines than `expected`.
fn differing(found: &[String], expected: &[(&str, usize)]) -> Vec<String> {
    let mut rooms: BTreeMap<&str, Vec<&String>> =
        expected.iter().map(|(room, _)| (*room, Vec::new())).collect();
    for line in found {
        rooms.entry(room(line)).or_default().push(line);
    }
    let count = |name: &str| expected.iter().find(|(room, _)| *room == name).map_or(0, |(_, count)| *count);
    rooms.retain(|room, lines| lines.len() > count(room));
    let show = |(room, lines): (&str, Vec<&String>)| {
        format!("{room}: {} where {} are expected: {lines:#?}", lines.len(), count(room))
    };
    rooms.into_iter().map(show).collect()
}

#[test]
fn every_import_is_in_the_table() {
    let texts = sources::texts(&["src"], ".rs");
    assert!(texts.len() > 40, "the sources were found");
    assert_eq!(arrows(&Tree::of(&texts)), Vec::<String>::new());
}

#[test]
fn every_arrow_of_the_table_is_in_use() {
    let tree = Tree::of(&sources::texts(&["src"], ".rs"));
    let imports = tree.imports(false);
    let arrows_in_use: BTreeSet<(&str, &str)> =
        imports.iter().map(|import| (room(import.from), import.room.as_str())).collect();
    let table = ROOMS.iter().flat_map(|(from, allowed)| allowed.iter().map(move |to| (*from, *to)));
    let unused: Vec<(&str, &str)> = table.filter(|arrow| !arrows_in_use.contains(arrow)).collect();
    assert_eq!(unused, Vec::<(&str, &str)>::new(), "rooms and what they do not import any more");
}

#[test]
fn the_table_points_one_way() {
    for (at, (room, allowed)) in ROOMS.iter().enumerate() {
        for to in *allowed {
            let (to, _) = row(to).unwrap();
            assert!(to < at, "{room} may import only what stands above it");
        }
    }
}

#[test]
fn no_file_above_the_commands_names_an_error_of_stores_and_none_climbs_twice() {
    assert_eq!(differing(&words(&sources::texts(&["src"], ".rs")), &STORE_ERRORS), Vec::<String>::new());
}

#[test]
fn no_files_of_a_room_import_each_other() {
    let tree = Tree::of(&sources::texts(&["src"], ".rs"));
    for ring in tree.cycles() {
        println!("cycle of {} files:\n    {}", ring.len(), tree.edges_in(&ring).join("\n    "));
    }
    let in_cycles: Vec<String> = tree.cycles().into_iter().flatten().map(str::to_owned).collect();
    assert_eq!(differing(&in_cycles, &IN_CYCLES), Vec::<String>::new());
    let wheels: Vec<String> = tree.wheels().into_iter().map(str::to_owned).collect();
    println!("façades that define what the files they use need: {wheels:#?}");
    assert_eq!(differing(&wheels, &WHEELS), Vec::<String>::new());
}

/// A tree of files at paths below `src/`.
fn planted(files: &[(&str, &str)]) -> Tree {
    let rooms =
        ["clock", "command", "engine", "entropy", "http", "index", "key", "limits", "server", "store"];
    let facades = rooms.map(|room| (format!("src/{room}.rs"), String::new()));
    let own = files.iter().map(|(path, text)| (format!("src/{path}"), (*text).to_owned()));
    Tree::of(&facades.into_iter().chain(own).collect::<Vec<_>>())
}

#[test]
fn planted_imports_are_found() {
    for (path, text) in [
        ("key/id.rs", "use crate::engine::Engine;"),
        ("key/id.rs", "use crate::http::RawRequest;"),
        ("dialect/filebin/mod.rs", "fn f() { crate::server::run() }"),
        ("dialect/filebin/mod.rs", "use crate::{key::Key, server::run};"),
        ("dialect/filebin/mod.rs", "use crate::index::{HotIndex, Slot};"),
        ("verify/judge.rs", "use crate::{key::{Key, KeyId}, command::Command};"),
        ("verify/judge.rs", "fn f() { #[cfg(test)] use crate::server::run; }"),
        ("store/memory.rs", "use crate::index::HotIndex;"),
        ("store/memory.rs", "macro_rules! m { () => { $crate::engine::Engine } }"),
        ("clock.rs", "use crate::limits;"),
        ("engine/lane.rs", "#[cfg(test)] mod tests { use crate::command::Service; }"),
        ("novelty/mod.rs", ""),
    ] {
        assert_ne!(arrows(&planted(&[(path, text)])), Vec::<String>::new(), "{path}: {text}");
    }
    for (path, text) in [
        ("verify/judge.rs", "use crate::key::Key; // not crate::command"),
        ("verify/judge.rs", "/// See [`crate::command`].\nuse crate::key::Key;"),
        ("store/sled/open.rs", "use crate::store::StoreError;"),
        ("engine/lane.rs", "use super::operation::Operation;"),
        ("verify/judge.rs", "#[cfg(test)] mod tests { use crate::store::MemoryStore; }"),
    ] {
        assert_eq!(arrows(&planted(&[(path, text)])), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn planted_words_are_found() {
    let found = |path: &str, text: &str| words(&[(format!("src/{path}"), text.to_owned())]);
    for (path, text) in [
        ("dialect/filebin/refusal.rs", "use crate::store::StoreError;"),
        ("console/page.rs", "fn f(e: crate::store::StoreError) {}"),
        ("engine/lane.rs", "use super::super::command::Command;"),
    ] {
        assert_eq!(found(path, text).len(), 1, "{path}: {text}");
    }
    for (path, text) in [
        ("cli/restore.rs", "use crate::store::StoreError;"),
        ("console/page.rs", "#[cfg(test)] mod tests { use crate::store::StoreError; }"),
        ("console/page.rs", "// StoreError\nuse super::refusal;"),
    ] {
        assert_eq!(found(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn planted_cycles_are_found() {
    let plain: &[(&str, &str)] = &[
        ("engine/mod.rs", "mod lane; mod open;"),
        ("engine/lane.rs", "use super::open::Engine; pub struct Lane;"),
        ("engine/open.rs", "pub struct Engine; fn f() { super::lane::Lane; }"),
    ];
    let by_facade: &[(&str, &str)] = &[
        ("engine/mod.rs", "mod commit; mod open; pub use commit::Lane; pub use open::Engine;"),
        ("engine/commit/mod.rs", "mod lane; pub use lane::*;"),
        ("engine/commit/lane.rs", "use crate::engine::{Engine}; pub struct Lane;"),
        ("engine/open.rs", "use super::{self as engine}; pub struct Engine { lane: engine::Lane }"),
    ];
    let by_module: &[(&str, &str)] = &[
        ("engine/mod.rs", "mod a; mod b; mod c;"),
        ("engine/a.rs", "use super::b; fn f() { b::g() }"),
        ("engine/b.rs", "use crate::engine::c::h; pub fn g() {}"),
        ("engine/c.rs", "mod inner { use super::super::a::f; } pub fn h() {}"),
    ];
    for (files, size) in [(plain, 2), (by_facade, 2), (by_module, 3)] {
        let files: Vec<_> = files.to_vec();
        let tree = planted(&files);
        assert_eq!(tree.cycles().iter().map(Vec::len).collect::<Vec<_>>(), [size], "{files:?}");
    }
    let none = planted(&[
        (
            "engine/mod.rs",
            "mod lane; mod open; #[cfg(test)] mod tests; pub use open::Engine; pub use lane::Lane;",
        ),
        ("engine/lane.rs", "pub struct Lane; #[cfg(test)] mod tests { use super::super::open::Engine; }"),
        ("engine/open.rs", "use super::Lane; pub struct Engine;"),
        ("engine/tests.rs", "use super::open::Engine; use super::lane::Lane;"),
    ]);
    assert_eq!((none.cycles(), none.wheels()), (Vec::new(), Vec::new()));
    let wheel = planted(&[
        ("engine/mod.rs", "mod lane; pub struct Engine { lane: lane::Lane }"),
        ("engine/lane.rs", "use super::Engine; pub struct Lane;"),
    ]);
    assert_eq!((wheel.cycles(), wheel.wheels()), (Vec::new(), vec!["engine/mod.rs"]));
}
