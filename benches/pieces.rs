//! What a verify is made of, one piece at a time: verdicts over an index of 1,000,000 keys in memory, and beside them
//! keyed BLAKE3 of the same texts and the look-up of a hash in a `HashMap` of as many.
//!
//! `cargo bench --bench pieces`, about a minute; `KEYWARD_BENCH_KEYS` sets how many keys there are. For following one
//! piece from change to change; `promises` compares them by turns.

#![expect(clippy::string_slice, clippy::unwrap_used, reason = "a bench panics to fail")]

#[path = "promises/catalogue.rs"]
mod catalogue;
#[path = "promises/texts.rs"]
mod texts;

use std::collections::HashMap;
use std::hint::black_box;

use criterion::Criterion;
use keyward::key::{Allowlist, Keyspace, Level};
use keyward::verify::{Verdict, Verifier, VerifyRequest};

use self::catalogue::{CLIENT, Catalogue};
use self::texts::Texts;

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Texts of each kind: more than fit into the processor's caches together with what they find.
const TEXTS: u64 = 500_000;

fn main() {
    let keys = std::env::var("KEYWARD_BENCH_KEYS").map_or(1_000_000, |text| text.parse().unwrap());
    let mut criterion = Criterion::default().configure_from_args();
    let hits = Texts::hits(TEXTS, keys);
    floors(&mut criterion, &hits, keys);
    verdicts(&mut criterion, &hits, keys);
    criterion.final_summary();
}

fn floors(criterion: &mut Criterion, hits: &Texts, keys: u64) {
    let pepper = [7; 32];
    let hash = |text: &str| *blake3::keyed_hash(&pepper, text.as_bytes()).as_bytes();
    let hashes: Vec<[u8; 32]> = hits.from(0).take(TEXTS as usize).map(hash).collect();
    let mut map: HashMap<[u8; 32], u64> = hashes.iter().copied().zip(0..).collect();
    // As large as the index, whatever its texts are.
    let missing = keys.saturating_sub(map.len() as u64);
    map.extend((0..missing).map(|number| (*blake3::hash(&number.to_le_bytes()).as_bytes(), number)));
    let mut group = criterion.benchmark_group("floor");
    let mut texts = hits.from(0);
    group.bench_function("keyed BLAKE3 of the text", |bencher| {
        bencher.iter(|| hash(black_box(texts.next().unwrap())));
    });
    let mut wanted = hashes.iter().cycle();
    group.bench_function("HashMap look-up by hash", |bencher| {
        bencher.iter(|| map.get(black_box(wanted.next().unwrap())).copied());
    });
    group.finish();
}

fn verdicts(criterion: &mut Criterion, hits: &Texts, keys: u64) {
    let (unknown, wrong) = (Texts::unknown(TEXTS), Texts::wrong_secrets(TEXTS, keys));
    let malformed = Texts::malformed(TEXTS, keys);
    let (store, peppers) = Catalogue::new(keys, Allowlist::Anyone);
    let engine = catalogue::open(store, peppers);
    let verifier = Verifier::new(engine.reader());
    let mut group = criterion.benchmark_group("verify");
    for (name, texts, allowed) in [
        ("live key", hits, true),
        ("unknown key", &unknown, false),
        ("wrong secret of a known key", &wrong, false),
        ("malformed key", &malformed, false),
    ] {
        let mut texts = texts.from(0);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let request = VerifyRequest::new(&Keyspace::NATIVE, texts.next().unwrap());
                let request = VerifyRequest { client: Some(CLIENT), level: Level::READ, ..request };
                let verdict = verifier.verify(&request).unwrap();
                assert_eq!(matches!(verdict, Verdict::Allow(_)), allowed);
                verdict
            });
        });
    }
    group.finish();
    engine.stop().unwrap();
}
