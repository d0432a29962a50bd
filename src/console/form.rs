//! Fields that a browser sent, and what is wrong with one.

use std::str::FromStr;

use crate::http::{Field, Form, RawRequest};

/// Fields of a form or of an address's query.
pub(super) struct Input(Form);

/// What is wrong with a form, for the person who filled it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The field, where it is one field's.
    pub(super) field: Option<&'static str>,
    /// A sentence.
    pub(super) text: String,
}

impl Problem {
    pub(super) fn of(field: &'static str, text: impl Into<String>) -> Self {
        Self { field: Some(field), text: text.into() }
    }

    /// One that is no single field's.
    pub(super) fn general(text: impl Into<String>) -> Self {
        Self { field: None, text: text.into() }
    }
}

impl Input {
    pub(super) fn read(request: &RawRequest) -> Self {
        Self(Form::read(request))
    }

    pub(super) fn of_query(query: &str) -> Self {
        Self(Form::of(b"application/x-www-form-urlencoded", query.as_bytes()))
    }

    /// The field as sent; empty when it was not.
    pub(super) fn bytes(&self, name: &str) -> &[u8] {
        match self.0.field(name) {
            Some(Field::Text(bytes)) => bytes,
            Some(Field::Array(_)) | None => &[],
        }
    }

    /// The field without blanks around it; empty when it was not sent, or is no text.
    pub(super) fn text(&self, name: &str) -> &str {
        std::str::from_utf8(self.bytes(name)).unwrap_or_default().trim()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.field(name).is_some()
    }

    /// The field, read as what it has to be.
    pub(super) fn parsed<T: FromStr>(&self, name: &'static str, label: &str) -> Result<T, Problem>
    where
        T::Err: std::fmt::Display,
    {
        if std::str::from_utf8(self.bytes(name)).is_err() {
            return Err(Problem::of(name, format!("{label} is not text in UTF-8.")));
        }
        self.text(name)
            .parse()
            .map_err(|error: T::Err| Problem::of(name, sentence(label, &error.to_string())))
    }

    /// As [`Input::parsed`]; nothing when it is empty.
    pub(super) fn optional<T: FromStr>(&self, name: &'static str, label: &str) -> Result<Option<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        if self.text(name).is_empty() { Ok(None) } else { self.parsed(name, label).map(Some) }
    }
}

/// The error with the field's label and a full stop.
fn sentence(label: &str, error: &str) -> String {
    format!("{label}: {error}.")
}
