//! Both stores keep the contract of `Store`: one suite, run against each.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keyward::limits;
use keyward::store::sled::{LastStop, OpenOptions};
use keyward::store::{
    Batch, Entry, Expectation, MemoryStore, Revision, SledStore, Store, StoreError, schema,
};
use proptest::prelude::*;
use tempfile::TempDir;

fn open(dir: &Path) -> SledStore {
    SledStore::open(dir, OpenOptions::default()).unwrap().0
}

fn fresh() -> (TempDir, SledStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    (dir, store)
}

/// Runs `property` against an empty store of each kind.
fn both(property: impl Fn(&dyn Store)) {
    property(&MemoryStore::new());
    property(&fresh().1);
}

fn batch(writes: &[(&[u8], Option<&[u8]>)]) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in writes {
        match value {
            Some(value) => batch.put(*key, *value),
            None => batch.delete(*key),
        }
    }
    batch
}

fn put(store: &dyn Store, key: &[u8], value: &[u8]) -> Revision {
    store.commit(batch(&[(key, Some(value))])).unwrap()
}

fn keys(entries: &[Entry]) -> Vec<&[u8]> {
    entries.iter().map(|entry| entry.key.as_slice()).collect()
}

fn all(store: &dyn Store) -> Vec<Entry> {
    store.scan(b"", None, usize::MAX).unwrap()
}

#[test]
fn an_empty_store_is_empty() {
    both(|store| {
        assert_eq!(store.revision(), Revision(0));
        assert_eq!(store.get(b"k/1").unwrap(), None);
        assert!(all(store).is_empty());
        assert!(store.changes(Revision(0), 9).unwrap().is_empty());
        assert_eq!(store.closed(), None);
    });
}

#[test]
fn versions_are_the_commits_that_wrote_them() {
    both(|store| {
        assert_eq!(put(store, b"k/1", b"a"), Revision(1));
        assert_eq!(put(store, b"k/2", b"b"), Revision(2));
        assert_eq!(put(store, b"k/1", b"c"), Revision(3));
        let entry = store.get(b"k/1").unwrap().unwrap();
        assert_eq!(
            (entry.key.as_slice(), entry.value.as_slice(), entry.version),
            (&b"k/1"[..], &b"c"[..], Revision(3))
        );
        assert_eq!(store.get(b"k/2").unwrap().unwrap().version, Revision(2));
        assert_eq!(store.revision(), Revision(3));
    });
}

#[test]
fn a_batch_applies_whole_or_not_at_all() {
    both(|store| {
        put(store, b"k/1", b"a");
        let mut refused = batch(&[(b"k/1", None), (b"k/2", Some(b"b"))]);
        refused.expect_absent(b"k/1");
        assert!(matches!(store.commit(refused), Err(StoreError::Conflict { .. })));
        assert_eq!(keys(&all(store)), [b"k/1"]);
        assert_eq!(store.revision(), Revision(1), "a refused batch makes no commit");
        store.commit(batch(&[(b"k/1", None), (b"k/2", Some(b"b")), (b"k/3", None)])).unwrap();
        assert_eq!(keys(&all(store)), [b"k/2"]);
    });
}

#[test]
fn expectations_hold_exactly() {
    both(|store| {
        put(store, b"k/1", b"a");
        put(store, b"k/1", b"a");
        let check = |key: &[u8], expectation, holds: bool| {
            let mut batch = batch(&[(b"k/9", Some(b"x"))]);
            batch.expect(key, expectation);
            match store.commit(batch) {
                Ok(_) => assert!(holds, "{expectation:?} held"),
                Err(StoreError::Conflict { .. }) => assert!(!holds, "{expectation:?} did not hold"),
                Err(other) => panic!("{other}"),
            }
        };
        check(b"k/1", Expectation::Absent, false);
        check(b"k/1", Expectation::Version(Revision(1)), false);
        check(b"k/1", Expectation::Version(Revision(2)), true);
        check(b"k/2", Expectation::Absent, true);
        check(b"k/2", Expectation::Version(Revision(0)), false);
        let mut nothing = Batch::default();
        nothing.expect_absent(b"k/2");
        assert_eq!(store.commit(nothing.clone()).unwrap(), store.revision());
        nothing.expect_absent(b"k/1");
        assert!(matches!(store.commit(nothing), Err(StoreError::Conflict { .. })));
    });
}

