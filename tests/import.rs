//! Moving in with the real binary: an import that is killed and run again has every line once.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "binary/run.rs"]
mod binary;

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use binary::{Done, keyward, run};
use keyward::key::DigestScheme;
use serde_json::Value;

const LINES: usize = 20_000;

fn text(nth: usize) -> String {
    format!("sk_live_{nth:032}")
}

fn tell(data: &Path, args: &[&str], input: &str) -> (i32, String, String) {
    let Done { code, out, err } = run(keyward(data, args), input);
    (code, out, err)
}

/// What the first start makes, and the user `flo`.
fn started_once(data: &Path) {
    let mut server = keyward(data, &["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (code, _, error) = tell(data, &["user", "add", "flo"], "");
    assert_eq!(code, 0, "{error}");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn an_import_that_was_killed_is_run_again_and_has_every_line_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    started_once(&data);
    let line = |nth| {
        let digest = DigestScheme::Sha256.digest(text(nth).as_bytes());
        format!("{{\"hash\":\"{}\",\"algorithm\":\"sha256\",\"owner\":\"flo\"}}\n", hex::encode(&*digest))
    };
    let file = dir.path().join("keys.jsonl");
    std::fs::write(&file, (0..LINES).map(line).collect::<String>()).unwrap();
    let file = file.to_str().unwrap();
    let import = ["key", "import", file, "--output", "json"];

    let mut child = keyward(&data, &import).spawn().unwrap();
    let progress = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = progress.map(Result::unwrap).find(|line| line.starts_with("importing: "));
    assert!(told.is_some(), "it says how far it is");
    child.kill().unwrap();
    child.wait().unwrap();

    let sum = |dry: bool| -> Value {
        let args = [&import[..], if dry { &["--dry-run"] } else { &[] }].concat();
        let (code, out, error) = tell(&data, &args, "");
        assert_eq!(code, 0, "{error}");
        serde_json::from_str(&out).unwrap()
    };
    let left = sum(true);
    let existing = left["existing"].as_u64().unwrap();
    assert!(existing > 0 && existing < LINES as u64, "it was killed on its way: {left}");
    assert_eq!(sum(false), left, "the dry run was right");
    assert_eq!(sum(false)["existing"], LINES, "every line is there");

    let (_, report, _) = tell(&data, &["check", "--output", "json"], "");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["keys"], &report["findings"]), (&LINES.into(), &Value::Array(Vec::new())));
    for nth in [0, LINES / 2, LINES - 1] {
        let (code, out, _) = tell(&data, &["key", "verify"], &text(nth));
        assert!(code == 0 && out.starts_with("valid: key "), "{out}");
    }
    let (code, ..) = tell(&data, &["key", "verify"], &text(LINES));
    assert_ne!(code, 0, "nobody has it");
}

#[test]
fn wrong_lines_are_told_by_their_numbers_and_stop_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    started_once(&data);
    let lines = "\n{\"key\":\"a-good-key-0001\"}\nnonsense\n{\"key\":\"short\"}\n{\"key\":\"a-good-key-0002\",\"owner\":\"nobody\"}\n{\"key\":\"a-good-key-0003\",\"more\":1}\n";
    let (code, out, error) = tell(&data, &["key", "import", "-", "--owner", "flo", "--level", "3"], lines);
    assert_eq!((code, out.trim()), (1, "1 imported, 0 were there already, 4 refused"), "{error}");
    for number in 3..=6 {
        assert!(error.contains(&format!("line {number}: ")), "{number}: {error}");
    }
    assert!(!error.contains("a-good-key"), "no key is repeated: {error}");
    let (_, out, _) = tell(&data, &["key", "verify", "--level", "3"], "a-good-key-0001");
    assert!(out.contains("of flo, level 3"), "{out}");
}
