//! A store whose indexes are wrong, and whose entries are damaged: found, and made whole from its records.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "binary/run.rs"]
mod binary;

use std::path::Path;

use binary::{keyward, run};
use keyward::config::SecretFile;
use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::key::{Actor, Level, Role};
use keyward::store::sled::OpenOptions;
use keyward::store::{Batch, SledStore, Store as _, schema};
use serde_json::Value;
use tempfile::TempDir;

/// A store with a user and keys, one of them deleted; the texts of those that are good.
fn filled() -> (TempDir, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = SledStore::open(dir.path(), OpenOptions::default()).unwrap();
    let peppers = SecretFile::at(dir.path().join("secret")).read_or_create(true, &OsEntropy).unwrap();
    let engine = Engine::open(Parts::new(store, peppers)).unwrap();
    let mut flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
    flo.email = Some("flo@example.org".parse().unwrap());
    let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
    let create = || {
        let new = NewKey::new("native".parse().unwrap(), flo, Level::OWN);
        engine.create_key(Actor::Operator, new).unwrap()
    };
    let texts = (0..5).map(|_| create().1.reveal().to_string()).collect();
    let (deleted, _) = create();
    engine.delete_key(Actor::Operator, deleted.id).unwrap();
    engine.stop().unwrap();
    (dir, texts)
}

/// Runs the binary on a directory: its exit code and its standard output.
fn tell(dir: &Path, args: &[&str], input: &str) -> (i32, String) {
    let done = run(keyward(dir, args), input);
    (done.code, done.out)
}

fn findings(dir: &Path) -> usize {
    let done = run(keyward(dir, &["check", "--output", "json"]), "");
    let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|_| panic!("{}", done.err));
    report.get("findings").unwrap().as_array().unwrap().len()
}

fn are_good(dir: &Path, texts: &[String]) {
    for text in texts {
        assert_eq!(tell(dir, &["key", "verify"], text).0, 0);
    }
}

/// The places in the whole store, but for what the store keeps of itself.
fn places(dir: &Path) -> Vec<Vec<u8>> {
    let (store, _) = SledStore::open(dir, OpenOptions::default()).unwrap();
    let places = store.scan(b"", None, usize::MAX).unwrap().into_iter().map(|entry| entry.key).collect();
    store.close().unwrap();
    places
}

fn change(dir: &Path, change: impl FnOnce(&mut Batch)) {
    let (store, _) = SledStore::open(dir, OpenOptions::default()).unwrap();
    let mut batch = Batch::default();
    change(&mut batch);
    store.commit(batch).unwrap();
    store.close().unwrap();
}

#[test]
fn wrong_indexes_are_found_and_made_again() {
    let (dir, texts) = filled();
    let dir = dir.path();
    let whole = places(dir);
    let records: [&[u8]; 6] =
        [schema::KEYS, schema::USERS, schema::AUDIT, schema::DELETED, schema::REQUESTS, b"m/"];
    let indexes = whole.iter().filter(|place| !records.iter().any(|record| place.starts_with(record)));
    for (nth, place) in indexes.enumerate() {
        change(dir, |batch| match nth % 2 {
            0 => batch.delete(place.clone()),
            _ => batch.put(place.clone(), b"something else"),
        });
    }
    change(dir, |batch| {
        batch.put(schema::name("ghost"), b"");
        batch.delete(schema::AUDIT_HEAD);
        batch.delete(schema::USER_COUNTER);
    });
    let planted = findings(dir);
    assert!(planted > 20, "{planted}");
    let (code, told) = tell(dir, &["check", "--repair"], "");
    assert!(code == 0 && told.contains("0 lost"), "{told}");
    assert_eq!(findings(dir), 0);
    assert_eq!(places(dir), whole);
    are_good(dir, &texts);
    let kept = dir.join("replaced");
    assert!(kept.join("db").is_dir() && kept.join("watermark").is_file());
}

#[test]
fn damaged_entries_are_left_out_and_named_and_what_follows_from_others_comes_back() {
    let (dir, texts) = filled();
    let dir = dir.path();
    let whole = places(dir);
    // Below the store, as a bad disk does it: one bit in the value of an index entry, and in that of a key.
    let hot = whole.iter().find(|place| place.starts_with(schema::HOT)).unwrap();
    let key = whole.iter().rfind(|place| place.starts_with(schema::KEYS)).unwrap();
    let database =
        sled::Config::new().path(dir.join("db")).segment_size(keyward::limits::STORE_SEGMENT_BYTES);
    let database = database.open().unwrap();
    for place in [hot, key] {
        let mut value = database.get(place).unwrap().unwrap().to_vec();
        *value.last_mut().unwrap() ^= 1;
        database.insert(place, value).unwrap();
    }
    database.flush().unwrap();
    drop(database);
    // A bad disk leaves no clean stop to trust.
    let _ = std::fs::remove_file(dir.join("index"));
    let (code, told) = tell(dir, &["check", "--repair"], "");
    assert_eq!(code, 1, "something is lost: {told}");
    assert!(told.contains(&schema::printable(hot)) && told.contains(&schema::printable(key)), "{told}");
    assert!(told.contains("2 lost"), "{told}");
    assert_eq!(findings(dir), 0);
    let good = texts.iter().filter(|text| tell(dir, &["key", "verify"], text).0 == 0).count();
    assert_eq!(good, texts.len() - 1, "only the key whose record is gone is gone");
}
