//! Backups with the real binary: what was acknowledged is in them, what was revoked since does not come back unasked,
//! and a kill while a store is replaced leaves the old one or the new one.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::binary::{Done, keyward, run};
use serde_json::Value;
use tempfile::TempDir;

struct Site {
    dir: TempDir,
}

impl Site {
    /// A store with the user flo, as a server left it that was stopped.
    fn new() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap() };
        drop(site.serve());
        site.ok(&["user", "add", "flo"]);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = keyward(&self.path("data"), args);
        command.current_dir(self.dir.path());
        command
    }

    /// A run whose output is not read.
    fn quiet(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn run_with(&self, args: &[&str], input: &str) -> Done {
        run(self.command(args), input)
    }

    fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "")
    }

    fn ok(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {} {}", done.out, done.err);
        done.out
    }

    fn serve(&self) -> Server {
        let mut child = self.command(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on "), "{line}");
        Server(child)
    }

    /// A new key of flo's: its id and its text.
    fn key(&self) -> (String, String) {
        let out = self.ok(&["key", "create", "--owner", "flo", "--output", "json"]);
        let key: Value = serde_json::from_str(&out).unwrap();
        (key["key"]["id"].as_str().unwrap().to_owned(), key["text"].as_str().unwrap().to_owned())
    }

    fn is_good(&self, text: &str) -> bool {
        match self.run_with(&["key", "verify"], text).code {
            0 => true,
            4 => false,
            other => panic!("verify ended with {other}"),
        }
    }

    /// What `check` counts, in a store without findings.
    fn counts(&self) -> Value {
        let report: Value = serde_json::from_str(&self.ok(&["check", "--output", "json"])).unwrap();
        assert_eq!(report["findings"], Value::Array(Vec::new()));
        report
    }
}

/// A server at work, killed when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn contents(dir: &Path) -> u64 {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn a_backup_made_while_keys_are_made_is_whole_and_moves_to_another_machine() {
    let site = Site::new();
    let lines = |from: usize| -> String {
        (from..from + 6_000)
            .map(|nth| format!("{{\"key\":\"other_{nth:08}\",\"owner\":\"flo\"}}\n"))
            .collect()
    };
    let import = |site: &Site, from| {
        let done = site.run_with(&["key", "import", "-"], &lines(from));
        assert_eq!(done.code, 0, "{}", done.err);
    };
    import(&site, 0);
    let server = site.serve();
    let (_, text) = site.key();
    std::thread::scope(|scope| {
        let more = scope.spawn(|| import(&site, 6_000));
        let told = site.ok(&["backup", "first"]);
        assert!(told.contains("the secret file is not in it"), "{told}");
        more.join().unwrap();
    });
    site.ok(&["backup", "second"]);
    let whole = site.counts();
    drop(server);

    for (file, all) in [("first", false), ("second", true)] {
        let other = Site { dir: tempfile::tempdir().unwrap() };
        fs::copy(site.path(file), other.path(file)).unwrap();
        let done = other.run(&["restore", file]);
        assert!(done.code == 5 && done.err.contains("secret file"), "without its secret: {}", done.err);
        fs::create_dir(other.path("data")).unwrap();
        fs::copy(site.path("data/secret"), other.path("data/secret")).unwrap();
        assert_eq!(other.ok(&["restore", file]), "restored\n");
        assert!(other.is_good(&text) && other.is_good("other_00000000"));
        let counts = other.counts();
        assert_eq!(counts == whole, all, "{counts}, all: {whole}");
        assert!(counts["keys"].as_u64() >= Some(6_001));
    }
    assert!(!site.path("first.partial").exists());
}

#[test]
fn what_was_taken_away_since_comes_back_only_when_asked_for() {
    let site = Site::new();
    site.ok(&["user", "add", "bo"]);
    let (kept, kept_text) = site.key();
    let gone: Vec<_> = ["revoke", "suspend", "rotate", "delete"].map(|how| (how, site.key())).into();
    let bo: Value =
        serde_json::from_str(&site.ok(&["key", "create", "--owner", "bo", "--output", "json"])).unwrap();
    let bo = (bo["key"]["id"].as_str().unwrap(), bo["text"].as_str().unwrap());
    site.ok(&["backup", "before"]);
    for (how, (id, _)) in &gone {
        site.ok(&["key", how, id]);
    }
    site.ok(&["user", "set", "bo", "--status", "blocked"]);
    let (_, later) = site.key();
    let counts = site.counts();

    let done = site.run(&["restore", "before"]);
    assert_eq!(done.code, 1, "{}", done.err);
    for ((_, (id, _)), because) in gone.iter().zip(["revoked", "suspended", "rotated", "deleted"]) {
        let line = done.out.lines().find(|line| line.starts_with(id.as_str())).unwrap();
        assert!(line.ends_with(&format!("of flo: {because} since")), "{line}");
    }
    assert!(done.out.contains("user bo: blocked since"), "{}", done.out);
    assert!(!done.out.contains(&kept) && done.out.lines().count() == 5, "{}", done.out);
    assert_eq!(site.counts(), counts, "nothing was restored");
    let all = || gone.iter().map(|(_, (_, text))| text.as_str()).chain([bo.1]);
    assert!(all().all(|text| !site.is_good(text)) && site.is_good(&later));

    let done = site.run(&["restore", "before", "--bring-back"]);
    assert!(done.code == 0 && done.err.contains("the old store is in "), "{}", done.err);
    assert!(all().all(|text| site.is_good(text)) && site.is_good(&kept_text));
    assert!(!site.is_good(&later), "it was made after the backup");
}

