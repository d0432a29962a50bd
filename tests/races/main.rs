//! Races: many threads change users and keys while others verify; a history of it all is checked afterwards.
//!
//! Every change and every verdict has a stamp before and after it. Afterwards each verdict must be what some order of
//! the changes gives that respects those stamps, none may rest on a change that was not durable yet, and every allowed
//! use must be counted once. `KEYWARD_RACE_ROUNDS` sets how many times as long each test is; `--nocapture` shows
//! figures.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod actors;
mod checker;
mod history;
mod planted;
mod short_windows;
mod store;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keyward::clock::{ManualClock, Timestamp};
use keyward::engine::{Engine, IndexState, Parts};
use keyward::entropy::OsEntropy;
use keyward::key::{Keyspace, Pepper, PepperNumber, PepperRing};
use keyward::store::sled::OpenOptions;
use keyward::store::{MemoryStore, SledStore, Store};
use keyward::verify::Verifier;

use history::{KeyTrack, Look, Stamps, Standing};
use store::{Pace, Paced};
use world::{BY, Pool, World};

const CHANGERS: u64 = 4;
const VERIFIERS: u64 = 3;
const PACE: Pace = Pace { commit: 20, scan: 0, refusals: 17 };

/// What is played.
#[derive(Clone)]
struct Scenario {
    /// How many peppers each life of the engine has.
    lives: Vec<usize>,
    /// Changes that each changing thread makes in a life.
    changes: usize,
    /// Keys that are there from the beginning.
    keys: usize,
    /// Below [`SLOTS_MAX`](keyward::limits::INDEX_SLOTS_MAX), so many that it is full first and empty later.
    slots_max: usize,
    pace: Pace,
}

impl Default for Scenario {
    fn default() -> Self {
        let slots_max = keyward::limits::INDEX_SLOTS_MAX;
        Self { lives: vec![1, 1], changes: 400, keys: 0, slots_max, pace: PACE }
    }
}

#[derive(Debug, Default)]
struct Figures {
    changes: usize,
    looks: usize,
    allowed: usize,
    indexed: u64,
    stored: u64,
}

#[test]
fn no_verdict_contradicts_the_history_in_memory() {
    let figures = play(Arc::new(MemoryStore::new()), &Scenario::default());
    assert!(figures.allowed > 100 && figures.indexed > 100);
}

#[test]
fn no_verdict_contradicts_the_history_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path(), OpenOptions::default()).unwrap().0;
    play(Arc::new(store), &Scenario { changes: 250, ..Scenario::default() });
}

#[test]
fn no_verdict_contradicts_the_history_while_the_index_is_loaded() {
    let pace = Pace { scan: 30, ..PACE };
    let scenario = Scenario { lives: vec![1; 6], changes: 60, keys: 1_500, pace, ..Scenario::default() };
    let figures = play(Arc::new(MemoryStore::new()), &scenario);
    assert!(figures.stored > 100 && figures.indexed > 100, "verified both while it was loaded and after");
}

#[test]
fn no_verdict_contradicts_the_history_while_the_index_has_no_room() {
    let scenario = Scenario { lives: vec![1], slots_max: 1_000, ..Scenario::default() };
    let figures = play(Arc::new(MemoryStore::new()), &scenario);
    assert!(figures.stored > 100 && figures.indexed > 100, "verified both with the index and without");
}

#[test]
fn no_verdict_contradicts_the_history_while_secrets_are_hashed_under_a_new_pepper() {
    let scenario = Scenario { lives: vec![1, 2, 3, 4, 5, 6], changes: 100, keys: 64, ..Scenario::default() };
    play(Arc::new(MemoryStore::new()), &scenario);
}

fn rounds() -> usize {
    std::env::var("KEYWARD_RACE_ROUNDS").map_or(1, |text| text.parse().unwrap())
}

