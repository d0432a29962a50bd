//! What a verify costs, beside the least it could cost.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use keyward::engine::Engine;
use keyward::index::Found;
use keyward::key::{Keyspace, Level};
use keyward::verify::{Verdict, Verifier, VerifyRequest, judge};

use super::catalogue::CLIENT;
use super::rounds::{Measured, alone, by_turns, middle};
use super::texts::Texts;

/// Texts of each kind: more than fit into the processor's caches together with what they find.
const TEXTS_MAX: u64 = 2_000_000;
const ROUNDS: usize = 101;
const TIMES: usize = 20_000;
/// Keys verified together.
const LIST: usize = 100;

fn request(text: &str) -> VerifyRequest<'_> {
    let keyspace = &Keyspace::NATIVE;
    VerifyRequest { client: Some(CLIENT), level: Level::READ, ..VerifyRequest::new(keyspace, text) }
}

/// Verifies so many of these texts; all are answered alike.
fn verify_all(verifier: &Verifier, texts: &Texts, from: usize, times: usize, allowed: bool) {
    for text in texts.from(from).take(times) {
        // Looked at where it is: moving it would be measured as well.
        let verdict = verifier.verify(&request(text));
        assert_eq!(matches!(black_box(&verdict), Ok(Verdict::Allow(_))), allowed);
    }
}

/// The same, of lists of them.
fn verify_lists(verifier: &Verifier, texts: &Texts, from: usize, times: usize) {
    let mut requests = texts.from(from).take(times).map(request);
    let mut list = Vec::with_capacity(LIST);
    for _ in 0..times / LIST {
        list.clear();
        list.extend(requests.by_ref().take(LIST));
        assert!(verifier.verify_all(&list).all(|verdict| matches!(verdict.unwrap(), Verdict::Allow(_))));
    }
}

fn print(measured: &[Measured], to: &str) {
    for Measured { name, each, ratio } in measured {
        println!("  {name:<44} {each:>8.1} ns {ratio:>8.2} x {to}");
    }
}

pub(crate) fn run(engine: &Engine, keys: u64) {
    let count = keys.min(TEXTS_MAX);
    let hits = Texts::hits(count, keys);
    costs(engine, &hits, keys, count);
    counting(engine, &hits);
    threads(engine, &hits);
}

/// Each kind of key, and the floors.
fn costs(engine: &Engine, hits: &Texts, keys: u64, count: u64) {
    let unknown = Texts::unknown(count);
    let wrong = Texts::wrong_secrets(count, keys);
    let malformed = Texts::malformed(count, keys);
    let pepper = [7; 32];
    let hash = |text: &str| *blake3::keyed_hash(&pepper, text.as_bytes()).as_bytes();
    let mut map: HashMap<[u8; 32], [u8; 16]> =
        (0..).zip(hits.from(0)).take(count as usize).map(entry(hash)).collect();
    // As large as the index, whatever its texts are.
    map.extend((count..keys).map(|n| (*blake3::hash(&n.to_le_bytes()).as_bytes(), [0; 16])));
    let hashes: Vec<[u8; 32]> = hits.from(0).take(count as usize).map(hash).collect();
    let verifier = Verifier::new(engine.reader());
    let verifier = &verifier;
    let verifying = |name, texts, allowed| {
        alone(name, move |from, times| verify_all(verifier, texts, from, times, allowed))
    };
    let subjects = vec![
        alone("floor: keyed BLAKE3 of the same text", |from, times| {
            for text in hits.from(from).take(times) {
                black_box(blake3::keyed_hash(&pepper, text.as_bytes()));
            }
        }),
        alone("floor: look-up of a hash in a HashMap", |from, times| {
            for hash in hashes.iter().cycle().skip(from % hashes.len()).take(times) {
                black_box(map.get(hash));
            }
        }),
        alone("floor: both, the look-up waiting for the hash", |from, times| {
            for text in hits.from(from).take(times) {
                black_box(map.get(&hash(text)));
            }
        }),
        verifying("verify: hit", hits, true),
        verifying("verify: unknown", &unknown, false),
        verifying("verify: wrong secret", &wrong, false),
        verifying("verify: malformed", &malformed, false),
        alone("verify_all: hits in lists of 100", |from, times| verify_lists(verifier, hits, from, times)),
    ];
    println!("\nverify by one thread, {keys} keys, {count} different texts of each kind");
    print(&by_turns(ROUNDS, TIMES, subjects), "keyed BLAKE3");
}

