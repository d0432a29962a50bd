#![no_main]

#[path = "../targets/filebin.rs"]
mod filebin;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| filebin::run(bytes));
