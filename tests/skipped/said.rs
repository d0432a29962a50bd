//! Tests of what is not there.

use std::io::Write as _;

/// Says on the terminal that the test on this thread was not run, or not all of it, and why. A macro's
/// output is captured by `cargo test`, and the `ok` alone would say that the test ran.
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {}: {why}\n", thread.name().unwrap_or_default());
    // Without a standard error there is no reader.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
