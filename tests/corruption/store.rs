//! The store alone: its files damaged, emptied and exchanged, one at a time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use keyward::store::sled::{LastStop, OpenOptions, Opened};
use keyward::store::{Batch, Entry, SledStore, Store, StoreError, schema};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tempfile::TempDir;

use super::damage::flip;
use super::directory::copy_tree;
use super::raw_sled::with_sled;

/// As a large store opens.
pub(super) const UNCOUNTED: OpenOptions = OpenOptions { recover: false, counted_max: 0 };
const RECOVER: OpenOptions = OpenOptions { recover: true, counted_max: u64::MAX };

pub(super) fn open(dir: &Path) -> Result<(SledStore, Opened), StoreError> {
    SledStore::open(dir, OpenOptions::default())
}

fn all(store: &SledStore) -> Result<BTreeMap<Vec<u8>, Entry>, StoreError> {
    let entries = store.scan(b"", None, usize::MAX)?;
    Ok(entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect())
}

/// A store with something in it, closed in good order or not; with it all its entries.
fn filled(commits: u64, clean: bool) -> (TempDir, BTreeMap<Vec<u8>, Entry>) {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    for n in 1..=commits {
        let mut batch = Batch::default();
        for i in 0..10 {
            let key = [b"k/", &(n * 7 % 50 * 10 + i).to_be_bytes()[..]].concat();
            batch.put(key.clone(), [n as u8; 120]);
        }
        batch.put(b"m/test", n.to_be_bytes());
        store.commit(batch).unwrap();
    }
    let entries = all(&store).unwrap();
    if clean {
        store.close().unwrap();
    }
    drop(store);
    (dir, entries)
}

fn files(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    named.map(|entry| entry.path()).collect()
}

#[test]
fn an_unfinished_snapshot_is_removed() {
    for clean in [true, false] {
        let (dir, entries) = filled(20, clean);
        let planted = dir.path().join("db/snap.00000000000FFFFF.generating");
        fs::write(&planted, b"half").unwrap();
        let (store, _) = open(dir.path()).unwrap();
        assert_eq!(all(&store).unwrap(), entries);
        assert!(!planted.exists());
    }
}

#[test]
fn a_damaged_snapshot_is_set_aside_and_nothing_is_missing() {
    for clean in [true, false] {
        let (dir, _) = filled(20, true);
        // sled writes a snapshot when it opens a database that has grown.
        let (store, _) = open(dir.path()).unwrap();
        let entries = all(&store).unwrap();
        if clean {
            store.close().unwrap();
        }
        drop(store);
        let snapshots = files(&dir.path().join("db"), "snap.");
        assert!(!snapshots.is_empty(), "there is no snapshot to damage");
        for snapshot in &snapshots {
            flip(snapshot, 100);
        }
        let (store, opened) = open(dir.path()).unwrap();
        assert_eq!(all(&store).unwrap(), entries);
        let set_aside = opened.set_aside.unwrap();
        assert!(!files(&set_aside, "snap.").is_empty(), "the damaged snapshot was not kept");
        drop(store);
        let (store, opened) = open(dir.path()).unwrap();
        assert_eq!((all(&store).unwrap(), opened.set_aside), (entries, None));
    }
}

#[test]
fn an_emptied_database_is_never_taken_for_a_new_store() {
    type Emptying = fn(&Path);
    let ways: [(&str, Emptying); 4] = [
        ("deleted", |dir| fs::remove_file(dir.join("db/db")).unwrap()),
        ("cut to nothing", |dir| fs::File::create(dir.join("db/db")).map(drop).unwrap()),
        ("zeroed", |dir| {
            let length = fs::metadata(dir.join("db/db")).unwrap().len();
            fs::write(dir.join("db/db"), vec![0; length as usize]).unwrap();
        }),
        ("deleted with everything", |dir| fs::remove_dir_all(dir.join("db")).unwrap()),
    ];
    for (name, empty) in ways {
        for clean in [true, false] {
            let (dir, entries) = filled(3, clean);
            // An open and a clean stop bring the watermark up to date.
            if !clean {
                open(dir.path()).unwrap();
            }
            empty(dir.path());
            for _ in 0..2 {
                match open(dir.path()) {
                    Err(StoreError::Missing { report }) => assert!(report.contains("revision 3"), "{report}"),
                    other => panic!("{name}, clean {clean}: {other:?}"),
                }
            }
            let (store, opened) = SledStore::open(dir.path(), RECOVER).unwrap();
            assert!(opened.recovered.is_some());
            assert!(all(&store).unwrap().len() < entries.len());
            let next = store.commit(Batch::default()).unwrap();
            assert!(next.0 >= 3, "{name}: revisions went back to {next:?}");
            store.close().unwrap();
            drop(store);
            assert_eq!(open(dir.path()).unwrap().1.last_stop, LastStop::Clean);
        }
    }
}

