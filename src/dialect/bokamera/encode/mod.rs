//! Answers in whatever format was asked for.

mod csv;
mod json;
mod jsv;
mod xml;

pub(super) use self::xml::laid_out;

use super::RefusedRequest;
use super::format::Format;
use super::operation::Operation;
use super::record::{Answer, Record, Value};
use super::refusal::Refusal;
use crate::http::RawResponse;

/// Format of an answer, and the case of its member names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) format: Format,
    /// Names of JSON members begin with a small letter.
    pub(super) camel_case: bool,
}

/// The answer to an operation.
pub(super) fn success(answer: &Answer, operation: Operation, style: Style) -> RawResponse {
    let (media_type, body) = body(answer, style);
    let response = RawResponse::new(200, media_type, body);
    let response = match answer {
        Answer::One(_) => response,
        Answer::Many(records) => response.with_header(COMPLETED, records.len().to_string()),
    };
    match style.format {
        Format::Csv => {
            let name = operation.name();
            response.with_header("content-disposition", format!(r#"attachment;filename="{name}.csv""#))
        }
        Format::Json | Format::Xml | Format::Jsv | Format::JsonLines => response,
    }
}

/// Header field with the number of the requests of a batch that were carried out.
const COMPLETED: &str = "x-autobatch-completed";

/// An answer as it is written, and what its format is called.
pub(super) fn body(answer: &Answer, style: Style) -> (&'static str, Vec<u8>) {
    let rows = match answer {
        Answer::One(record) => rows(record),
        Answer::Many(records) => records,
    };
    match style.format {
        Format::Json => (JSON, json::answer(answer, style.camel_case)),
        Format::Xml => ("application/xml", xml::document(answer)),
        Format::Csv => ("text/csv", csv::table(rows)),
        Format::Jsv => ("text/jsv", jsv::answer(answer)),
        Format::JsonLines => ("text/jsonl", json::lines(rows, style.camel_case)),
    }
}

/// A refusal: in XML if that was asked for, else in JSON, which every client reads.
pub(super) fn refusal(refusal: &RefusedRequest, style: Style) -> RawResponse {
    let (status, _) = refusal.refusal.kind();
    let record = refusal.record();
    let response = match style.format {
        Format::Xml => RawResponse::new(status, "application/xml", xml::document(&Answer::One(record))),
        Format::Json | Format::Csv | Format::Jsv | Format::JsonLines => {
            // There the status is all that counts.
            let fields = record.fields.into_iter().filter(|(_, value)| matches!(value, Value::Status(_)));
            let record = Record { fields: fields.collect(), ..record };
            RawResponse::new(status, JSON, json::answer(&Answer::One(record), style.camel_case))
        }
    };
    let response = match refusal.completed {
        Some(completed) => response.with_header(COMPLETED, completed.to_string()),
        None => response,
    };
    match &refusal.refusal {
        Refusal::NotAuthenticated | Refusal::Login => response.with_header("www-authenticate", "Bearer"),
        Refusal::InvalidApiKey => response.with_header("www-authenticate", "ApiKey"),
        Refusal::Method { allowed } => response.with_header("allow", *allowed),
        Refusal::RateLimited { retry_after_seconds: Some(seconds) } => {
            response.with_header("retry-after", seconds.to_string())
        }
        Refusal::RateLimited { retry_after_seconds: None }
        | Refusal::InvalidRole
        | Refusal::NoSuchAddress
        | Refusal::NotFound { .. }
        | Refusal::TooLarge
        | Refusal::MediaType
        | Refusal::Incomplete
        | Refusal::Body { .. }
        | Refusal::Field { .. }
        | Refusal::Invalid { .. }
        | Refusal::Conflict(_)
        | Refusal::Unavailable
        | Refusal::Broken => response,
    }
}

// Without this very text the service's own client does not look at the body.
const JSON: &str = "application/json; charset=utf-8";

/// The rows of a table: the records in a record, or itself.
fn rows(record: &Record) -> &[Record] {
    let listed = record.fields.iter().find_map(|(_, value)| match value {
        Value::Records(records) => Some(records.as_slice()),
        Value::Text(_) | Value::Bool(_) | Value::Status(_) => None,
    });
    listed.unwrap_or_else(|| std::slice::from_ref(record))
}