fn entry(hash: impl Fn(&str) -> [u8; 32]) -> impl Fn((u64, &str)) -> ([u8; 32], [u8; 16]) {
    move |(number, text)| (hash(text), u128::from(number).to_le_bytes())
}

/// The same verify, put together from its parts, with and without counting the use.
fn counting(engine: &Engine, hits: &Texts) {
    let reader = engine.reader();
    let verify = |text: &str, count: bool| {
        let request = request(text);
        let format = request.keyspace.format();
        reader.bucket(format.locator(request.text), |bucket| {
            bucket.prefetch();
            let presented = format.parse(request.text).unwrap();
            let now = reader.now();
            let mut look = |found: &Found<'_>| {
                let verdict = judge(found.record, found.owner, &request, now);
                assert!(matches!(verdict, Verdict::Allow(_)));
                assert!(matches!(reader.hot().spend(found.record, request.spend, now), Ok(None)));
                if count {
                    reader.hot().count_use(found, now, request.client.as_ref());
                }
                black_box(&verdict);
            };
            reader.look_up_at(&bucket, &presented, &mut look).unwrap();
        });
    };
    let verify = &verify;
    let counted = |name, count| {
        alone(name, move |from, times| hits.from(from).take(times).for_each(|text| verify(text, count)))
    };
    println!("\ncounting uses: the same verify, put together from its parts");
    let measured =
        by_turns(4 * ROUNDS, TIMES, vec![counted("without", false), counted("with, as it is", true)]);
    print(&measured, "without");
}

/// One thread and all of them, by turns; beside them the hash alone, which shares nothing.
fn threads(engine: &Engine, hits: &Texts) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let verifier = Verifier::new(engine.reader());
    let verify = |from, times| verify_all(&verifier, hits, from, times, true);
    let pepper = [7; 32];
    let hash = |from, times| {
        for text in hits.from(from).take(times) {
            black_box(blake3::keyed_hash(&pepper, text.as_bytes()));
        }
    };
    println!("\none thread and {threads}");
    for (name, work) in
        [("verify: hit", &verify as &(dyn Fn(usize, usize) + Sync)), ("floor: keyed BLAKE3", &hash)]
    {
        let (mut one, mut all, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let from = round * TIMES;
            one.push(rate(1, 10 * TIMES, from, work));
            all.push(rate(threads, 10 * TIMES, from, work));
            ratios.push(all[round] / one[round]);
        }
        let (one, all, ratio) = (middle(one), middle(all), middle(ratios));
        println!("  {name:<24} {one:>12.0} /s by one {all:>12.0} /s by {threads} {ratio:>6.2} x");
    }
}

/// How many a second so many threads do, each `times`.
fn rate(threads: usize, times: usize, from: usize, work: &(dyn Fn(usize, usize) + Sync)) -> f64 {
    let gate = std::sync::Barrier::new(threads);
    let spans: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
        let run = |thread: usize| {
            let gate = &gate;
            move || {
                gate.wait();
                let start = Instant::now();
                work(from + thread * 7 * times, times);
                (start, Instant::now())
            }
        };
        let all: Vec<_> = (0..threads).map(|thread| scope.spawn(run(thread))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let start = spans.iter().map(|(start, _)| *start).min().unwrap();
    let end = spans.iter().map(|(_, end)| *end).max().unwrap();
    (threads * times) as f64 / (end - start).max(Duration::from_nanos(1)).as_secs_f64()
}
