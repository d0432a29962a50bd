//! The terminal: output, progress and secret input.

pub(in crate::cli) mod output;
pub(in crate::cli) mod progress;
pub(in crate::cli) mod prompt;
