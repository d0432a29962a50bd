//! The engine alone, without the `server` feature, brings no HTTP, schema or token crate into an embedder's tree.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::process::Command;

/// Crates that only the server, its dialects or its command line need.
const SERVER_ONLY: [&str; 17] = [
    "clap",
    "cookie",
    "csv",
    "form_urlencoded",
    "h2",
    "http",
    "httparse",
    "hyper",
    "jsonwebtoken",
    "maud",
    "percent-encoding",
    "quick-xml",
    "rustls",
    "schemars",
    "serde_path_to_error",
    "tokio",
    "warp",
];

/// Names of the crates that a build with these arguments depends on.
fn tree(arguments: &[&str]) -> Vec<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let output = cargo.args(arguments).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    names.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_engine_alone_depends_on_no_crate_of_the_server() {
    let found = tree(&["--no-default-features"]);
    assert!(found.iter().any(|name| name == "sled"), "the tree is not read");
    let found: Vec<_> = SERVER_ONLY.iter().filter(|name| found.iter().any(|other| other == *name)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn the_server_depends_on_the_crates_that_the_engine_does_without() {
    let found = tree(&[]);
    for name in ["httparse", "schemars", "warp"] {
        assert!(
            found.iter().any(|other| other == name),
            "{name} is not in the tree: the other test proves nothing"
        );
    }
}
