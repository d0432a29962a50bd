//! Programs that clients of the documented APIs are written with.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::skipped::skipped;

/// Whether a program is there and does this without an error.
pub(crate) fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    let command = command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs a script of `tests/fixtures/clients` against a server, if its libraries are there: in the directory that
/// `KEYWARD_NODE_CLIENTS` names, or in `target/clients`, where `.ci/run` puts them.
pub(crate) fn run_script(name: &str, library: &str, server: SocketAddr) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let usual = || root.join("target/clients");
    let libraries = std::env::var_os("KEYWARD_NODE_CLIENTS").map_or_else(usual, PathBuf::from);
    if !libraries.join("node_modules").join(library).is_dir() || !succeeds("node", &["--version"]) {
        skipped(&format!("there is no node with {library}: npm install --prefix target/clients {library}"));
        return;
    }
    let mut node = Command::new("node");
    node.arg(root.join("tests/fixtures/clients").join(name)).arg(format!("http://{server}"));
    let output = node.env("KEYWARD_NODE_CLIENTS", &libraries).env("NO_PROXY", "*").output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}
