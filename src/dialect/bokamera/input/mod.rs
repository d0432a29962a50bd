//! Fields of a request, from the query and from a body of any format that answers have, or a form. Names are read in any
//! case. A field of the body counts before one of the query. A body is read whole or refused: a client that sent a field
//! must not be answered as if the field had been left out.

mod csv;
mod form;
mod json;
mod jsv;
mod xml;

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::format::Format;
use super::refusal::Refusal;
use crate::http::{Body, Form, Query, RawRequest};
use crate::limits;

/// The fields of a request.
#[derive(Clone)]
pub(super) struct Input {
    request: &'static str,
    /// By name in lower case.
    fields: HashMap<String, Entry>,
}

/// Value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// Wiped: it may be a password.
    Text(Zeroizing<String>),
    Bool(bool),
    /// It says that it has no value, which is as one left out.
    Absent,
    /// Something that no field of ours is.
    Other,
}

impl Entry {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }
}

/// The fields of one request in a body, in its order.
type Fields = Vec<(String, Entry)>;

/// Number of requests that a body may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    One,
    /// As ServiceStack's clients send many at once: a list of them.
    Many,
}

impl Input {
    /// Reads the fields of a request of this name.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`], [`Refusal::Incomplete`], [`Refusal::MediaType`], [`Refusal::Body`].
    pub(super) fn read(request: &RawRequest, name: &'static str) -> Result<Self, Refusal> {
        let base = Self::of_query(request, name);
        let Some(bytes) = body(request)? else { return Ok(base) };
        let mut read = records(request, bytes, name, Count::One)?;
        match (read.pop(), read.is_empty()) {
            (Some(fields), true) => Ok(base.with(fields)),
            _ => Err(base.malformed("the body must hold one request")),
        }
    }

    /// Reads the fields of each of the requests of this name that were sent at once.
    ///
    /// # Errors
    /// As [`Input::read`].
    pub(super) fn read_many(request: &RawRequest, name: &'static str) -> Result<Vec<Self>, Refusal> {
        let base = Self::of_query(request, name);
        let Some(bytes) = body(request)? else { return Err(base.malformed("the body must be a list")) };
        let read = records(request, bytes, name, Count::Many)?;
        if read.len() > limits::BOKAMERA_BATCH_MAX {
            let most = limits::BOKAMERA_BATCH_MAX;
            return Err(base.malformed(&format!("the body must hold at most {most} requests")));
        }
        Ok(read.into_iter().map(|fields| base.clone().with(fields)).collect())
    }

    fn of_query(request: &RawRequest, name: &'static str) -> Self {
        // Clients send a parameter without a value for a field without one.
        let given = Query::new(&request.query).decoded().filter(|(_, value)| !value.is_empty());
        let fields =
            given.map(|(field, value)| (field.into_owned(), Entry::text(value.into_owned()))).collect();
        Self { request: name, fields: HashMap::new() }.with(fields)
    }

    fn with(mut self, fields: Fields) -> Self {
        for (name, entry) in fields {
            if entry != Entry::Absent {
                self.fields.insert(name.to_ascii_lowercase(), entry);
            }
        }
        self
    }

    fn malformed(&self, problem: &str) -> Refusal {
        malformed(self.request, problem)
    }

    /// The text of a field, if it was given.
    ///
    /// # Errors
    /// [`Refusal::Field`] when it is no text.
    pub(super) fn text(&self, field: &'static str) -> Result<Option<&str>, Refusal> {
        match self.fields.get(&field.to_ascii_lowercase()) {
            None | Some(Entry::Absent) => Ok(None),
            Some(Entry::Text(text)) => Ok(Some(text)),
            Some(Entry::Bool(_) | Entry::Other) => Err(self.refused(field, "")),
        }
    }

    /// Whether a field is true, if it was given.
    ///
    /// # Errors
    /// [`Refusal::Field`] when it is neither true nor false.
    pub(super) fn bool(&self, field: &'static str) -> Result<Option<bool>, Refusal> {
        match self.fields.get(&field.to_ascii_lowercase()) {
            None | Some(Entry::Absent) => Ok(None),
            Some(Entry::Bool(value)) => Ok(Some(*value)),
            Some(Entry::Text(text)) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Ok(Some(true)),
                "false" | "0" => Ok(Some(false)),
                _ => Err(self.refused(field, text)),
            },
            Some(Entry::Other) => Err(self.refused(field, "")),
        }
    }

    /// That a field has a value it cannot have. Repeats as much of it as a person needs to find it.
    pub(super) fn refused(&self, field: &'static str, value: &str) -> Refusal {
        Refusal::Field { request: self.request, field, value: value.chars().take(64).collect() }
    }
}

fn malformed(request: &'static str, problem: &str) -> Refusal {
    Refusal::Body { request, problem: problem.to_owned() }
}

/// The bytes of the body, unless there is nothing in it.
fn body(request: &RawRequest) -> Result<Option<&[u8]>, Refusal> {
    match &request.body {
        Body::Whole(bytes) if bytes.len() > limits::BOKAMERA_BODY_BYTES_MAX => Err(Refusal::TooLarge),
        Body::Whole(bytes) => Ok(Some(bytes.as_slice()).filter(|bytes| !bytes.trim_ascii().is_empty())),
        Body::TooLarge => Err(Refusal::TooLarge),
        Body::Incomplete => Err(Refusal::Incomplete),
    }
}

/// The requests in a body, each by its fields.
fn records(
    request: &RawRequest,
    bytes: &[u8],
    name: &'static str,
    count: Count,
) -> Result<Vec<Fields>, Refusal> {
    // A compressed one is not unpacked here.
    if request
        .header("content-encoding")
        .is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
    {
        return Err(Refusal::MediaType);
    }
    let read = if Form::is_form(request.media_type().as_bytes()) {
        form::fields(request, bytes).map(|fields| vec![fields])
    } else {
        let format = Format::of_media_type(request.media_type()).ok_or(Refusal::MediaType)?;
        let text = std::str::from_utf8(bytes).map_err(|_| malformed(name, "the body is not UTF-8"))?;
        let text = text.trim_start_matches('\u{feff}');
        match format {
            Format::Json => json::records(text, count),
            Format::JsonLines => json::lines(text),
            Format::Jsv => jsv::records(text, count),
            Format::Csv => csv::records(text),
            Format::Xml => xml::records(text, name, count),
        }
    };
    read.map_err(|problem| malformed(name, problem))
}
