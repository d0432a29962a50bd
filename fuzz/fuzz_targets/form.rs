#![no_main]

#[path = "../targets/form.rs"]
mod form;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| form::run(bytes));
