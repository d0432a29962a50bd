//! Readable sources: sizes of files, folders and functions, the map, one name for one type, and plain English.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "tidy/english.rs"]
mod english;
mod sources;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sources::{files, root, shown, texts};

/// Lines of the longest file, and of the median one.
const LINES: (usize, usize) = (500, 120);

/// Files of one folder of `src/` or `tests/`.
const FILES_IN_FOLDER: usize = 15;

/// Functions that may have more than the 70 lines that `.clippy.toml` sets.
const LONG_FUNCTIONS: [(&str, &str); 3] = [
    ("src/command/table_tests/plays.rs", "an arm for each command, and nothing else"),
    ("tests/dialects/world.rs", "an arm for each step of a transcript"),
    ("tests/engine/regained_rights.rs", "one case after the other"),
];

/// Every folder that has Rust files.
const RUST: [&str; 5] = ["src", "tests", "benches", "fuzz", "examples"];

/// Files that are longer than they may be, and the median when it is.
fn too_long(sizes: &mut [(usize, String)]) -> Vec<String> {
    sizes.sort();
    let mut wrong: Vec<String> = sizes
        .iter()
        .filter(|(lines, _)| *lines > LINES.0)
        .map(|(lines, path)| format!("{path} has {lines} lines"))
        .collect();
    let median = sizes.get(sizes.len() / 2).map_or(0, |(lines, _)| *lines);
    if median > LINES.1 {
        wrong.push(format!("the median file has {median} lines"));
    }
    wrong
}

/// Folders that hold more Rust files than they may.
fn too_full(paths: &[String]) -> Vec<String> {
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for path in paths {
        *folders.entry(path.rsplit_once('/').map_or("", |(folder, _)| folder)).or_default() += 1;
    }
    folders.retain(|_, count| *count > FILES_IN_FOLDER);
    folders.into_iter().map(|(folder, count)| format!("{folder}/ has {count} files")).collect()
}

/// Names of types that are public in more than one file of `src/`, with the files.
fn defined_twice(texts: &[(String, String)]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in texts {
        let (code, _) = sources::without_tests(&sources::tokens(text));
        for run in code.windows(6) {
            let words: Vec<&str> = run.iter().map(|token| token.text.as_str()).collect();
            let (["pub", "(", "crate", ")", kind, name] | ["pub", kind, name, ..]) = words[..] else {
                continue;
            };
            if ["struct", "enum", "trait", "type"].contains(&kind) && name != "$" {
                places.entry(name.to_owned()).or_default().push(format!("{path}:{}", run[0].line));
            }
        }
    }
    places.retain(|_, places| places.len() > 1);
    places.into_iter().map(|(name, places)| format!("{name}: {}", places.join(", "))).collect()
}

#[test]
fn no_file_is_too_long_and_most_are_short() {
    let texts = texts(&RUST, ".rs");
    let mut sizes: Vec<_> = texts.into_iter().map(|(path, text)| (text.lines().count(), path)).collect();
    assert!(sizes.len() > 100, "the sources were found");
    assert_eq!(too_long(&mut sizes), Vec::<String>::new());
    let mut planted =
        vec![(501, "src/a.rs".to_owned()), (121, "src/b.rs".to_owned()), (1, "src/c.rs".to_owned())];
    assert_eq!(too_long(&mut planted).len(), 2);
}

#[test]
fn no_folder_is_too_full() {
    let paths: Vec<String> = texts(&["src", "tests"], ".rs").into_iter().map(|(path, _)| path).collect();
    assert_eq!(too_full(&paths), Vec::<String>::new());
    let planted: Vec<String> = (0..=FILES_IN_FOLDER).map(|number| format!("src/room/{number}.rs")).collect();
    assert_eq!(too_full(&planted), ["src/room/ has 16 files"]);
    assert_eq!(too_full(&planted[1..]), Vec::<String>::new());
}