#[test]
fn scans_come_in_order_and_in_pages() {
    both(|store| {
        let mut names: Vec<Vec<u8>> = (0..=255_u8).map(|byte| [b"k/", &[byte][..]].concat()).collect();
        names.push(b"k/".to_vec());
        let writes: Vec<(&[u8], Option<&[u8]>)> =
            names.iter().map(|key| (key.as_slice(), Some(&b"v"[..]))).collect();
        store.commit(batch(&writes)).unwrap();
        put(store, b"j/~", b"v");
        put(store, b"k0", b"v");
        names.sort();
        for limit in [1, 7, 256, 257, 300] {
            let mut seen: Vec<Vec<u8>> = Vec::new();
            loop {
                let page = store.scan(b"k/", seen.last().map(Vec::as_slice), limit).unwrap();
                seen.extend(page.iter().map(|entry| entry.key.clone()));
                if page.len() < limit {
                    break;
                }
            }
            assert_eq!(seen, names, "pages of {limit}");
        }
        assert!(store.scan(b"k/", None, 0).unwrap().is_empty());
        assert_eq!(store.scan(b"k/", Some(b"a"), 1).unwrap()[0].key, b"k/", "a place before the prefix");
        assert!(store.scan(b"k/", Some(b"z"), 1).unwrap().is_empty(), "a place behind the prefix");
        assert!(store.scan(b"k/", Some(b"k/\xff"), 1).unwrap().is_empty());
    });
}

#[test]
fn changes_are_the_commits_in_order() {
    both(|store| {
        for round in 0..5_u8 {
            store.commit(batch(&[(b"k/2", Some(&[round])), (b"k/1", None)])).unwrap();
        }
        let changes = store.changes(Revision(2), 2).unwrap();
        let revisions: Vec<u64> = changes.iter().map(|change| change.revision.0).collect();
        assert_eq!(revisions, [3, 4]);
        assert_eq!(changes[0].writes, [(b"k/1".to_vec(), None), (b"k/2".to_vec(), Some(vec![2]))]);
        assert!(matches!(store.changes(Revision(6), 1), Err(StoreError::Forgotten { .. })));
        for _ in 0..limits::CHANGES_KEPT_MAX {
            put(store, b"k/3", b"");
        }
        assert!(matches!(store.changes(Revision(4), 1), Err(StoreError::Forgotten { .. })));
        assert_eq!(store.changes(Revision(5), 1).unwrap()[0].revision, Revision(6));
    });
}

#[test]
fn what_no_store_takes_is_refused_whole() {
    both(|store| {
        let long = vec![0; limits::STORE_VALUE_BYTES_MAX + 1];
        let far = vec![b'k'; limits::STORE_KEY_BYTES_MAX + 1];
        let refused: [(&[u8], Option<&[u8]>); 4] =
            [(b"k/2", Some(&long)), (&far, None), (schema::DIGEST, Some(b"")), (schema::FORMAT, None)];
        for write in refused {
            let result = store.commit(batch(&[(b"k/1", Some(b"x")), write]));
            assert!(matches!(result, Err(StoreError::Refused { .. })), "{:?}", write.0);
        }
        assert!(all(store).is_empty());
        put(store, &far[1..], &long[1..]);
        assert_eq!(all(store)[0].value, long[1..]);
    });
}

#[test]
fn a_closed_store_answers_reads_and_refuses_commits() {
    both(|store| {
        put(store, b"k/1", b"a");
        store.close().unwrap();
        store.close().unwrap();
        assert!(store.closed().is_some());
        assert!(matches!(store.commit(Batch::default()), Err(StoreError::Closed { .. })));
        assert!(matches!(store.commit(batch(&[(b"k/1", None)])), Err(StoreError::Closed { .. })));
        assert_eq!(keys(&all(store)), [b"k/1"]);
    });
}

#[test]
fn a_reader_never_sees_half_a_batch_or_an_older_state_after_a_newer_one() {
    const KEYS: u8 = 40;
    const COMMITS: u64 = 200;
    both(|store| {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut newest = 0;
                    while !done.load(Ordering::SeqCst) {
                        let before = store.revision().0;
                        let page = store.scan(b"k/", None, usize::MAX).unwrap();
                        let versions: Vec<u64> = page.iter().map(|entry| entry.version.0).collect();
                        let version = versions.first().copied().unwrap_or(0);
                        assert!(versions.iter().all(|other| *other == version), "half a batch: {versions:?}");
                        assert!(page.is_empty() || page.len() == usize::from(KEYS) + 1);
                        assert!(
                            version >= newest.max(before),
                            "went back from {newest} or {before} to {version}"
                        );
                        newest = version;
                    }
                });
            }
            let places: Vec<Vec<u8>> = (0..KEYS).map(|n| vec![b'k', b'/', n]).collect();
            for round in 0..COMMITS {
                let value = round.to_be_bytes();
                let writes: Vec<(&[u8], Option<&[u8]>)> =
                    places.iter().map(|key| (key.as_slice(), Some(&value[..]))).collect();
                let mut batch = batch(&writes);
                // One key comes new with every commit and goes with the next.
                batch.delete([b"k/new".as_slice(), &round.wrapping_sub(1).to_be_bytes()].concat());
                batch.insert([b"k/new".as_slice(), &value].concat(), value);
                store.commit(batch).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
    });
}

