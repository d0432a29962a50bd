//! A good key while others present junk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use keyward::engine::Engine;
use keyward::key::Keyspace;
use keyward::verify::{Verdict, Verifier, VerifyRequest};

use super::rounds::middle;
use super::texts::Texts;

const JUNK_A_SECOND: u32 = 100_000;
/// Junk comes in bursts, as requests that a server answers do.
const BURST: u32 = 100;
const ROUNDS: usize = 20;
const WINDOW: Duration = Duration::from_millis(200);
/// No use takes longer; a histogram that may grow does not for what is recorded without an error.
const LONGEST_NANOSECONDS: u64 = 60_000_000_000;
/// A pause between two uses of the good key, so that it does not find everything in the nearest cache.
const PAUSE: Duration = Duration::from_micros(5);

pub(crate) fn run(engine: &Engine, keys: u64) {
    let verifier = Verifier::new(engine.reader());
    let good = Texts::hits(1, keys);
    let junk = Texts::unknown(500_000);
    let good = good.from(0).next().unwrap();
    let (mut idle, mut flooded, mut ratios, mut sent) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for round in 0..ROUNDS {
        let quiet = watch(&verifier, good);
        let stop = AtomicBool::new(false);
        let (loud, junk) = std::thread::scope(|scope| {
            let flood = scope.spawn(|| flood(&verifier, &junk, round, &stop));
            let loud = watch(&verifier, good);
            stop.store(true, Ordering::Relaxed);
            (loud, flood.join().unwrap())
        });
        sent += junk;
        idle.push(quiet.value_at_quantile(0.99) as f64);
        flooded.push(loud.value_at_quantile(0.99) as f64);
        ratios.push(flooded[round] / idle[round]);
    }
    let a_second = f64::from(sent) / (WINDOW * u32::try_from(ROUNDS).unwrap()).as_secs_f64();
    println!("\na good key's p99, {keys} keys, clock included; {ROUNDS} windows of {WINDOW:?} each");
    println!("  idle                                         {:>8.0} ns", middle(idle));
    println!(
        "  beside {a_second:>7.0} junk keys a second            {:>8.0} ns {:>8.2} x idle",
        middle(flooded),
        middle(ratios)
    );
}

/// Latencies of one good key, in nanoseconds.
fn watch(verifier: &Verifier, text: &str) -> Histogram<u64> {
    let mut latencies = Histogram::new_with_bounds(1, LONGEST_NANOSECONDS, 3).unwrap();
    let start = Instant::now();
    let mut next = start;
    while next < start + WINDOW {
        let begun = Instant::now();
        if begun < next {
            std::hint::spin_loop();
            continue;
        }
        let verdict = verifier.verify(&VerifyRequest::new(&Keyspace::NATIVE, text)).unwrap();
        let took = begun.elapsed();
        assert!(matches!(verdict, Verdict::Allow(_)));
        latencies.saturating_record(u64::try_from(took.as_nanos()).unwrap());
        next = begun + PAUSE;
    }
    latencies
}

/// Presents junk at its rate until told to stop, and answers how much.
fn flood(verifier: &Verifier, junk: &Texts, round: usize, stop: &AtomicBool) -> u32 {
    let mut texts = junk.from(round * 20_000);
    let (start, mut sent) = (Instant::now(), 0);
    while !stop.load(Ordering::Relaxed) {
        let due = Duration::from_secs(1) * sent / JUNK_A_SECOND;
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        for text in texts.by_ref().take(BURST as usize) {
            let verdict = verifier.verify(&VerifyRequest::new(&Keyspace::NATIVE, text)).unwrap();
            assert!(matches!(verdict, Verdict::Deny(_)));
        }
        sent += BURST;
    }
    sent
}
