//! The console in a real browser: the documents' stories by their visible words, every page looked at, and what
//! hostile names come to. Needs Chromium, node and three npm packages; without them it says so and passes.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../skipped/said.rs"]
mod skipped;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use skipped::skipped;

/// What the stories need: a browser, and where the npm packages are. Why not, where something is missing.
fn needed() -> Result<(PathBuf, PathBuf), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
    let libraries = named("KEYWARD_NODE_CLIENTS").unwrap_or_else(|| root.join("target/clients"));
    for library in ["playwright-core", "axe-core", "html-validate"] {
        if !libraries.join("node_modules").join(library).is_dir() {
            return Err(format!("there is no {library}: npm install --prefix target/clients {library}"));
        }
    }
    let browsers = named("KEYWARD_CHROMIUM").into_iter().chain(["/usr/bin/chromium".into()]);
    let browser = browsers.into_iter().find(|browser| browser.is_file());
    browser.map(|browser| (browser, libraries)).ok_or_else(|| "there is no Chromium".to_owned())
}

/// A server on a directory of its own.
struct Site {
    _dir: TempDir,
    server: Child,
    address: SocketAddr,
}

impl Site {
    fn serve(demo: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(demo.then_some("--demo"));
        command.env_clear().env("KEYWARD_DATA", dir.path().join("data")).env("TMPDIR", dir.path());
        command.env("KEYWARD_LOG", "trace").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self { _dir: dir, server, address }
    }

    /// A native key of the demo's administrator.
    fn administrator_key(&self) -> String {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--noproxy", "*", "-u", "admin:admin", "-H", "content-type: application/json"]);
        curl.args(["-d", r#"{"keyspace":"native","level":8}"#])
            .arg(format!("http://{}/v1/keys", self.address));
        let answer: serde_json::Value = serde_json::from_slice(&curl.output().unwrap().stdout).unwrap();
        answer.get("text").unwrap().as_str().unwrap().to_owned()
    }

    fn stop(mut self) {
        kill_process(Pid::from_child(&self.server), Signal::TERM).unwrap();
        assert!(self.server.wait().unwrap().success());
    }
}

/// The code that the server printed for setting up.
fn setup_code(said: &mut BufReader<ChildStderr>) -> String {
    loop {
        let mut line = String::new();
        assert!(said.read_line(&mut line).unwrap() > 0, "no code was printed");
        if let Some((_, code)) = line.trim().rsplit_once("one-time code: ") {
            return code.to_owned();
        }
    }
}

/// Runs a story against a demo's server; what the story and the server said.
fn run(story: &str) -> Option<(String, String)> {
    let (browser, libraries) = match needed() {
        Ok(found) => found,
        Err(why) => {
            skipped(&why);
            return None;
        }
    };
    let mut site = Site::serve(story != "setup.mjs");
    let mut node = Command::new("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console").join(story));
    node.arg(format!("http://{}", site.address));
    node.env("KEYWARD_NODE_CLIENTS", libraries).env("KEYWARD_CHROMIUM", browser).env("NO_PROXY", "*");
    let mut said = BufReader::new(site.server.stderr.take().unwrap());
    if story == "setup.mjs" {
        node.env("KEYWARD_SETUP_CODE", setup_code(&mut said));
    } else {
        node.env("KEYWARD_TEST_KEY", site.administrator_key());
    }
    // Read meanwhile, or a server that says much would wait for a reader.
    let reader = std::thread::spawn(move || {
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        rest
    });
    let told = node.output().unwrap();
    site.stop();
    let said = reader.join().unwrap();
    assert!(told.status.success(), "{story}: {}", String::from_utf8_lossy(&told.stderr));
    Some((String::from_utf8(told.stdout).unwrap(), said))
}

#[test]
fn the_story_of_a_bot_user_and_its_key() {
    run("bot.mjs");
}

#[test]
fn the_story_of_api_access() {
    run("access.mjs");
}

#[test]
fn the_story_of_one_s_own_keys() {
    run("keys.mjs");
}

#[test]
fn the_first_visit_makes_the_administrator() {
    run("setup.mjs");
}

#[test]
fn every_page_is_accessible_and_valid_and_nothing_complains() {
    run("pages.mjs");
}

#[test]
fn hostile_names_stay_names_and_a_key_shown_once_is_nowhere_later() {
    let Some((told, said)) = run("hostile.mjs") else { return };
    let key = told.lines().find_map(|line| line.strip_prefix("shown once: ")).unwrap();
    assert!(said.contains("listening") && !said.contains(key), "the key is in the log");
}