#[test]
fn what_is_vouched_to_be_new_and_is_not_is_refused_in_debug_builds() {
    both(|store| {
        let mut new = Batch::default();
        new.insert(b"k/1", b"x");
        store.commit(new.clone()).unwrap();
        if cfg!(debug_assertions) {
            assert!(matches!(store.commit(new.clone()), Err(StoreError::Conflict { .. })));
        }
        let mut anew = Batch::default();
        anew.delete(b"k/1");
        anew.insert(b"k/1", b"y");
        store.commit(anew).unwrap();
        assert_eq!(store.get(b"k/1").unwrap().unwrap().value, b"y");
    });
}

#[test]
fn everything_is_there_after_a_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = (LastStop::Never, Vec::new());
    for clean in [true, false, false, true, true] {
        let (store, opened) = SledStore::open(dir.path(), OpenOptions::default()).unwrap();
        assert_eq!((opened.last_stop, all(&store)), expected);
        assert!(opened.recovered.is_none() && opened.set_aside.is_none());
        assert!(store.changes(store.revision(), 1).unwrap().is_empty());
        let revision = put(&store, b"k/1", b"a");
        put(&store, &[b"u/", &revision.0.to_be_bytes()[..]].concat(), b"b");
        if clean {
            store.close().unwrap();
        }
        expected = (if clean { LastStop::Clean } else { LastStop::Unclean }, all(&store));
    }
    let store = open(dir.path());
    assert_eq!(store.revision(), Revision(10));
    assert!(matches!(store.changes(Revision(9), 1), Err(StoreError::Forgotten { .. })));
}

#[test]
fn a_second_open_is_refused() {
    let (dir, store) = fresh();
    let second = SledStore::open(dir.path(), OpenOptions::default());
    assert!(matches!(second, Err(StoreError::Locked { dir: ref named }) if named == dir.path()));
    drop(store);
    open(dir.path());
}

#[test]
fn the_largest_entries_never_leave_the_log() {
    let (dir, store) = fresh();
    let place =
        |n: usize| [&vec![b'k'; limits::STORE_KEY_BYTES_MAX - 2][..], &[(n / 256) as u8, n as u8]].concat();
    let value = vec![7; limits::STORE_VALUE_BYTES_MAX];
    for round in 0..20 {
        let mut batch = Batch::default();
        for n in 0..40 {
            // Scattered, so that pages split and merge.
            let place = place((round * 40 + n) * 37 % 400);
            if round % 4 == 3 { batch.delete(place) } else { batch.put(place, value.clone()) }
        }
        store.commit(batch).unwrap();
        let outside = std::fs::read_dir(dir.path().join("db/blobs")).unwrap().count();
        assert_eq!(outside, 0, "a page went into a file that is never synced");
    }
}

type Writes = BTreeMap<u8, Option<Vec<u8>>>;

fn writes() -> impl Strategy<Value = Writes> {
    let value = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300));
    proptest::collection::btree_map(0..60_u8, value, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_batches_leave_what_the_model_holds(rounds in proptest::collection::vec((writes(), 0..4_u8), 1..12)) {
        let dir = tempfile::tempdir().unwrap();
        let memory = MemoryStore::new();
        let mut sled = Arc::new(open(dir.path()));
        let mut model: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
        for (writes, then) in rounds {
            let mut batch = Batch::default();
            for (n, value) in &writes {
                let key = [if n % 2 == 0 { &b"k/"[..] } else { b"m/" }, &[*n]].concat();
                match value {
                    Some(value) => batch.put(key, value.clone()),
                    None => batch.delete(key),
                }
            }
            let version = sled.commit(batch.clone()).unwrap();
            prop_assert_eq!(memory.commit(batch.clone()).unwrap(), version);
            for (key, value) in batch.writes() {
                match value {
                    Some(value) => model.insert(key.to_vec(), Entry { key: key.to_vec(), value: value.to_vec(), version }),
                    None => model.remove(key),
                };
            }
            if then < 2 {
                if then == 0 {
                    sled.close().unwrap();
                }
                drop(sled);
                sled = Arc::new(open(dir.path()));
            }
            let expected: Vec<Entry> = model.values().cloned().collect();
            prop_assert_eq!(&all(&*sled), &expected);
            prop_assert_eq!(&all(&memory), &expected);
            for key in 0..60_u8 {
                let key = [b"k/", &[key][..]].concat();
                prop_assert_eq!(sled.get(&key).unwrap(), model.get(&key).cloned());
            }
            let pages = |store: &dyn Store| store.scan(b"k/", Some(&[b'k', b'/', 20]), 5).unwrap();
            prop_assert_eq!(pages(&*sled), pages(&memory));
        }
    }
}