#[test]
fn a_lost_watermark_is_refused_and_can_be_recovered() {
    let (dir, entries) = filled(3, true);
    fs::remove_file(dir.path().join("watermark")).unwrap();
    for _ in 0..2 {
        assert!(matches!(open(dir.path()), Err(StoreError::Missing { .. })));
    }
    let (store, _) = SledStore::open(dir.path(), RECOVER).unwrap();
    assert_eq!(all(&store).unwrap(), entries);
    drop(store);
    open(dir.path()).unwrap();
}

#[test]
fn a_recovered_store_shows_everything_that_is_left_even_without_its_tally() {
    let (dir, entries) = filled(3, true);
    fs::remove_file(dir.path().join("watermark")).unwrap();
    with_sled(dir.path(), |database| drop(database.remove(schema::DIGEST).unwrap().unwrap()));
    let (store, _) = SledStore::open(dir.path(), RECOVER).unwrap();
    assert_eq!(all(&store).unwrap(), entries);
    assert!(
        store.commit(Batch::default()).unwrap() >= entries.values().map(|entry| entry.version).max().unwrap()
    );
}

#[test]
fn a_torn_watermark_falls_back_to_its_other_slot() {
    for slot in [0, 4096] {
        for clean in [true, false] {
            let (dir, entries) = filled(3, clean);
            flip(&dir.path().join("watermark"), (slot + 20) * 8);
            let (store, _) = open(dir.path()).unwrap();
            assert_eq!(all(&store).unwrap(), entries);
        }
    }
}

#[test]
fn an_older_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old");
    let put = |n: u8| {
        let (store, _) = open(dir.path()).unwrap();
        let mut batch = Batch::default();
        batch.put([b'k', b'/', n], b"x");
        store.commit(batch).unwrap();
        store.close().unwrap();
    };
    put(1);
    fs::create_dir(&old).unwrap();
    for file in files(&dir.path().join("db"), "") {
        if file.is_file() {
            fs::copy(&file, old.join(file.file_name().unwrap())).unwrap();
        }
    }
    put(2);
    fs::create_dir(old.join("blobs")).unwrap();
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    fs::rename(&old, dir.path().join("db")).unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::Missing { .. })));
}

#[test]
fn an_interrupted_creation_begins_again() {
    // What a first start leaves when the power goes before it is done: a state that promises nothing.
    let (dir, _) = filled(0, true);
    let watermark = dir.path().join("watermark");
    fs::write(&watermark, b"").unwrap();
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    assert_eq!(open(dir.path()).unwrap().1.last_stop, LastStop::Never);
}

#[test]
fn a_copy_that_an_earlier_open_left_is_what_the_next_one_starts_from() {
    let (dir, entries) = filled(20, false);
    let (db, aside) = (dir.path().join("db"), dir.path().join("aside"));
    fs::rename(&db, &aside).unwrap();
    fs::create_dir(&db).unwrap();
    fs::create_dir(dir.path().join("aside.partial")).unwrap();
    let (store, opened) = open(dir.path()).unwrap();
    assert_eq!((all(&store).unwrap(), opened.last_stop), (entries, LastStop::Unclean));
    assert!(!aside.exists() && !dir.path().join("aside.partial").exists());
}

#[test]
fn flipped_bits_never_give_a_wrong_value() {
    let (mut refused, mut harmless) = (0, 0);
    let pristine = [filled(60, true), filled(60, false)];
    // An open brings the watermark up to date: damage may only go unnoticed in commits it does not know of yet.
    open(pristine[1].0.path()).unwrap();
    let mut random = StdRng::seed_from_u64(1);
    for round in 0..40 {
        let (dir, entries) = &pristine[round % 2];
        let length = fs::metadata(dir.path().join("db/db")).unwrap().len();
        let copy = tempfile::tempdir().unwrap();
        copy_tree(dir.path(), copy.path());
        for _ in 0..=round % 3 {
            flip(&copy.path().join("db/db"), random.random_range(0..length * 8));
        }
        let answer = open(copy.path()).and_then(|(store, _)| {
            for (key, entry) in entries {
                if let Ok(found) = store.get(key) {
                    assert_eq!(found.as_ref(), Some(entry), "round {round}: a wrong value");
                }
            }
            all(&store)
        });
        match answer {
            Ok(found) => {
                assert_eq!(&found, entries, "round {round}: wrong entries");
                harmless += 1;
            }
            Err(_) => refused += 1,
        }
    }
    println!("{refused} refused, {harmless} harmless");
    assert!(refused > 0, "no flip hit anything");
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _store = open(dir.path()).unwrap();
    let mut second = std::process::Command::new(std::env::current_exe().unwrap());
    second.args(["store::second", "--exact", "--nocapture"]).env("KEYWARD_SECOND", dir.path());
    let said = String::from_utf8(second.output().unwrap().stdout).unwrap();
    assert!(said.contains("is in use by another keyward process"), "{said}");
}

