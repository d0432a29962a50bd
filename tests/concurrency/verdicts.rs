//! Verdicts while keys and users change: none contradicts what was answered before it began.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use keyward::engine::{Engine, KeyChange, NewKey, NewUser, Parts, UserChange};
use keyward::entropy::OsEntropy;
use keyward::key::{
    Actor, IssuedKey, KeyId, Keyspace, Level, PepperRing, RevokeReason, Role, UserId, UserStatus,
};
use keyward::store::sled::OpenOptions;
use keyward::store::{MemoryStore, SledStore, Store};
use keyward::verify::{Verdict, Verifier, VerifyRequest};

const BY: Actor = Actor::Operator;
const VERIFIERS: usize = 3;

#[test]
fn no_verdict_contradicts_an_answer_in_memory() {
    contradict(MemoryStore::new(), 40);
}

#[test]
fn no_verdict_contradicts_an_answer_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    contradict(SledStore::open(dir.path(), OpenOptions::default()).unwrap().0, 15);
}

/// What the newest answer says of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// A change is under way: either verdict is right.
    None,
    Allowed,
    Denied,
    /// Whatever comes.
    DeniedForGood,
}

impl Promise {
    const ALL: [Self; 4] = [Self::None, Self::Allowed, Self::Denied, Self::DeniedForGood];
}

/// A text that was issued.
struct Watched {
    text: String,
    /// The promise in the lowest two bits, and above them how often it was given.
    promise: AtomicU64,
    /// Verdicts given under a promise that held all the while.
    verdicts: AtomicU64,
}

impl Watched {
    /// Changes the promise.
    fn promise(&self, promise: Promise) {
        let count = self.promise.load(Ordering::SeqCst) / 4 + 1;
        self.promise.store(count * 4 + promise as u64, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct History {
    texts: RwLock<Vec<Arc<Watched>>>,
    ended: AtomicBool,
}

impl History {
    fn issued(&self, text: IssuedKey) -> Arc<Watched> {
        let watched = Arc::new(Watched {
            text: text.reveal().to_string(),
            promise: AtomicU64::new(Promise::Allowed as u64),
            verdicts: AtomicU64::new(0),
        });
        self.texts.write().unwrap().push(Arc::clone(&watched));
        self.wait_for_verdict(&watched);
        watched
    }

    /// Gives `promise` about `texts` and waits until it was put to the test.
    fn answered(&self, texts: &[&Watched], promise: Promise) {
        texts.iter().for_each(|watched| watched.promise(promise));
        texts.iter().for_each(|watched| self.wait_for_verdict(watched));
    }

    fn wait_for_verdict(&self, watched: &Watched) {
        let before = watched.verdicts.load(Ordering::SeqCst);
        while watched.verdicts.load(Ordering::SeqCst) == before && !self.ended.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
    }
}

fn contradict(store: impl Store, lives: usize) {
    let parts = Parts::new(store, PepperRing::generate(&OsEntropy).unwrap());
    let engine = Engine::open(parts).unwrap();
    let history = History::default();
    let counts: Vec<[u64; 4]> = std::thread::scope(|scope| {
        let verifiers: Vec<_> =
            (0..VERIFIERS).map(|_| scope.spawn(|| verify_all(&engine, &history))).collect();
        let ended = Ended(&history.ended);
        (0..lives).for_each(|life| live(&engine, &history, life));
        drop(ended);
        verifiers.into_iter().map(|verifier| verifier.join().unwrap()).collect()
    });
    for promise in [Promise::Allowed, Promise::Denied, Promise::DeniedForGood] {
        let met: u64 = counts.iter().map(|counts| counts[promise as usize]).sum();
        assert!(met > 0, "no verdict was given under the promise {promise:?}");
        println!("{met} verdicts under the promise {promise:?}");
    }
}

/// Ends the other threads when one ends, also by a failure.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A user and a key, from beginning to end.
fn live(engine: &Engine, history: &History, life: usize) {
    let name = format!("user{life}").parse().unwrap();
    let owner = engine.add_user(BY, NewUser::person(name, Role::User, None)).unwrap().id;
    let new = NewKey::new(*Keyspace::FILEBIN.name(), owner, Level::OWN);
    let (key, text) = engine.create_key(BY, new).unwrap();
    let first = history.issued(text);

    let change = |watched: &[&Watched], after: Promise, change: &dyn Fn()| {
        watched.iter().for_each(|watched| watched.promise(Promise::None));
        change();
        history.answered(watched, after);
    };
    change(&[&first], Promise::Denied, &|| set_active(engine, key.id, false));
    change(&[&first], Promise::Allowed, &|| set_active(engine, key.id, true));
    change(&[&first], Promise::Denied, &|| set_status(engine, owner, UserStatus::Blocked));
    change(&[&first], Promise::Allowed, &|| set_status(engine, owner, UserStatus::Active));

    let (_, text) = engine.rotate_key(BY, key.id, 3_600_000).unwrap();
    let second = history.issued(text);
    change(&[&first, &second], Promise::Denied, &|| set_active(engine, key.id, false));
    change(&[&first, &second], Promise::Allowed, &|| set_active(engine, key.id, true));

    [&first, &second].into_iter().for_each(|watched| watched.promise(Promise::None));
    let (_, text) = engine.rotate_key(BY, key.id, 0).unwrap();
    history.answered(&[&first, &second], Promise::DeniedForGood);
    let third = history.issued(text);
    change(&[&third], Promise::DeniedForGood, &|| match life % 3 {
        0 => drop(engine.revoke_key(BY, key.id, RevokeReason::Unspecified).unwrap()),
        1 => engine.delete_key(BY, key.id).unwrap(),
        _ => engine.remove_user(BY, owner).unwrap(),
    });
}

fn set_active(engine: &Engine, key: KeyId, active: bool) {
    engine.update_key(BY, key, KeyChange { active: Some(active), ..KeyChange::default() }).unwrap();
}

fn set_status(engine: &Engine, user: UserId, status: UserStatus) {
    engine.update_user(BY, user, UserChange { status: Some(status), ..UserChange::default() }).unwrap();
}

/// Presents the newest texts, and all others in turn, until the end; how often under which promise.
fn verify_all(engine: &Engine, history: &History) -> [u64; 4] {
    let (verifier, keyspace) = (Verifier::new(engine.reader()), Keyspace::FILEBIN);
    let _ended = Ended(&history.ended);
    let mut counts = [0; 4];
    for turn in 0.. {
        if history.ended.load(Ordering::SeqCst) {
            break;
        }
        let presented: Vec<_> = {
            let texts = history.texts.read().unwrap();
            let other = texts.get(turn % texts.len().max(1));
            texts.iter().rev().take(3).chain(other).cloned().collect()
        };
        for watched in presented {
            let before = watched.promise.load(Ordering::SeqCst);
            let request =
                VerifyRequest { level: Level::READ, ..VerifyRequest::new(&keyspace, &watched.text) };
            let verdict = verifier.verify(&request).unwrap();
            let unchanged = watched.promise.load(Ordering::SeqCst) == before;
            let promise = Promise::ALL[(before % 4) as usize];
            let allowed = matches!(verdict, Verdict::Allow(_));
            let contradicted = match promise {
                Promise::None => false,
                Promise::Allowed => unchanged && !allowed,
                Promise::Denied => unchanged && allowed,
                Promise::DeniedForGood => allowed,
            };
            assert!(!contradicted, "{verdict:?} although the answer was {promise:?}");
            if unchanged {
                watched.verdicts.fetch_add(1, Ordering::SeqCst);
                counts[promise as usize] += 1;
            }
        }
    }
    counts
}
