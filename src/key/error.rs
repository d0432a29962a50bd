//! Why outside text is not what it should be.

use thiserror::Error;

/// A text from outside does not have the shape it needs. The text itself is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} {problem}")]
pub struct ParseError {
    /// Which word of the field was being read.
    pub what: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl ParseError {
    pub(crate) const fn new(what: &'static str, problem: &'static str) -> Self {
        Self { what, problem }
    }
}
