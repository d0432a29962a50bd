//! Any sequence of operations, on a store whose commits fail now and then, with stops, crashes, backups and repairs in
//! between, leads to what a plain model says: every text that was ever given out is allowed or denied as the model
//! expects and for its reason, every record and listing is the model's, and after a failure an operation is there
//! whole or not at all.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells its figures"
)]

mod any_change;
mod commands;
mod coverage;
mod disk;
#[path = "../../fuzz/targets/faulty.rs"]
mod faulty;
mod imports;
mod keys;
mod matches_model;
mod model;
mod model_changes;
mod model_members;
#[path = "../../fuzz/targets/rates.rs"]
mod rates;
mod steps;
mod tally;
mod world;

use disk::Kind;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use steps::Step;
use tally::Tally;
use world::World;

const CASES: u32 = 60;
/// A long run tells its figures now and then.
const TOLD_EVERY: u64 = 100;

fn cases() -> u32 {
    std::env::var("KEYWARD_LIFECYCLE_CASES").map_or(CASES, |cases| cases.parse().unwrap())
}

fn play(kind: Kind, tally: &Tally, steps: &[Step]) {
    let mut world = World::new(kind, tally);
    for (nth, step) in steps.iter().enumerate() {
        world.step(*step);
        world.verdicts_agree();
        if nth.is_multiple_of(4) || world.has_failed() {
            world.records_agree();
        }
    }
    world.records_agree();
    world.passwords_agree();
    world.reopen(false);
    world.verdicts_agree();
    world.records_agree();
    tally.sequences.add(1);
    tally.steps.add(steps.len() as u64);
}

fn run(kind: Kind) {
    let seeds = FileFailurePersistence::Direct("tests/lifecycle.proptest-regressions");
    let config = Config {
        cases: cases(),
        failure_persistence: Some(Box::new(seeds)),
        max_shrink_iters: 4_000,
        ..Config::default()
    };
    let tally = Tally::default();
    let outcome = TestRunner::new(config).run(&steps::steps(), |steps| {
        play(kind, &tally, &steps);
        if tally.sequences.get() % TOLD_EVERY == 0 {
            eprintln!("{kind:?}: {tally}");
        }
        Ok(())
    });
    eprintln!("{kind:?}: {tally}");
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn the_engine_on_disk_does_what_the_model_says() {
    run(Kind::Sled);
}

#[test]
fn the_engine_in_memory_does_what_the_model_says() {
    run(Kind::Memory);
}
