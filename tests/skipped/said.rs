//! Tests of what is not there.

use std::io::Write as _;

/// Says on the terminal that the test on this thread was not run, or not all of it, and why. What is printed by a macro is
/// kept from whoever reads `cargo test`, to whom the `ok` alone would say that it was.
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {}: {why}\n", thread.name().unwrap_or_default());
    // With no standard error there is nobody to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