fn play(below: Arc<dyn Store>, scenario: &Scenario) -> Figures {
    let scenario = Scenario { changes: scenario.changes * rounds(), ..scenario.clone() };
    let stamps = Arc::<Stamps>::default();
    let store = Arc::new(Paced::over(Arc::clone(&below), Arc::clone(&stamps), scenario.pace));
    let clock = ManualClock::at(Timestamp::from_unix_ms(1_800_000_000_000));
    let pool = Pool::default();
    let peppers: Vec<_> = scenario.lives.iter().map(|_| Pepper::generate(&OsEntropy).unwrap()).collect();
    let mut figures = Figures::default();
    for (life, known) in scenario.lives.iter().enumerate() {
        let ring = (1..).map(PepperNumber).zip(peppers.iter().take(*known).cloned());
        let ring = PepperRing::new(ring.collect::<BTreeMap<_, _>>()).unwrap();
        let engine = Engine::open(Parts {
            clock: Arc::new(clock.clone()),
            index_slots_max: scenario.slots_max,
            ..Parts::over(store.clone(), ring)
        })
        .unwrap();
        let world = World {
            verifier: Verifier::new(engine.reader()),
            engine,
            clock: clock.clone(),
            stamps: Arc::clone(&stamps),
            store: Arc::clone(&store),
            pool: &pool,
            changes: 0.into(),
            ended: AtomicBool::new(false),
            indexed: 0.into(),
            stored: 0.into(),
        };
        if life == 0 {
            settle(&world, scenario.keys);
        }
        let seed = u64::try_from(life).unwrap() * 1_000;
        let mut looks = Vec::new();
        if scenario.slots_max < keyward::limits::INDEX_SLOTS_MAX {
            fill(&world);
            looks = live(&world, seed + 500, scenario.changes);
            empty(&world);
        }
        looks.extend(live(&world, seed, scenario.changes));
        figures.changes += world.changes.load(Ordering::SeqCst);
        figures.looks += looks.len();
        figures.allowed += looks.iter().filter(|look| matches!(look.seen, history::Seen::Allowed(_))).count();
        figures.indexed += world.indexed.load(Ordering::SeqCst);
        figures.stored += world.stored.load(Ordering::SeqCst);
        let faults = checker::check(&looks);
        assert!(faults.is_empty(), "{} faults in life {life}; the first: {}", faults.len(), faults[0]);
        assert_eq!(world.engine.check().unwrap().findings, Vec::new());
        world.engine.stop().unwrap();
        count(&world);
    }
    println!("{figures:?}");
    below.close().unwrap();
    figures
}

/// Creates the keys that are there from the beginning.
fn settle(world: &World<'_>, keys: usize) {
    if keys == 0 {
        return;
    }
    let owner = std::iter::repeat_with(|| world.add_user()).flatten().next().unwrap();
    // Their owner, and they with it, are not removed.
    world.pool.users.write().unwrap().retain(|user| user.id != owner.id);
    std::thread::scope(|scope| {
        for _ in 0..keys.min(16) {
            scope.spawn(|| {
                for _ in 0..keys / keys.min(16) {
                    world.create(&owner, Keyspace::NATIVE);
                }
            });
        }
    });
}

/// Creates keys until the index has had no room a few times.
fn fill(world: &World<'_>) {
    let failed = || world.engine.index_state() != IndexState::Ready;
    for _ in 0..3 {
        while !failed() {
            settle(world, 64);
        }
    }
}

/// Deletes all of them but a few, until the index is loaded again.
fn empty(world: &World<'_>) {
    let keys = world.pool.keys.read().unwrap();
    for key in keys.iter().filter(|key| !actors::ended(key)) {
        if let world::Outcome::Done(span, ()) = world.change(|engine| engine.delete_key(BY, key.id)) {
            key.standing.write(span, Standing::Deleted);
        }
    }
    while world.engine.index_state() != IndexState::Ready {
        std::thread::yield_now();
    }
}

/// Lets all threads run to their end; everything they saw.
fn live(world: &World<'_>, seed: u64, changes: usize) -> Vec<Look> {
    world.changes.store(0, Ordering::SeqCst);
    world.ended.store(false, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let changers: Vec<_> = (0..CHANGERS)
            .map(|thread| scope.spawn(move || actors::change_all(world, seed + thread, changes)))
            .collect();
        let verifiers: Vec<_> = (0..VERIFIERS)
            .map(|thread| scope.spawn(move || actors::verify_all(world, seed + 100 + thread, changes)))
            .collect();
        let changers: Vec<_> = changers.into_iter().map(|thread| thread.join()).collect();
        world.ended.store(true, Ordering::SeqCst);
        let verifiers = verifiers.into_iter().map(|thread| thread.join());
        changers.into_iter().chain(verifiers).flat_map(Result::unwrap).collect()
    })
}

/// Every allowed use of a key that is still there was counted once.
fn count(world: &World<'_>) {
    let keys = world.pool.keys.read().unwrap();
    let deleted = |key: &&Arc<KeyTrack>| {
        key.standing.0.lock().unwrap().iter().any(|write| write.value == Standing::Deleted)
    };
    let counts = keys.iter().filter(|key| !deleted(key)).map(|key| {
        let stored = world.engine.reader().key(key.id).unwrap();
        let counted = stored.expect("a key that nobody deleted is there").usage.count;
        (counted, key.allowed.load(Ordering::SeqCst))
    });
    let wrong: Vec<_> = counts.filter(|(counted, allowed)| counted != allowed).collect();
    assert!(wrong.is_empty(), "of {} keys these were counted and allowed: {wrong:?}", keys.len());
}
