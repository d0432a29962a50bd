//! What is fuzzed: one function `run` each, which panics when something is wrong.

#![allow(unreachable_pub, reason = "a library for the fuzzer, a module for the tests")]

pub mod allowlist;
pub mod bokamera;
#[cfg(feature = "server")]
pub mod console;
mod faulty;
pub mod filebin;
pub mod form;
pub mod freesewing;
pub mod gateway;
pub mod judge;
pub mod key_text;
#[cfg(feature = "server")]
mod markup;
mod model;
pub mod native;
pub mod operations;
pub mod qreserve;
mod rates;
mod records;
mod requests;
pub mod stored_value;
pub mod telvue;
mod verifying;
mod world;
mod xml;
