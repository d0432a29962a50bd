#![doc = include_str!("README.md")]

#[cfg(feature = "server")]
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
#[cfg(feature = "server")]
pub mod console;
#[cfg(feature = "server")]
pub mod dialect;
pub mod engine;
pub mod entropy;
#[cfg(feature = "server")]
pub mod http;
pub mod index;
pub mod key;
pub mod limits;
pub mod login;
#[cfg(feature = "server")]
pub mod server;
pub mod store;
pub mod verify;

/// The examples of the pages, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/embedding.md")]
#[doc = include_str!("../docs/extending.md")]
struct PageExamples;
