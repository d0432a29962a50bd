//! Durable, visible, answered, in this order, whatever the callers and the store do at the same time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod scripted;
mod verdicts;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyward::engine::{Engine, EngineError, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::key::{Actor, Key, KeyState, Keyspace, Level, PepperRing, RevokeReason, Role, User, UserId};
use keyward::limits;
use keyward::store::{Batch, StoreError, schema};
use keyward::verify::{Verdict, Verifier, VerifyRequest};

use scripted::{Hold, Plan, Scripted};

const BY: Actor = Actor::Operator;
/// How often a group is tried to be formed: threads are free to come too late for it.
const TRIES: usize = 200;

/// An engine over a scripted store, with one user and one key.
struct World {
    store: Arc<Scripted>,
    engine: Engine,
    flo: UserId,
    key: Key,
    text: String,
    /// Users added only to keep the write lane busy.
    busy: AtomicUsize,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(Scripted::default());
        let mut parts = Parts::new(Scripted::default(), PepperRing::generate(&OsEntropy).unwrap());
        parts.store = store.clone();
        let engine = Engine::open(parts).unwrap();
        let flo = add(&engine, "flo").unwrap().id;
        let (key, text) = engine.create_key(BY, new_key(flo)).unwrap();
        let text = text.reveal().to_string();
        Self { store, engine, flo, key, text, busy: AtomicUsize::new(0) }
    }

    fn allows(&self) -> bool {
        self.verifies(&self.text)
    }

    fn verifies(&self, text: &str) -> bool {
        let request = VerifyRequest { level: Level::OWN, ..VerifyRequest::new(&Keyspace::FILEBIN, text) };
        matches!(Verifier::new(self.engine.reader()).verify(&request).unwrap(), Verdict::Allow(_))
    }

    /// Whether a key that was created later can be seen and used.
    fn created_verifies(&self) -> bool {
        let reader = self.engine.reader();
        let (keys, _) = reader.keys_of(self.flo, None, None, 1_000).unwrap();
        let created = keys.iter().find(|key| key.id != self.key.id);
        created.is_some_and(|key| self.verifies(&reader.text(key).unwrap().unwrap().reveal()))
    }

    fn stored(&self) -> Option<Key> {
        self.engine.reader().key(self.key.id).unwrap()
    }

    fn keys(&self) -> usize {
        self.engine.reader().keys_of(self.flo, None, None, 1_000).unwrap().0.len()
    }

    fn check(&self) {
        assert_eq!(self.engine.check().unwrap().findings, Vec::new());
    }

    /// Runs `jobs` while the write lane is held, then carries out `plan` and lets it go; their answers, and how
    /// many commits they took.
    fn together<T: Send>(&self, plan: Plan, jobs: &[&(dyn Fn() -> T + Sync)]) -> (Vec<T>, usize) {
        let busy = self.busy.fetch_add(1, Ordering::SeqCst);
        self.store.hold(Some(Hold::After));
        std::thread::scope(|scope| {
            let first = scope.spawn(move || add(&self.engine, &format!("busy{busy}")));
            self.store.wait_held();
            let before = self.store.commits();
            let jobs: Vec<_> = jobs.iter().map(|job| scope.spawn(job)).collect();
            (0..2_000).for_each(|_| std::thread::yield_now());
            self.store.plan(plan);
            self.store.hold(None);
            first.join().unwrap().unwrap();
            let answers = jobs.into_iter().map(|job| job.join().unwrap()).collect();
            (answers, self.store.commits() - before)
        })
    }
}

fn add(engine: &Engine, name: &str) -> Result<User, EngineError> {
    engine.add_user(BY, NewUser::person(name.parse().unwrap(), Role::User, None))
}

fn new_key(owner: UserId) -> NewKey {
    NewKey::new(*Keyspace::FILEBIN.name(), owner, Level::OWN)
}

/// A change, how readers of the store see it, and how `verify` sees it.
type Step = (fn(&World) -> Result<(), EngineError>, fn(&World) -> bool, fn(&World) -> bool);

const STEPS: [Step; 4] = [
    (
        |world| world.engine.create_key(BY, new_key(world.flo)).map(drop),
        |world| world.keys() == 2,
        |world| world.created_verifies(),
    ),
    (
        |world| revoke(world).map(drop),
        |world| matches!(world.stored().unwrap().state, KeyState::Revoked { .. }),
        |world| !world.allows(),
    ),
    (
        |world| world.engine.delete_key(BY, world.key.id),
        |world| world.stored().is_none() && world.keys() == 0,
        |world| !world.allows(),
    ),
    (
        |world| world.engine.remove_user(BY, world.flo),
        |world| world.engine.reader().user(world.flo).unwrap().is_none(),
        |world| !world.allows(),
    ),
];

fn revoke(world: &World) -> Result<Key, EngineError> {
    world.engine.revoke_key(BY, world.key.id, RevokeReason::Unspecified)
}

#[test]
fn nothing_is_seen_or_answered_before_its_commit_is_done() {
    for (change, stored, verified) in STEPS {
        for hold in [Hold::Before, Hold::After] {
            let world = World::new();
            world.store.hold(Some(hold));
            std::thread::scope(|scope| {
                let caller = scope.spawn(|| change(&world));
                world.store.wait_held();
                // Long enough for an answer that was given too early to arrive.
                for _ in 0..2_000 {
                    assert!(!caller.is_finished(), "answered before the commit was done");
                    std::thread::yield_now();
                }
                assert_eq!(stored(&world), hold == Hold::After, "what readers see is what the store shows");
                assert!(!verified(&world), "published before the commit was done");
                world.store.hold(None);
                caller.join().unwrap().unwrap();
                assert!(stored(&world) && verified(&world), "answered before readers see it");
            });
        }
    }
}