#[test]
fn what_is_not_a_whole_backup_is_refused_and_so_is_a_store_in_use() {
    let site = Site::new();
    let (_, text) = site.key();
    site.ok(&["backup", "good"]);
    let mut bytes = fs::read(site.path("good")).unwrap();
    fs::write(site.path("twice"), bytes.repeat(2)).unwrap();
    fs::write(site.path("cut"), &bytes[..bytes.len() - 1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(site.path("damaged"), &bytes).unwrap();
    fs::write(site.path("other"), "something else").unwrap();
    let server = site.serve();
    let done = site.run(&["restore", "good"]);
    assert!(done.code == 5 && done.err.contains("in use"), "{}", done.err);
    assert_eq!(site.run(&["compact"]).code, 5);
    assert!(site.is_good(&text));
    drop(server);
    for file in ["cut", "damaged", "twice", "other", "absent", "."] {
        for more in [&[][..], &["--bring-back"]] {
            let done = site.run(&[&["restore", file], more].concat());
            assert!(
                done.code == 1 && done.err.contains(&format!("the backup {file}: ")),
                "{file}: {}",
                done.err
            );
        }
        assert!(site.is_good(&text));
    }
    assert!(!site.path("data/replacement.partial").exists() && !site.path("data/replaced").exists());
}

#[test]
fn nothing_is_overwritten_unasked_and_nothing_half_is_left() {
    let site = Site::new();
    let (_, text) = site.key();
    fs::write(site.path("mine"), "mine").unwrap();
    let done = site.run(&["backup", "mine"]);
    assert!(done.code == 1 && done.err.contains("mine exists already"), "{}", done.err);
    assert_eq!(fs::read_to_string(site.path("mine")).unwrap(), "mine");
    site.ok(&["backup", "mine", "--force"]);
    for place in ["absent/file", "mine/file"] {
        let done = site.run(&["backup", place]);
        assert!(
            done.code == 1 && done.err.contains(&format!("the backup {place} could not")),
            "{}",
            done.err
        );
    }
    let entries = || -> Vec<_> {
        let mut names: Vec<_> =
            fs::read_dir(site.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(entries(), ["data", "mine"]);

    // The store that was replaced is the only copy of what came after the backup.
    site.ok(&["restore", "mine"]);
    let kept = contents(&site.path("data/replaced/db"));
    for refused in [&["restore", "mine"][..], &["check", "--repair"]] {
        let done = site.run(refused);
        assert!(done.code == 1 && done.err.contains("data/replaced holds the store"), "{}", done.err);
        assert_eq!(contents(&site.path("data/replaced/db")), kept);
    }
    site.ok(&["compact"]);
    assert_eq!(contents(&site.path("data/replaced/db")), kept);
    site.ok(&["restore", "mine", "--force"]);
    assert!(site.is_good(&text));

    let other = Site { dir: tempfile::tempdir().unwrap() };
    fs::write(other.path("damaged"), "keyward-backup 1\n").unwrap();
    for file in ["damaged", "absent"] {
        let secret = site.path("data/secret");
        let secret = ["--secret-file", secret.to_str().unwrap()];
        assert_eq!(other.run(&[&["--data", "far/away", "restore", file], &secret[..]].concat()).code, 1);
        assert_eq!(other.run(&[&["restore", file], &secret[..]].concat()).code, 1);
        assert_eq!(
            other.run(&["restore", file]).code,
            if file == "absent" { 1 } else { 5 },
            "without a secret"
        );
        assert!(!other.path("far").exists() && !other.path("data").exists(), "{file}");
    }
}

#[test]
fn numbers_of_users_that_were_given_out_since_are_not_given_out_again() {
    let site = Site::new();
    site.ok(&["backup", "before"]);
    let number = |site: &Site, name: &str| -> Value {
        let user: Value = serde_json::from_str(&site.ok(&["user", "add", name, "--output", "json"])).unwrap();
        user["id"].clone()
    };
    let later = number(&site, "later");
    site.ok(&["restore", "before"]);
    assert_ne!(number(&site, "other"), later);
    site.counts();
}

#[test]
fn compacting_takes_nothing_but_space() {
    let site = Site::new();
    let (_, text) = site.key();
    site.ok(&["user", "add", "bo"]);
    let lines: String =
        (0..4_000).map(|nth| format!("{{\"key\":\"other_{nth:08}\",\"owner\":\"bo\"}}\n")).collect();
    assert_eq!(site.run_with(&["key", "import", "-"], &lines).code, 0);
    site.ok(&["user", "remove", "bo"]);
    let counts = site.counts();
    let before = contents(&site.path("data/db"));
    let told = site.ok(&["compact"]);
    assert!(told.contains(" kB before, "), "{told}");
    let after = contents(&site.path("data/db"));
    assert!(after < before / 2, "{before} bytes before, {after} after");
    assert_eq!(site.counts(), counts);
    assert!(site.is_good(&text) && !site.path("data/replaced").exists());
}

#[test]
fn a_kill_while_a_store_is_replaced_leaves_one_of_both_whole() {
    let site = Site::new();
    let (_, text) = site.key();
    site.ok(&["backup", "before"]);
    let old = site.counts();
    let (_, later) = site.key();
    // How often a process can be looked at while it runs says where in its life it is.
    let whole = looks(&mut site.quiet(&["compact"]), u64::MAX);
    let (mut kept, mut replaced) = (0, 0);
    for nth in 0..24 {
        let args: &[&str] = if nth % 2 == 0 { &["compact"] } else { &["restore", "before", "--force"] };
        let mut child = site.quiet(args);
        looks(&mut child, whole * nth / 20);
        let _ = child.kill();
        child.wait().unwrap();
        let counts = site.counts();
        assert!(site.is_good(&text), "round {nth}");
        if counts == old {
            assert!(!site.is_good(&later));
            replaced += 1;
            // Forth again, for the next round.
            fs::remove_dir_all(site.path("data")).unwrap();
            copy(&site.path("saved"), &site.path("data"));
        } else {
            assert!(site.is_good(&later), "round {nth}");
            kept += 1;
        }
        if nth == 0 {
            copy(&site.path("data"), &site.path("saved"));
        }
    }
    assert!(kept > 0 && kept + replaced == 24);
}

/// Looks at a process until it has ended, at most so often; how often.
fn looks(child: &mut Child, most: u64) -> u64 {
    (0..most).find(|_| child.try_wait().unwrap().is_some()).unwrap_or(most)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_pepper_is_rotated_and_retired_when_its_keys_have_been_used() {
    let site = Site::new();
    let (_, used) = site.key();
    let (idle, _) = site.key();
    site.ok(&["secret", "rotate"]);
    let server = site.serve();
    let (_, newer) = site.key();
    let secrets = |site: &Site| -> Value {
        let listed: Value = serde_json::from_str(&site.ok(&["secret", "list", "--output", "json"])).unwrap();
        listed["peppers"].as_array().unwrap().iter().map(|pepper| pepper["secrets"].clone()).collect()
    };
    assert_eq!(secrets(&site), serde_json::json!([2, 1]));
    assert_eq!(site.run(&["secret", "retire", "1"]).code, 5, "a server runs");
    drop(server);
    assert!(site.is_good(&used) && site.is_good(&newer));
    assert_eq!(secrets(&site), serde_json::json!([1, 2]));
    let done = site.run(&["secret", "retire", "1"]);
    assert!(done.code == 1 && done.err.contains("1 secrets are known under pepper 1 alone"), "{}", done.err);
    site.ok(&["key", "rotate", &idle]);
    assert_eq!(site.run(&["secret", "retire", "2"]).code, 1, "it is the current one");
    assert_eq!(site.ok(&["secret", "retire", "1"]), "pepper 1 is retired\n");
    let file = fs::read_to_string(site.path("data/secret")).unwrap();
    assert!(!file.contains("pepper 1 ") && file.contains("pepper 2 "));
    assert!(site.is_good(&used) && site.is_good(&newer));
    assert_eq!(site.counts()["keys"], 3);
    fs::remove_file(site.path("data/secret")).unwrap();
    let done = site.run(&["check"]);
    assert!(
        done.code == 5 && done.err.contains("without it no issued key verifies any more"),
        "{}",
        done.err
    );
}
