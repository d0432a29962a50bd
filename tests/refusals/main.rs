//! Whatever is asked of any API, in whatever way: no answer says that the server is at fault, what is refused or only
//! reads changes nothing at all, and no answer shows a key text to a caller who may not see it.
#![cfg(feature = "server")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells its figures"
)]

mod checks;
mod coverage;
mod documented;
#[path = "../../fuzz/targets/faulty.rs"]
#[expect(dead_code, reason = "no commit fails here")]
mod faulty;
mod grammar;
mod seeded_choice;
mod values;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use coverage::Coverage;
use documented::Operation;
use keyward::http::RawRequest;
use seeded_choice::Chance;
use world::World;

const REQUESTS: usize = 4_000;
/// A world grows, so it is left for a new one now and then.
const REQUESTS_TO_A_WORLD: usize = 10_000;
/// After so many the engine is stopped, time passes, and the next one starts.
const REQUESTS_TO_A_START: usize = 400;

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// As raw HTTP, to be sent again by hand.
fn shown(request: &RawRequest) -> String {
    let RawRequest { method, path, query, headers, body, client, .. } = request;
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
    let bytes = String::from_utf8_lossy(body.bytes());
    format!("{method} {path}?{query} from {client:?}\n{}\n\n{body:?}\n{bytes}", headers.join("\n"))
}

/// Asks once and holds the answer against what is true of every one.
fn ask(world: &mut World, operation: &Operation, chance: &mut Chance, coverage: &mut Coverage) {
    let asked = grammar::request(world, operation, chance);
    let before = world.revision();
    let whole = chance.once_in(64).then(|| world.content());
    let answer = catch_unwind(AssertUnwindSafe(|| world.answer(operation.api, &asked.request)));
    let answer = answer.unwrap_or_else(|panic| {
        eprintln!("{}", shown(&asked.request));
        resume_unwind(panic)
    });
    let Some(response) = answer else {
        coverage.elsewhere += 1;
        return;
    };
    let held = catch_unwind(AssertUnwindSafe(|| {
        checks::hold(world, operation.api, &asked, &response, before);
        if let Some(whole) = whole.filter(|_| checks::is_refusal(&response)) {
            assert!(whole == world.content(), "it was refused, and another byte is stored");
        }
    }));
    if let Err(panic) = held {
        let body = String::from_utf8_lossy(&response.body);
        eprintln!("{}\n\n{} {body}", shown(&asked.request), response.status);
        resume_unwind(panic);
    }
    let changed = world.revision() != before;
    coverage.note(operation, &response, changed);
    if changed {
        world.note_changes(before);
        for known in checks::given_out(world, &response.body) {
            world.learn(known.keyspace, known.id, known.owner, &known.text);
        }
    }
}

fn play(requests: usize, seed: u64) -> Coverage {
    let operations = documented::operations();
    let (mut coverage, mut chance) = (Coverage::default(), Chance::of(seed));
    let mut world = World::new(seed);
    for nth in 1..=requests {
        let wanting = coverage.wanting(&operations);
        let operation = loop {
            if !wanting.is_empty() && chance.once_in(3) {
                break *chance.of_these(&wanting);
            }
            let operation = chance.of_these(&operations);
            // A password takes as long as hundreds of other requests.
            let slow = operation.fields.iter().any(|(_, value)| *value == values::Value::Password);
            if !slow || chance.once_in(4) {
                break operation;
            }
        };
        ask(&mut world, operation, &mut chance, &mut coverage);
        if nth % REQUESTS_TO_A_WORLD == 0 {
            eprintln!("{coverage}");
            world = World::new(seed + nth as u64);
        } else if nth % REQUESTS_TO_A_START == 0 {
            let ms = [1_000, 61_000, 3_600_000, 25 * 3_600_000][chance.below(4)];
            world.reopen(ms);
            world.mend();
        }
    }
    coverage
}

#[test]
fn no_refusal_changes_anything_and_no_answer_is_the_server_s_fault() {
    let requests = number("KEYWARD_REFUSAL_REQUESTS", REQUESTS);
    let seed = number("KEYWARD_REFUSAL_SEED", 1) as u64;
    let coverage = play(requests, seed);
    eprintln!("{coverage}");
    if requests >= REQUESTS {
        coverage.hold();
    }
}
