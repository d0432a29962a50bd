//! Time over restarts: it never goes back, and a clock that is far ahead removes nothing until the operator
//! accepts it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use keyward::clock::{Clock as _, ManualClock, Timestamp};
use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::key::{Actor, Expiry, KeyId, Keyspace, Level, Pepper, PepperNumber, PepperRing, Role, UserId};
use keyward::limits;
use keyward::store::sled::OpenOptions;
use keyward::store::{SledStore, Store, schema};
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};
use tempfile::TempDir;

const BEGIN: Timestamp = Timestamp::from_unix_ms(1_764_100_000_000);
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const BY: Actor = Actor::Operator;

/// A data directory, and the clock of the machine it is on.
struct World {
    dir: TempDir,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: ManualClock::at(BEGIN) }
    }

    /// Opens the store with a clock that stands at `time`, as after a restart.
    fn start_at(&mut self, time: Timestamp) -> Engine {
        self.clock = ManualClock::at(time);
        start(self.dir.path(), &self.clock).0
    }

    fn flo(&self, engine: &Engine) -> UserId {
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        engine.add_user(BY, flo).unwrap().id
    }
}

fn start(dir: &Path, clock: &ManualClock) -> (Engine, Arc<SledStore>) {
    let store = Arc::new(SledStore::open(dir, OpenOptions::default()).unwrap().0);
    let ring = PepperRing::new([(PepperNumber(1), Pepper::from_bytes([1; 32]))].into()).unwrap();
    let parts = Parts::over(Arc::<SledStore>::clone(&store), ring);
    (Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap(), store)
}

fn key(engine: &Engine, owner: UserId, expiry: Expiry) -> (KeyId, String) {
    let new = NewKey { expiry: Some(expiry), ..NewKey::new(*Keyspace::NATIVE.name(), owner, Level::OWN) };
    let (key, text) = engine.create_key(BY, new).unwrap();
    (key.id, text.reveal().to_string())
}

fn denied(engine: &Engine, text: &str) -> Option<DenyReason> {
    match Verifier::new(engine.reader()).verify(&VerifyRequest::new(&Keyspace::NATIVE, text)).unwrap() {
        Verdict::Allow(_) => None,
        Verdict::Deny(reason) => Some(reason),
    }
}

#[test]
fn what_has_expired_stays_expired_when_the_clock_is_set_back_over_a_restart() {
    let mut world = World::new();
    let engine = world.start_at(BEGIN);
    let flo = world.flo(&engine);
    let (_, soon) = key(&engine, flo, Expiry::At(BEGIN.plus_ms(HOUR_MS)));
    let (_, later) = key(&engine, flo, Expiry::At(BEGIN.plus_ms(3 * HOUR_MS)));
    let (rotated, old) = key(&engine, flo, Expiry::Never);
    engine.rotate_key(BY, rotated, HOUR_MS).unwrap();
    world.clock.advance_ms(2 * HOUR_MS);
    assert_eq!(denied(&engine, &soon), Some(DenyReason::Expired));
    engine.stop().unwrap();
    drop(engine);

    let engine = world.start_at(BEGIN);
    assert_eq!(world.clock.now(), BEGIN.plus_ms(2 * HOUR_MS));
    assert_eq!(denied(&engine, &soon), Some(DenyReason::Expired));
    assert_eq!(denied(&engine, &old), Some(DenyReason::RotatedOut));
    assert_eq!(denied(&engine, &later), None);
    world.clock.advance_ms(HOUR_MS);
    assert_eq!(
        denied(&engine, &later),
        Some(DenyReason::Expired),
        "it goes on at the pace of the time that passes"
    );
}

#[test]
fn a_clock_far_ahead_removes_nothing_for_good_until_it_is_accepted() {
    let mut world = World::new();
    let engine = world.start_at(BEGIN);
    let flo = world.flo(&engine);
    let (deleted, _) = key(&engine, flo, Expiry::Never);
    let (_, kept) = key(&engine, flo, Expiry::Never);
    let (_, ends) = key(&engine, flo, Expiry::At(BEGIN.plus_ms(DAY_MS)));
    engine.delete_key(BY, deleted).unwrap();
    engine.stop().unwrap();
    drop(engine);
    let removable = |store: &SledStore| !store.scan(schema::DELETED, None, 1).unwrap().is_empty();

    let far = BEGIN.plus_ms(limits::DELETED_KEPT_MS + DAY_MS);
    for _ in 0..2 {
        world.clock = ManualClock::at(far);
        let (engine, store) = start(world.dir.path(), &world.clock);
        // Everything else goes on, by that clock.
        assert_eq!((denied(&engine, &kept), denied(&engine, &ends)), (None, Some(DenyReason::Expired)));
        key(&engine, flo, Expiry::Never);
        engine.stop().unwrap();
        assert!(removable(&store), "it is still there");
        assert!(
            store.newest_time() < Some(BEGIN.plus_ms(DAY_MS)),
            "what is in doubt is not what the store knows"
        );
    }

    // Set right again, it is as if the clock had never been wrong.
    let engine = world.start_at(BEGIN.plus_ms(HOUR_MS));
    assert_eq!(engine.accept_clock(), None, "there is no doubt");
    assert_eq!(denied(&engine, &ends), None);
    engine.stop().unwrap();
    drop(engine);

    world.clock = ManualClock::at(far);
    let (engine, store) = start(world.dir.path(), &world.clock);
    assert_eq!(engine.accept_clock(), Some(BEGIN.plus_ms(HOUR_MS)));
    engine.stop().unwrap();
    assert!(!removable(&store), "what is due goes");
    drop((engine, store));
    let engine = world.start_at(BEGIN);
    assert_eq!(world.clock.now(), far, "it counts over a restart");
    drop(engine);
}

#[test]
fn a_day_ahead_is_no_doubt() {
    let mut world = World::new();
    let engine = world.start_at(BEGIN);
    drop(engine);
    for days in 1..4 {
        let engine = world.start_at(BEGIN.plus_ms(days * DAY_MS));
        assert_eq!(engine.accept_clock(), None, "{days} days");
    }
}

#[cfg(feature = "server")]
#[test]
fn the_command_line_accepts_a_clock_also_of_a_running_server() {
    use std::io::{BufRead as _, BufReader};

    use crate::binary::{keyward, run};
    use keyward::config::SecretFile;
    use keyward::entropy::OsEntropy;

    for serves in [true, false] {
        // As on a machine that was off for longer: the binary reads the system's clock.
        let world = World::new();
        let data = world.dir.path();
        let store = SledStore::open(data, OpenOptions::default()).unwrap().0;
        let peppers = SecretFile::at(data.join("secret")).read_or_create(true, &OsEntropy).unwrap();
        let parts = Parts { clock: Arc::new(world.clock.clone()), ..Parts::new(store, peppers) };
        Engine::open(parts).unwrap().stop().unwrap();

        let server = serves.then(|| {
            let mut server = keyward(data, &["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
            assert!(line.starts_with("listening on "), "{line}");
            server
        });
        for answer in ["is accepted; the newest time known was 2025-11-25T19:46:40.000Z", "was not in doubt"]
        {
            let done = run(keyward(data, &["clock", "accept"]), "");
            assert!(
                done.code == 0 && done.out.contains(answer),
                "serves: {serves}: {} {}",
                done.out,
                done.err
            );
        }
        if let Some(mut server) = server {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}
