//! Stores and backups that earlier versions left: each opens, is whole, and decides as it did.
//!
//! `tests/fixtures/stores/N/` is a data directory of layout N that was stopped, the backup that was made of it, and the
//! texts of its keys: keyspace, `good` or `bad`, text. Made once and never changed.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "binary/run.rs"]
mod binary;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use binary::{keyward, run};
use keyward::store::schema;

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// Runs the binary on a data directory: its exit code and its output.
fn tell(data: &Path, args: &[&str], input: &str) -> (i32, String) {
    let done = run(keyward(data, args), input);
    (done.code, done.out + &done.err)
}

fn is_as_it_was(data: &Path, texts: &str) {
    for args in [&["check"][..], &["audit", "verify"]] {
        let (code, told) = tell(data, args, "");
        assert_eq!(code, 0, "{told}");
    }
    for line in texts.lines() {
        let mut words = line.splitn(3, ' ');
        let [keyspace, state, text] = [(); 3].map(|()| words.next().unwrap());
        let (code, told) = tell(data, &["key", "verify", "--keyspace", keyspace], text);
        assert_eq!(code, if state == "good" { 0 } else { 4 }, "{keyspace}: {told}");
    }
}

#[test]
fn what_every_earlier_layout_left_is_whole_and_decides_as_it_did() {
    let stores = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores");
    for layout in 1..=schema::LAYOUT {
        let fixture = stores.join(layout.to_string());
        let texts = fs::read_to_string(fixture.join("texts"))
            .unwrap_or_else(|_| panic!("layout {layout} has no fixture"));
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        copy(&fixture, &data);
        is_as_it_was(&data, &texts);

        let restored = dir.path().join("restored");
        fs::create_dir(&restored).unwrap();
        fs::copy(data.join("secret"), restored.join("secret")).unwrap();
        let (code, told) = tell(&restored, &["restore", fixture.join("backup").to_str().unwrap()], "");
        assert_eq!(code, 0, "{told}");
        is_as_it_was(&restored, &texts);
    }
}
