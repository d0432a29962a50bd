//! A start from the image of the hot index decides as one from the store, and an image that is old or damaged is not
//! used.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keyward::engine::{Engine, IndexState, KeyChange, NewKey, NewUser, Parts};
use keyward::key::{
    Actor, Key, KeyId, Keyspace, Level, Pepper, PepperNumber, PepperRing, RevokeReason, Role, UserId,
};
use keyward::limits;
use keyward::store::{Batch, Change, Entry, Revision, SledStore, Store, StoreError, schema};
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};

const BY: Actor = Actor::Operator;

/// Counts how often hot records are read.
struct Counting {
    below: SledStore,
    scans: Arc<AtomicUsize>,
}

impl Store for Counting {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.below.get(key)
    }
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        if prefix.starts_with(schema::HOT) {
            self.scans.fetch_add(1, Ordering::SeqCst);
        }
        self.below.scan(prefix, after, limit)
    }
    fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        self.below.commit(batch)
    }
    fn revision(&self) -> Revision {
        self.below.revision()
    }
    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.below.changes(after, limit)
    }
    fn directory(&self) -> Option<&Path> {
        self.below.directory()
    }
    fn closed(&self) -> Option<String> {
        self.below.closed()
    }
    fn close(&self) -> Result<(), StoreError> {
        self.below.close()
    }
}

/// A data directory with more keys than one page.
struct Site {
    dir: tempfile::TempDir,
    keys: Mutex<Vec<(KeyId, String)>>,
}

impl Site {
    fn new() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap(), keys: Mutex::default() };
        let (engine, _) = site.open();
        let flo = engine.add_user(BY, NewUser::person("flo".parse().unwrap(), Role::User, None)).unwrap().id;
        let threads = 16;
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..=limits::PAGE_MAX / threads).for_each(|_| site.create(&engine, flo)));
            }
        });
        site.change(&engine);
        stop(engine);
        site
    }

    /// An engine whose index is ready, and how often it reads hot records.
    fn open(&self) -> (Engine, Arc<AtomicUsize>) {
        let (below, _) = SledStore::open(self.dir.path(), Default::default()).unwrap();
        let scans = Arc::new(AtomicUsize::new(0));
        let store = Counting { below, scans: Arc::clone(&scans) };
        let pepper = BTreeMap::from([(PepperNumber(1), Pepper::from_bytes([7; 32]))]);
        let engine = Engine::open(Parts::new(store, PepperRing::new(pepper).unwrap())).unwrap();
        while engine.index_state() != IndexState::Ready {
            std::thread::yield_now();
        }
        (engine, scans)
    }

    fn create(&self, engine: &Engine, owner: UserId) {
        let new = NewKey::new(*Keyspace::NATIVE.name(), owner, Level::OWN);
        self.keep(engine.create_key(BY, new).unwrap());
    }

    fn keep(&self, (key, text): (Key, keyward::key::IssuedKey)) {
        self.keys.lock().unwrap().push((key.id, text.reveal().to_string()));
    }

    /// Gives some keys what does not fit into a slot, and takes rights from others.
    fn change(&self, engine: &Engine) {
        let ids: Vec<KeyId> = self.keys.lock().unwrap().iter().map(|(id, _)| *id).take(60).collect();
        for (number, id) in ids.into_iter().enumerate() {
            match number % 6 {
                0 => {
                    let allowlist = Some("10.0.0.1".parse().unwrap());
                    engine.update_key(BY, id, KeyChange { allowlist, ..KeyChange::default() }).unwrap();
                }
                1 => drop(
                    engine
                        .update_key(BY, id, KeyChange { active: Some(false), ..KeyChange::default() })
                        .unwrap(),
                ),
                2 => drop(engine.revoke_key(BY, id, RevokeReason::KeyCompromise).unwrap()),
                3 => engine.delete_key(BY, id).unwrap(),
                4 => self.keep(engine.rotate_key(BY, id, 3_600_000).unwrap()),
                _ => {}
            }
        }
    }

    fn verdicts(&self, engine: &Engine) -> Vec<Verdict> {
        let verifier = Verifier::new(engine.reader());
        let keys = self.keys.lock().unwrap();
        let ask = |text: &String| verifier.verify(&VerifyRequest::new(&Keyspace::NATIVE, text)).unwrap();
        keys.iter().map(|(_, text)| ask(text)).collect()
    }

    fn image(&self) -> std::path::PathBuf {
        self.dir.path().join("index")
    }
}

