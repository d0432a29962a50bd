//! A dialect below a path of its own.

use super::{Dialect, Failure, Specificity, TryAnswer};
use crate::command::Service;
use crate::http::{Body, Head, RawRequest, RawResponse, is_prefix};
use crate::key::ParseError;

/// A dialect whose addresses all begin with the same path.
///
/// ```
/// use keyward::dialect::{Nested, Dialect, TelVue};
/// let telvue = Nested::new("/tv", TelVue)?;
/// assert!(telvue.claims("/tv/xml/software_version") && !telvue.claims("/xml/software_version"));
/// # Ok::<(), keyward::key::ParseError>(())
/// ```
pub struct Nested<D> {
    path: String,
    dialect: D,
}

impl<D> Nested<D> {
    /// `dialect` below `path`, which begins with a slash and does not end in one.
    ///
    /// # Errors
    /// [`ParseError`] for any other path.
    pub fn new(path: &str, dialect: D) -> Result<Self, ParseError> {
        if is_prefix(path) {
            Ok(Self { path: path.to_owned(), dialect })
        } else {
            Err(ParseError::new("path", "must be like /keys, of A-Z a-z 0-9 - _ . ~ and slashes"))
        }
    }

    fn rest<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&self.path).filter(|rest| rest.starts_with('/'))
    }
}

impl<D: Dialect> Dialect for Nested<D> {
    fn claims(&self, path: &str) -> bool {
        self.rest(path).is_some_and(|rest| self.dialect.claims(rest))
    }

    fn declines(&self, head: &Head<'_>) -> bool {
        let path = self.rest(head.path).unwrap_or(head.path);
        self.dialect.declines(&Head { path, ..*head })
    }

    fn specificity(&self, head: &Head<'_>) -> Specificity {
        let path = self.rest(head.path).unwrap_or(head.path);
        self.dialect.specificity(&Head { path, ..*head }).below(self.path.len())
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        let path = self.rest(&request.path).unwrap_or(&request.path).to_owned();
        self.dialect.answer(service, &RawRequest { path, ..request.clone() })
    }

    fn error_response(&self, path: &str, failure: Failure) -> RawResponse {
        self.dialect.error_response(self.rest(path).unwrap_or(path), failure)
    }

    fn try_answer(&self, service: &Service, head: &Head<'_>, body: Option<&Body>) -> TryAnswer {
        let path = self.rest(head.path).unwrap_or(head.path);
        self.dialect.try_answer(service, &Head { path, ..*head }, body)
    }
}

impl Dialect for Box<dyn Dialect> {
    fn claims(&self, path: &str) -> bool {
        (**self).claims(path)
    }

    fn declines(&self, head: &Head<'_>) -> bool {
        (**self).declines(head)
    }

    fn specificity(&self, head: &Head<'_>) -> Specificity {
        (**self).specificity(head)
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        (**self).answer(service, request)
    }

    fn error_response(&self, path: &str, failure: Failure) -> RawResponse {
        (**self).error_response(path, failure)
    }

    fn try_answer(&self, service: &Service, head: &Head<'_>, body: Option<&Body>) -> TryAnswer {
        (**self).try_answer(service, head, body)
    }
}
