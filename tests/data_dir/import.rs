//! Moving in with the real binary: an import that is killed and run again has every line once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use crate::binary::{Done, keyward, run};
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

#[test]
fn a_line_says_all_that_is_known_of_a_key_in_every_form_that_systems_keep() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    started_once(&data);
    let hash = |text: &str| hex::encode(&*DigestScheme::Sha256.digest(text.as_bytes()));
    let long = format!("sk-proj-{}", "x9".repeat(78));
    let lines = [
        "\u{feff}{\"key\":\"marked-key-0123\"}\r".to_owned(),
        format!("{{\"hash\":\"{}\",\"algorithm\":\"sha256\",\"length\":164}}", hash(&long)),
        format!("{{\"hash\":\"\\\\x{}\",\"algorithm\":\"sha256\"}}", hash("postgres-key-01")),
        format!("{{\"hash\":\"sha256$${}\"}}", hash("django-key-0001")),
        format!("{{\"hash\":\"{}\",\"algorithm\":\"sha256\",\"of\":\"after:|\"}}", hash("laravel-key-001")),
        "{\"key\":\"old-key-00000001\",\"created_at\":\"2020-01-02T03:04:05Z\",\"last_used_at\":\"2021-01-01T00:00:00Z\",\"comment\":\"from before\"}".to_owned(),
        "{\"key\":\"revoked-key-0001\",\"revoked\":true}".to_owned(),
        "{\"key\":\"revoked-key-0002\",\"revoked_at\":\"2021-01-01T00:00:00Z\"}".to_owned(),
    ];
    let file = dir.path().join("keys.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let import = ["key", "import", file.to_str().unwrap(), "--owner", "flo"];
    let (code, out, error) = tell(&data, &import, "");
    assert_eq!((code, out.trim()), (0, "8 imported, 0 were there already, 0 refused"), "{error}");
    assert!(error.contains("importing: 8 of 8"), "the last line has no end: {error}");
    let good = [
        "marked-key-0123",
        &long,
        "postgres-key-01",
        "django-key-0001",
        "7|laravel-key-001",
        "old-key-00000001",
    ];
    for text in good {
        let (code, out, error) = tell(&data, &["key", "verify"], text);
        assert_eq!(code, 0, "{text}: {out}{error}");
    }
    for text in ["laravel-key-001", "revoked-key-0001", "revoked-key-0002"] {
        assert_ne!(tell(&data, &["key", "verify"], text).0, 0, "{text}");
    }
    let (_, list, _) = tell(&data, &["key", "list", "--owner", "flo", "--output", "json"], "");
    assert!(list.contains("2020-01-02T03:04:05") && list.contains("from before"), "{list}");

    let salted =
        "{\"hash\":\"$2b$10$7bfeUJbTr/71x/6VdGC1eOFB5tdn84hoXvPigS9mGx7hyKvFsCeFO\",\"prefix\":\"sk_live\"}";
    for dry in [&["--dry-run"][..], &[]] {
        let import = [&["key", "import", "-", "--owner", "flo"], dry].concat();
        let (code, _, error) = tell(&data, &import, salted);
        assert!(code == 0 && error.contains("may take up to 1 s of work"), "{dry:?}: {error}");
        assert!(error.contains("a hash does not show whether another key has the same text"), "{error}");
    }
    for (line, wrong) in [
        ("{\"key\":\"a-key-0001\",\"of\":\"after:|\"}", "give key, or hash with algorithm"),
        (
            "{\"hash\":\"00\",\"algorithm\":\"sha256\",\"of\":\"before:|\"}",
            "of must begin with after: or last:",
        ),
        ("{\"hash\":\"00\",\"algorithm\":\"sha256\",\"length\":600}", "length must be 8 to 512"),
        ("{\"key\":\"a-key-0001\",\"created_at\":\"yesterday\"}", "created_at must be like"),
        (
            "{\"key\":\"a-key-0001\",\"revoked_at\":\"2999-01-01T00:00:00Z\"}",
            "revoked_at must not lie in the future",
        ),
        ("{\"key\":\"a-key-0001\",\"revoked\":false,\"revoked_at\":\"2021-01-01T00:00:00Z\"}", "is revoked"),
        ("{\"hash\":\"sha512$$00\"}", "wrong length"),
    ] {
        let (code, _, error) = tell(&data, &["key", "import", "-", "--owner", "flo"], line);
        assert!(code == 1 && error.contains("line 1: ") && error.contains(wrong), "{line}: {error}");
    }
}
