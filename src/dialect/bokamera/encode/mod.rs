//! Answers in whatever format was asked for.

mod csv;
mod json;
mod jsv;
mod xml;

use super::Refusal;
use super::format::Format;
use super::record::{Record, Value};
use super::refusal::Wrong;
use super::route::Operation;
use crate::exchange::RawResponse;

/// How an answer is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) format: Format,
    /// Names of JSON members begin with a small letter.
    pub(super) camel_case: bool,
}

/// The answer to an operation.
pub(super) fn success(record: &Record, operation: Operation, style: Style) -> RawResponse {
    let (media_type, body) = match style.format {
        Format::Json => (JSON, json::object(record, style.camel_case)),
        Format::Xml => ("application/xml", xml::document(record)),
        Format::Csv => ("text/csv", csv::table(record)),
        Format::Jsv => ("text/jsv", jsv::object(record)),
        Format::JsonLines => ("text/jsonl", json::lines(record, style.camel_case)),
    };
    let response = RawResponse::new(200, media_type, body);
    match style.format {
        Format::Csv => {
            let name = operation.name();
            response.with_header("content-disposition", format!(r#"attachment;filename="{name}.csv""#))
        }
        Format::Json | Format::Xml | Format::Jsv | Format::JsonLines => response,
    }
}

/// A refusal: in XML if that was asked for, else in JSON, which every client reads.
pub(super) fn refusal(refusal: &Refusal, style: Style) -> RawResponse {
    let (status, _) = refusal.wrong.kind();
    let record = refusal.record();
    let response = match style.format {
        Format::Xml => RawResponse::new(status, "application/xml", xml::document(&record)),
        Format::Json | Format::Csv | Format::Jsv | Format::JsonLines => {
            // There the status is all that counts.
            let fields = record.fields.into_iter().filter(|(_, value)| matches!(value, Value::Status(_)));
            let record = Record { fields: fields.collect(), ..record };
            RawResponse::new(status, JSON, json::object(&record, style.camel_case))
        }
    };
    match &refusal.wrong {
        Wrong::NotAuthenticated | Wrong::Login => response.with_header("www-authenticate", "Bearer"),
        Wrong::InvalidApiKey => response.with_header("www-authenticate", "ApiKey"),
        Wrong::Method { allowed } => response.with_header("allow", *allowed),
        Wrong::RateLimited { retry_after_seconds: Some(seconds) } => {
            response.with_header("retry-after", seconds.to_string())
        }
        Wrong::RateLimited { retry_after_seconds: None }
        | Wrong::InvalidRole
        | Wrong::NoSuchAddress
        | Wrong::NotFound { .. }
        | Wrong::TooLarge
        | Wrong::Incomplete
        | Wrong::Body { .. }
        | Wrong::Field { .. }
        | Wrong::Invalid { .. }
        | Wrong::Conflict(_)
        | Wrong::Unavailable
        | Wrong::Broken => response,
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
