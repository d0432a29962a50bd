//! TelVue HyperCaster's API as of 3.16, as far as its keys go: a protected call takes `api_key`, and every answer is XML.
//!
//! ```text
//! GET       /xml/software_version          needs a key that may read
//! GET, POST /content_api/new               needs a key that may write
//! GET, POST /content_api/{number}/edit     needs a key that may write
//! ```
//!
//! keyward stores no content: it reads a record as the documented server does, and answers with the record it read.

mod call;
mod content;
mod encode;
mod refusal;

use self::call::Call;
use self::content::Content;
use self::refusal::Refusal;
use super::{Dialect, Failure, Specificity};
use crate::command::Service;
use crate::http::{Body, Field, Form, Head, RawRequest, RawResponse};
use crate::key::Keyspace;

/// The TelVue dialect.
///
/// ```
/// use keyward::dialect::{Dialect, TelVue};
/// assert!(TelVue.claims("/xml/software_version"));
/// assert!(!TelVue.claims("/v1/keys"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TelVue;

/// Outcome of a request.
enum Answer {
    Version,
    Content(Content),
}

/// Parameters of the address and of the body. Those of the address come first.
struct Parameters {
    query: Form,
    body: Form,
}

impl Parameters {
    fn of(request: &RawRequest) -> Self {
        let query = Form::of(b"application/x-www-form-urlencoded", request.query.as_bytes());
        Self { query, body: Form::read(request) }
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.query.field(name).or_else(|| self.body.field(name))
    }

    /// The presented key text. Bytes that are not UTF-8 give the empty text, which is no key.
    fn key(&self) -> &str {
        match self.field("api_key") {
            Some(Field::Text(text)) => std::str::from_utf8(text).unwrap_or_default(),
            Some(Field::Array(_)) | None => "",
        }
    }
}

fn carry_out(service: &Service, request: &RawRequest) -> Result<Answer, Refusal> {
    match request.body {
        Body::Whole(_) => {}
        Body::TooLarge => return Err(Refusal::TooLarge),
        Body::Incomplete => return Err(Refusal::Incomplete),
    }
    let parameters = Parameters::of(request);
    // Before anything else: a client without a key learns nothing of what exists.
    let caller = service.authenticator().by_key(&Keyspace::TELVUE, parameters.key(), request.client)?;
    let call = call::read(&request.method, &request.path)?;
    if caller.level() < call.need() {
        return Err(Refusal::LevelTooLow);
    }
    match call {
        Call::SoftwareVersion => Ok(Answer::Version),
        Call::NewContent => Ok(Answer::Content(Content::read(None, &parameters)?)),
        Call::EditContent(id) => Ok(Answer::Content(Content::read(Some(id), &parameters)?)),
    }
}

impl Dialect for TelVue {
    fn claims(&self, path: &str) -> bool {
        call::claimed(path)
    }

    fn specificity(&self, _head: &Head<'_>) -> Specificity {
        Specificity::Prefix { bytes: "/xml/".len() }
    }

    fn error_response(&self, _path: &str, failure: Failure) -> RawResponse {
        encode::refusal(&match failure {
            Failure::Busy => Refusal::Undecided,
            Failure::Broken => Refusal::Broken,
        })
    }

    fn answer(&self, service: &Service, request: &RawRequest) -> RawResponse {
        match carry_out(service, request) {
            Ok(Answer::Version) => encode::software_version(env!("CARGO_PKG_VERSION")),
            Ok(Answer::Content(content)) => encode::content(&content),
            Err(refusal) => encode::refusal(&refusal),
        }
    }
}
