//! Fields that a browser sent, and problems of a field.

use std::str::FromStr;

use crate::http::{Field, Form, RawRequest};
use crate::key::Password;

/// Fields of a form or of an address's query.
pub(super) struct Input(Form);

/// Problem of a form, for the person who filled it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Field with the problem, if one field has it.
    pub(super) field: Option<&'static str>,
    /// A sentence.
    pub(super) text: String,
}

impl Problem {
    pub(super) fn of(field: &'static str, text: impl Into<String>) -> Self {
        Self { field: Some(field), text: text.into() }
    }

    /// Problem of the whole form.
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

    /// Bytes of a field; empty if it was not sent.
    pub(super) fn bytes(&self, name: &str) -> &[u8] {
        match self.0.field(name) {
            Some(Field::Text(bytes)) => bytes,
            Some(Field::Array(_)) | None => &[],
        }
    }

    /// Text of a field without blanks around it; empty if it was not sent or is not UTF-8.
    pub(super) fn text(&self, name: &str) -> &str {
        std::str::from_utf8(self.bytes(name)).unwrap_or_default().trim()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.field(name).is_some()
    }

    /// Parses a field.
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

    /// Parses a field as [`Input::parsed`] does; `None` if it is empty.
    pub(super) fn optional<T: FromStr>(&self, name: &'static str, label: &str) -> Result<Option<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        if self.text(name).is_empty() { Ok(None) } else { self.parsed(name, label).map(Some) }
    }
}

/// Error as a sentence, with the label of the field.
fn sentence(label: &str, error: &str) -> String {
    format!("{label}: {error}.")
}

/// Reads a new password, which was typed twice; `None` if both fields are empty.
pub(super) fn new_password(input: &Input) -> Result<Option<Password>, Problem> {
    let (first, again) = (input.bytes("password"), input.bytes("password_again"));
    if first.is_empty() && again.is_empty() {
        return Ok(None);
    }
    if first != again {
        return Err(Problem::of("password_again", "The two passwords are not the same."));
    }
    Password::chosen(first)
        .map(Some)
        .map_err(|error| Problem::of("password", format!("Password: {}.", error.problem)))
}