fn stop(engine: Engine) {
    engine.stop().unwrap();
    drop(engine);
}

/// What the look whether the store is small enough to be read at once takes.
const SCANS_OF_AN_IMAGE: usize = 1;

#[test]
fn a_start_from_the_image_decides_as_one_from_the_store() {
    let site = Site::new();
    let image = fs::read(site.image()).unwrap();
    let (engine, scans) = site.open();
    assert_eq!(scans.load(Ordering::SeqCst), SCANS_OF_AN_IMAGE, "the hot records were not read");
    let from_image = site.verdicts(&engine);
    let reasons: std::collections::HashSet<_> =
        from_image.iter().map(|verdict| format!("{verdict:?}")).collect();
    assert!(reasons.len() > 5, "all kinds of keys: {reasons:?}");
    // Uses were counted, so the store moved on, and the image is of before.
    stop(engine);
    assert!(fs::read(site.image()).unwrap() != image, "a new one was written");

    fs::remove_file(site.image()).unwrap();
    let (engine, scans) = site.open();
    assert!(scans.load(Ordering::SeqCst) > SCANS_OF_AN_IMAGE, "there is no image");
    assert_eq!(site.verdicts(&engine), from_image);
}

#[test]
fn an_image_of_before_is_not_used() {
    let site = Site::new();
    let before = fs::read(site.image()).unwrap();
    let (engine, _) = site.open();
    let last = site.keys.lock().unwrap().last().unwrap().0;
    engine.revoke_key(BY, last, RevokeReason::KeyCompromise).unwrap();
    stop(engine);
    fs::write(site.image(), before).unwrap();

    let (engine, _) = site.open();
    assert_eq!(site.verdicts(&engine).last(), Some(&Verdict::Deny(DenyReason::Revoked)));
}

type Damage = dyn Fn(&mut Vec<u8>);

#[test]
fn a_damaged_image_costs_time_only() {
    let site = Site::new();
    let (engine, _) = site.open();
    let right = site.verdicts(&engine);
    stop(engine);
    let length = fs::read(site.image()).unwrap().len();
    let cut = |at: usize| move |image: &mut Vec<u8>| image.truncate(at);
    let flip = |at: usize| move |image: &mut Vec<u8>| *image.get_mut(at).unwrap() ^= 1;
    let damages: [(&str, Box<Damage>); 9] = [
        ("empty", Box::new(cut(0))),
        ("cut in the head", Box::new(cut(20))),
        ("cut in the middle", Box::new(cut(length / 2))),
        ("cut at the end", Box::new(cut(length - 1))),
        ("flipped in the head", Box::new(flip(10))),
        ("flipped in a length", Box::new(flip(81))),
        ("flipped in a row", Box::new(flip(length / 2))),
        ("flipped in a checksum", Box::new(flip(length - 1))),
        ("doubled", Box::new(|image| image.extend_from_within(..))),
    ];
    for (what, damage) in damages {
        let mut image = fs::read(site.image()).unwrap();
        damage(&mut image);
        fs::write(site.image(), image).unwrap();
        let (engine, scans) = site.open();
        assert!(scans.load(Ordering::SeqCst) > SCANS_OF_AN_IMAGE, "{what}");
        assert_eq!(site.verdicts(&engine), right, "{what}");
        stop(engine);
    }
}
