//! Errors of parsing text from outside.

use thiserror::Error;

/// A text from outside does not parse.
///
/// # Security
/// Names the field and the rule, never the text: the text may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} {problem}")]
pub struct ParseError {
    /// Name of the field.
    pub what: &'static str,
    /// Rule that the text breaks.
    pub problem: &'static str,
}

impl ParseError {
    pub(crate) const fn new(what: &'static str, problem: &'static str) -> Self {
        Self { what, problem }
    }
}