#[test]
fn no_function_is_too_long() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    assert!(read(".clippy.toml").contains("too-many-lines-threshold = 70\n"), "clippy measures functions");
    let lint = concat!("too_many", "_lines");
    assert!(read("Cargo.toml").contains(&format!("{lint} = \"warn\"\n")), "clippy measures functions");
    assert!(
        read(".ci/run").contains("cargo clippy --locked --all-targets -- -D warnings\n"),
        "of tests, too"
    );
    let sources = texts(&RUST, ".rs").into_iter();
    let silenced: Vec<String> =
        sources.filter(|(_, text)| text.contains(lint)).map(|(path, _)| path).collect();
    let allowed: Vec<&str> = LONG_FUNCTIONS.iter().map(|(path, _)| *path).collect();
    assert_eq!(silenced, allowed, "only the listed files may have a long function");
}

#[test]
fn no_public_type_is_defined_twice() {
    assert_eq!(defined_twice(&texts(&["src"], ".rs")), Vec::<String>::new());
    let planted = |texts: [&str; 2]| {
        let [first, second] = texts.map(str::to_owned);
        defined_twice(&[("src/a.rs".to_owned(), first), ("src/b.rs".to_owned(), second)]).len()
    };
    assert_eq!(planted(["pub struct Place { a: u8 }", "pub(crate) enum Place { One, Two }"]), 1);
    assert_eq!(planted(["pub type Place = u8; const A: u8 = 1;", "mod inner { pub trait Place {} }"]), 1);
    assert_eq!(planted(["pub struct Place { a: u8 }", "struct Place; // pub struct Place;"]), 0);
    assert_eq!(
        planted(["pub struct Place { a: u8 }", "#[cfg(test)] mod tests { pub struct Place { a: u8 } }"]),
        0
    );
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

/// Every page: the READMEs, and those of `docs/`.
fn pages() -> Vec<PathBuf> {
    files(root(), "README.md").into_iter().chain(files(&root().join("docs"), ".md")).collect()
}

/// Paths of the repository that a page names in code or links to, and that do not exist.
fn missing_paths(page: &Path, text: &str) -> Vec<String> {
    let source = ["src/", "tests/", "benches/", "examples/", "fuzz/", "docs/", ".ci/"];
    let quoted = text.split('`').skip(1).step_by(2);
    let quoted = quoted.filter(|path| source.iter().any(|dir| path.starts_with(dir)));
    let quoted =
        quoted.filter(|path| !path.contains([' ', '*', '<', '{', '\n'])).map(|path| root().join(path));
    let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let links = links
        .filter(|link| !link.contains("://") && !link.starts_with('#') && !link.contains([' ', '`', ':']));
    let links = links.map(|link| page.parent().unwrap().join(link.split('#').next().unwrap()));
    let named = quoted.chain(links).filter(|path| !path.exists());
    named.map(|path| path.display().to_string()).collect()
}

#[test]
fn every_path_a_page_names_exists() {
    for page in pages() {
        let missing = missing_paths(&page, &fs::read_to_string(&page).unwrap());
        assert!(missing.is_empty(), "{} names paths that do not exist: {missing:?}", shown(&page));
    }
    let planted =
        missing_paths(&root().join("docs/api.md"), "`src/lib.rs` `src/gone.rs` [a](verify.md) [b](gone.md)");
    assert_eq!(planted.len(), 2, "{planted:?}");
}

/// The front page fits in 8 kB, a page of `docs/` in 12 kB.
#[test]
fn every_page_is_short() {
    let bytes = |path: &Path| fs::metadata(path).unwrap().len();
    assert!(bytes(&root().join("README.md")) <= 8 * 1024, "README.md is too long");
    for page in files(&root().join("docs"), ".md") {
        assert!(bytes(&page) <= 12 * 1024, "{} is too long", shown(&page));
    }
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("#[ig", "nore")];
    for (path, text) in texts(&["src", "tests"], ".rs") {
        for mark in marks {
            assert!(!text.contains(mark), "{path} has a {mark}");
        }
    }
}
