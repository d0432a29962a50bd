//! Whether the time of an answer tells apart keys that must look alike: Welch's t-test between two classes of keys, as
//! dudect does it, through `Verifier::verify` and through a whole request of filebin's API.
//!
//! `cargo bench --bench timing`; `KEYWARD_TIMING_SAMPLES` sets the samples of each pair (1,000,000).

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a bench prints, reads the clock, and panics to fail"
)]

#[path = "timing/keys.rs"]
mod keys;
#[path = "timing/welch.rs"]
mod welch;

use std::hint::black_box;
use std::time::Instant;

use keyward::command::Service;
use keyward::dialect::{Dialect, Filebin};
use keyward::http::{Body, Entrance, RawRequest};
use keyward::key::Keyspace;
use keyward::verify::{Verdict, VerifyRequest};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use keys::{Keys, TEXT};
use welch::Sample;

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Samples that are taken without measuring, so that both classes find the caches alike.
const WARM_UP: usize = 20_000;

fn main() {
    let samples = std::env::var("KEYWARD_TIMING_SAMPLES").map_or(1_000_000, |text| text.parse().unwrap());
    let keys = Keys::new();
    let verify = |text: &str| {
        let request =
            VerifyRequest { client: Some(keys::CLIENT), ..VerifyRequest::new(&Keyspace::FILEBIN, text) };
        matches!(keys.verifier.verify(&request).unwrap(), Verdict::Allow(_))
    };
    let pairs: [(&str, &[String], &[String]); 9] = [
        ("nothing: unknown, unknown", &keys.unknown, &keys.also_unknown),
        ("good, wrong secret", &keys.good, &keys.known_prefix),
        ("wrong first letter, wrong last letter", &keys.wrong_first, &keys.wrong_last),
        ("known prefix, unknown prefix", &keys.known_prefix, &keys.unknown),
        ("unknown, suspended", &keys.unknown, &keys.suspended),
        ("unknown, revoked", &keys.unknown, &keys.revoked),
        ("unknown, expired", &keys.unknown, &keys.expired),
        ("unknown, wrong address", &keys.unknown, &keys.wrong_address),
        ("revoked, wrong address", &keys.revoked, &keys.wrong_address),
    ];
    println!("{samples} samples a pair; mean nanoseconds of the fastest nine tenths");
    println!("{:<40} {:>9} {:>9} {:>8} {:>8}", "verify", "first", "second", "|t|", "raw |t|");
    for (name, first, second) in pairs {
        show(name, &measure(samples, first, second, verify));
    }
    println!("{:<40} {:>9} {:>9} {:>8} {:>8}", "request", "first", "second", "|t|", "raw |t|");
    let api = Filebin::new("https://keys.example.org");
    for (name, first, second) in pairs.into_iter().filter(|(name, ..)| !name.starts_with("good")) {
        show(name, &measure(samples, first, second, |text| ask(&api, &keys.service, text)));
    }
}

/// Lists keys as the holder of this text; returns whether that was refused.
fn ask(api: &Filebin, service: &Service, text: &str) -> bool {
    let request = RawRequest {
        method: "POST".to_owned(),
        path: "/api/v2.1.0/user/apikeys".to_owned(),
        query: String::new(),
        headers: vec![("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec())],
        client: Some(keys::CLIENT),
        entrance: Entrance::Local,
        body: Body::Whole([b"apikey=", text.as_bytes()].concat()),
    };
    let answer = api.answer(service, &request);
    assert!(answer.body.windows(10).any(|part| part == b"login-fail"), "the same refusal for all");
    false
}

/// A text of each class, in one line of memory: fetching the one takes as long as fetching the other.
#[repr(align(64))]
struct Pair([[u8; TEXT]; 2]);

/// Times texts of both classes, one at a time, in random order.
fn measure(samples: usize, first: &[String], second: &[String], ask: impl Fn(&str) -> bool) -> Vec<Sample> {
    let text = |text: &String| <[u8; TEXT]>::try_from(text.as_bytes()).unwrap();
    let pairs: Vec<Pair> = first.iter().zip(second).map(|(a, b)| Pair([text(a), text(b)])).collect();
    let mut random = StdRng::seed_from_u64(1);
    let mut measured = Vec::with_capacity(samples);
    for n in 0..samples + WARM_UP {
        let second_class: bool = random.random();
        // Always presented from the same place, so that only the key differs.
        let presented = pairs[random.random_range(0..pairs.len())].0[usize::from(second_class)];
        let presented = std::str::from_utf8(black_box(&presented)).unwrap();
        let start = Instant::now();
        black_box(ask(black_box(presented)));
        let nanoseconds = start.elapsed().as_nanos();
        if n >= WARM_UP {
            measured
                .push(Sample { second: second_class, time: u32::try_from(nanoseconds).unwrap_or(u32::MAX) });
        }
    }
    measured
}

fn show(name: &str, samples: &[Sample]) {
    let found = welch::compare(samples);
    let [first, second] = found.means;
    println!("{name:<40} {first:>9.1} {second:>9.1} {:>8.2} {:>8.2}", found.largest, found.raw);
}
