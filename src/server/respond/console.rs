//! The web console as a dialect of the router.
//!
//! No document describes the console's addresses, so it is not in `dialect/`; but the router treats it as a dialect. At
//! `/` it declines requests that no browser sends, and QReserve's API answers them.

use crate::command::Service;
use crate::console::Console;
use crate::dialect::{Dialect, Failure, Specificity};
use crate::http::{Head, RawRequest, RawResponse};

impl Dialect for Console {
    fn claims(&self, path: &str) -> bool {
        Self::claims(self, path)
    }

    fn declines(&self, head: &Head<'_>) -> bool {
        Self::passes(self, head)
    }

    fn specificity(&self, head: &Head<'_>) -> Specificity {
        if head.path.contains("/console") {
            Specificity::Prefix { bytes: "/console".len() }
        } else {
            Specificity::Exact
        }
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        Self::answer(self, service, request)
    }

    fn error_response(&self, _path: &str, failure: Failure) -> RawResponse {
        Self::failed(self, failure == Failure::Busy)
    }
}
