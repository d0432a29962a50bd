//! Every input that fuzzing started from or found worth keeping still runs through its target without a failure.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

#[path = "../fuzz/targets/lib.rs"]
mod targets;

macro_rules! replayed {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name), targets::$name::run);
            }
        )*
    };
}

replayed! { allowlist bokamera console filebin form freesewing gateway judge key_text native operations qreserve stored_value telvue }

fn replay(name: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut inputs: Vec<_> = fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} has no inputs", corpus.display());
    run(b"");
    for input in inputs {
        let bytes = fs::read(&input).unwrap();
        // The failure itself is printed before; this names the input.
        assert!(catch_unwind(AssertUnwindSafe(|| run(&bytes))).is_ok(), "{} fails", input.display());
    }
}