#[test]
fn a_failed_commit_leaves_readers_the_state_before_and_ends_writing() {
    for (change, ..) in STEPS {
        let world = World::new();
        world.store.plan(Plan::Fail(1));
        let failed = change(&world);
        assert!(matches!(failed, Err(EngineError::Store(StoreError::Io { .. }))), "{failed:?}");
        assert!(world.allows() && world.keys() == 1, "readers see the state before, and verify goes on");
        for _ in 0..3 {
            let later = add(&world.engine, "late");
            assert!(matches!(later, Err(EngineError::Store(StoreError::Closed { .. }))), "{later:?}");
        }
        assert!(world.engine.closed().is_some());
        assert!(world.allows() && world.keys() == 1);
    }
}

#[test]
fn nobody_in_a_failed_group_is_answered_by_what_did_not_happen() {
    // Of two that delete one key, the second would be told that there is no such key. But it is still there.
    let whole = (0..TRIES).any(|_| {
        let world = World::new();
        let delete = || world.engine.delete_key(BY, world.key.id);
        let (answers, commits) = world.together(Plan::Fail(1), &[&delete, &delete]);
        for answer in answers {
            assert!(matches!(answer, Err(EngineError::Store(_))), "{answer:?}");
        }
        assert!(world.allows());
        commits == 1
    });
    assert!(whole, "no group was formed");
}

#[test]
fn damage_that_one_operation_meets_fails_that_one_alone() {
    let whole = (0..TRIES).any(|_| {
        let world = World::new();
        let delete = || world.engine.delete_key(BY, world.key.id);
        let ann = || add(&world.engine, "ann").map(drop);
        let bob = || add(&world.engine, "bob").map(drop);
        let (answers, commits) = world.together(Plan::Damage(schema::HOT), &[&ann, &delete, &bob]);
        assert!(
            matches!(answers[1], Err(EngineError::Store(StoreError::Corrupt { .. }))),
            "{:?}",
            answers[1]
        );
        assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
        world.check();
        // One for all, then one each.
        commits == 4
    });
    assert!(whole, "no group was formed");
}

#[test]
fn an_overtaken_operation_runs_again_on_what_the_other_writer_left() {
    let world = World::new();
    let mut other = Batch::default();
    other.put(schema::name("ann"), b"taken");
    world.store.plan(Plan::Overtake(other));
    let before = world.store.commits();
    let overtaken = add(&world.engine, "ann");
    assert!(matches!(overtaken, Err(EngineError::UsernameTaken)), "{overtaken:?}");
    assert_eq!(world.store.commits() - before, 2);

    let mut other = Batch::default();
    other.put(schema::name("bob"), b"taken");
    world.store.plan(Plan::Overtake(other));
    add(&world.engine, "cleo").unwrap();
    assert_eq!(world.store.commits() - before, 3, "a change elsewhere does not matter");
}

#[test]
fn an_operation_that_is_always_overtaken_gives_up() {
    let world = World::new();
    world.store.plan(Plan::Conflict);
    let before = world.store.commits();
    let refused = revoke(&world);
    assert!(matches!(refused, Err(EngineError::Store(StoreError::Conflict { .. }))), "{refused:?}");
    assert_eq!(world.store.commits() - before, limits::LANE_ATTEMPTS_MAX);
    assert!(world.allows());
    world.store.plan(Plan::Obey);
    revoke(&world).unwrap();
    assert!(!world.allows(), "the lane goes on");
}

#[test]
fn of_many_users_of_one_name_one_is_added() {
    let world = World::new();
    let ann = || add(&world.engine, "ann");
    let (answers, _) = world.together(Plan::Obey, &[&ann as &(dyn Fn() -> _ + Sync); 16]);
    let (added, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(added.len(), 1);
    assert!(refused.iter().all(|refused| matches!(refused, Err(EngineError::UsernameTaken))), "{refused:?}");
    world.check();
}

#[test]
fn operations_of_one_group_see_each_other() {
    let whole = (0..TRIES).any(|_| {
        let world = World::new();
        // The user that keeps the lane busy comes first.
        let next = UserId(world.flo.0 + 2);
        let create = || add(&world.engine, "ann").map(|user| assert_eq!(user.id, next));
        let remove = || world.engine.remove_user(BY, next);
        let (answers, commits) = world.together(Plan::Obey, &[&create, &remove]);
        let [Ok(()), removed] = &answers[..] else { panic!("{answers:?}") };
        let there = world.engine.reader().user(next).unwrap().is_some();
        assert_eq!(there, removed.is_err());
        assert!(matches!(removed, Ok(()) | Err(EngineError::NoSuchUser)), "{removed:?}");
        assert_eq!(add(&world.engine, "ann").is_ok(), !there, "the name is free when the user is gone");
        world.check();
        commits == 1 && !there
    });
    assert!(whole, "no group was formed");
}

#[test]
fn every_operation_of_a_group_has_its_own_number_and_event() {
    let world = World::new();
    let names: Vec<String> = (0..16).map(|n| format!("ann{n}")).collect();
    let jobs: Vec<_> = names.iter().map(|name| || add(&world.engine, name).unwrap().id).collect();
    let jobs: Vec<&(dyn Fn() -> UserId + Sync)> = jobs.iter().map(|job| job as _).collect();
    let before = world.engine.check().unwrap();
    let (mut numbers, _) = world.together(Plan::Obey, &jobs);
    numbers.sort();
    let expected: Vec<_> = (0..16).map(|n| UserId(world.flo.0 + 2 + n)).collect();
    assert_eq!(numbers, expected);
    let after = world.engine.check().unwrap();
    assert_eq!((after.events - before.events, after.findings), (17, Vec::new()));
}
