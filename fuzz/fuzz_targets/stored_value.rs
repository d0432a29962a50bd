#![no_main]

#[path = "../targets/stored_value.rs"]
mod stored_value;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stored_value::run(bytes));