/// Not a test of its own: the other process.
#[test]
fn second() {
    if let Some(dir) = std::env::var_os("KEYWARD_SECOND") {
        println!("{}", open(Path::new(&dir)).unwrap_err());
    }
}

/// Counts what an open left to be counted.
fn counted(store: &SledStore) -> Result<(), StoreError> {
    while store.scrub()? {}
    Ok(())
}

#[test]
fn a_store_that_is_counted_while_it_is_open_is_counted_right_whatever_commits_do_meanwhile() {
    let (dir, _) = filled(300, true);
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..20 {
        let (store, _) = SledStore::open(dir.path(), UNCOUNTED).unwrap();
        for n in 0..8u8 {
            let mut batch = Batch::default();
            for _ in 0..random.random_range(1..200) {
                let place = [b"k/", &random.random_range(0..2_000u64).to_be_bytes()[..]].concat();
                if random.random() { batch.put(place, [n; 60]) } else { batch.delete(place) }
            }
            store.commit(batch).unwrap();
            store.scrub().unwrap();
        }
        counted(&store).unwrap();
        assert!(!store.scrub().unwrap(), "it is counted once");
        store.close().unwrap();
    }
}

#[test]
fn a_large_store_that_is_less_than_was_acknowledged_answers_nothing_once_it_is_counted() {
    for place in [&b"h/1"[..], b"a/1", b"k/1"] {
        let (dir, _) = filled(3, true);
        let (store, _) = open(dir.path()).unwrap();
        let mut batch = Batch::default();
        batch.put(place, b"live");
        store.commit(batch).unwrap();
        store.close().unwrap();
        drop(store);
        let older = with_sled(dir.path(), |database| database.get(place).unwrap().unwrap());
        let (store, _) = open(dir.path()).unwrap();
        let mut batch = Batch::default();
        batch.put(place, b"revoked");
        store.commit(batch).unwrap();
        store.close().unwrap();
        drop(store);
        // Sound in itself, and not what was acknowledged last.
        with_sled(dir.path(), |database| drop(database.insert(place, older).unwrap().unwrap()));
        let (store, _) = SledStore::open(dir.path(), UNCOUNTED).unwrap();
        assert_eq!(store.get(place).unwrap().unwrap().value, b"live", "it is not known yet");
        assert!(matches!(counted(&store), Err(StoreError::Missing { .. })));
        for _ in 0..2 {
            assert!(matches!(store.get(place), Err(StoreError::Missing { .. })));
            assert!(matches!(store.scan(b"", None, 1), Err(StoreError::Missing { .. })));
            assert!(matches!(store.scrub(), Err(StoreError::Missing { .. })));
            let mut batch = Batch::default();
            batch.put(b"k/2", b"x");
            assert!(matches!(store.commit(batch), Err(StoreError::Closed { .. })));
            assert!(store.close().is_err() && store.closed().is_some());
        }
        drop(store);
        assert!(matches!(SledStore::open(dir.path(), UNCOUNTED), Err(StoreError::Missing { .. })));
    }
}

/// A store that ran for long since its start: sled reads many segments of its log again, and takes a damaged message in
/// any but the last of them for the end of that segment.
#[test]
fn a_flipped_bit_in_a_long_log_is_never_taken_for_an_older_state() {
    let dir = tempfile::tempdir().unwrap();
    // Far from each other, so that few pages are written whole again.
    let place = |n: u64| [b"k/", &n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[..]].concat();
    let fill = |commits: u64, entries: u64, mut number: Box<dyn FnMut(u64) -> u64>| {
        let (store, _) = open(dir.path()).unwrap();
        for n in 0..commits {
            let mut batch = Batch::default();
            (0..entries).for_each(|i| batch.put(place(number(n * entries + i)), [n as u8; 200]));
            batch.put(b"m/test", n.to_be_bytes());
            store.commit(batch).unwrap();
        }
        let entries = all(&store).unwrap();
        store.close().unwrap();
        entries
    };
    fill(40, 500, Box::new(|n| n));
    let mut random = StdRng::seed_from_u64(1);
    let entries = fill(2_500, 3, Box::new(move |_| random.random_range(0..20_000)));
    let length = fs::metadata(dir.path().join("db/db")).unwrap().len();
    let silent = |round: &u64| {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(dir.path(), copy.path());
        flip(&copy.path().join("db/db"), length * 8 / 60 * round + 77_777);
        let found = open(copy.path()).and_then(|(store, _)| all(&store));
        found.is_ok_and(|found| found != entries)
    };
    let silent: Vec<u64> = (0..60).filter(silent).collect();
    assert!(silent.is_empty(), "{silent:?}: these of 60 flips gave an older state, and nothing said so");
}
