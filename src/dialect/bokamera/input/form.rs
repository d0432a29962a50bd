//! Requests in a form.

use super::{Entry, Fields};
use crate::http::{Field, Form, RawRequest};

/// The fields of a form.
///
/// # Errors
/// Reads the body. The error is the problem, in words that repeat nothing of the body.
pub(super) fn fields(request: &RawRequest, body: &[u8]) -> Result<Fields, &'static str> {
    // What programs send as a form that were not told what else it is.
    if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'<' | b'"')) {
        return Err("the body is not the form that its Content-Type says");
    }
    let form = Form::read(request);
    let fields: Result<Fields, _> =
        form.fields().map(|(name, field)| Ok((name.to_owned(), entry(field)?))).collect();
    match fields {
        Ok(fields) if fields.is_empty() => Err("the body has no form fields"),
        fields => fields,
    }
}

fn entry(field: &Field) -> Result<Entry, &'static str> {
    match field {
        Field::Text(text) => std::str::from_utf8(text).map(Entry::text).map_err(|_| "the body is not UTF-8"),
        Field::Array(_) => Ok(Entry::Other),
    }
}
