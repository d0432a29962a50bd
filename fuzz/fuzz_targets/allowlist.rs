#![no_main]

#[path = "../targets/allowlist.rs"]
mod allowlist;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| allowlist::run(bytes));
