//! Records: the content of answers, before a format is chosen.

use zeroize::Zeroizing;

/// An object of the service's model. Not printed: it may hold a key.
pub(super) struct Record {
    pub(super) name: &'static str,
    pub(super) namespace: Namespace,
    /// In the order in which the model declares them.
    pub(super) fields: Vec<(&'static str, Value)>,
}

/// Outcome of a request.
pub(super) enum Answer {
    One(Record),
    /// Of requests that were sent at once, each its own.
    Many(Vec<Record>),
}

/// Part of the service's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    /// BokaMera's own.
    Dtos,
    /// ServiceStack's.
    Types,
}

/// Value of a field.
pub(super) enum Value {
    Text(Option<Zeroizing<String>>),
    Bool(bool),
    Records(Vec<Record>),
    Status(Option<Status>),
}

impl Value {
    /// Some text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Some(Zeroizing::new(text.into())))
    }

    /// Text, or none if it is empty.
    pub(super) fn text_or_null(text: impl Into<String>) -> Self {
        Self::Text(Some(Zeroizing::new(text.into())).filter(|text| !text.is_empty()))
    }
}

/// `ResponseStatus`: an error in the service's own words.
pub(super) struct Status {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) errors: Vec<FieldError>,
}

/// Error of one field.
pub(super) struct FieldError {
    pub(super) code: &'static str,
    pub(super) field: &'static str,
    pub(super) message: String,
}
