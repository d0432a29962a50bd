//! Stores and backups that earlier versions left: each opens, is whole, and decides as it did.
//!
//! `tests/fixtures/stores/N/` is a data directory of layout N that was stopped, the backup that was made of it, and the
//! texts of its keys: keyspace, `good` or `bad`, text. Made once and never changed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::binary::{keyward, run};
use crate::directory::copy_tree;
use crate::raw_sled::with_sled;
use keyward::store::sled::OpenOptions;
use keyward::store::{SledStore, StoreError, schema};
use tempfile::TempDir;

/// What layout `layout` left: its data directory, copied to a place of its own, and the fixture.
fn left_by(layout: u8) -> (TempDir, PathBuf, PathBuf) {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores").join(layout.to_string());
    assert!(fixture.is_dir(), "layout {layout} has no fixture");
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    copy_tree(&fixture, &data);
    // A checkout does not keep who may read a file.
    fs::set_permissions(data.join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    (dir, data, fixture)
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
    for layout in 1..=schema::LAYOUT {
        let (dir, data, fixture) = left_by(layout);
        let texts = fs::read_to_string(fixture.join("texts")).unwrap();
        is_as_it_was(&data, &texts);

        let restored = dir.path().join("restored");
        fs::create_dir(&restored).unwrap();
        fs::copy(data.join("secret"), restored.join("secret")).unwrap();
        let (code, told) = tell(&restored, &["restore", fixture.join("backup").to_str().unwrap()], "");
        assert_eq!(code, 0, "{told}");
        is_as_it_was(&restored, &texts);
    }
}

/// The directory that layout 1 left, as a crash leaves it that comes right after its database was brought up to date.
#[test]
fn an_update_of_the_layout_that_a_crash_interrupts_is_gone_on_with() {
    let (_dir, data, fixture) = left_by(1);
    drop(SledStore::open(&data, OpenOptions::default()).unwrap());
    let watermark = data.join("watermark");
    let mut slots = fs::read(&watermark).unwrap();
    let sequence = |at: usize| u64::from_be_bytes(slots[at + 8..at + 16].try_into().unwrap());
    // What the older slot says was written as the open began.
    let newest = if sequence(0) > sequence(4096) { 0 } else { 4096 };
    slots[newest] ^= 1;
    fs::write(&watermark, slots).unwrap();
    is_as_it_was(&data, &fs::read_to_string(fixture.join("texts")).unwrap());
}

#[test]
fn an_earlier_layout_is_counted_as_it_was_before_it_is_brought_up_to_date() {
    let (_dir, data, _) = left_by(1);
    with_sled(&data, |database| {
        let (key, _) = database.scan_prefix(schema::KEYS).next().unwrap().unwrap();
        database.remove(key).unwrap().unwrap();
    });
    assert!(matches!(SledStore::open(&data, OpenOptions::default()), Err(StoreError::Missing { .. })));
}
