//! The fields of a request, wherever they stand and whatever their names' case: in the query, and in a body that is JSON,
//! XML or a form. The body's count before the query's.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::refusal::Wrong;
use super::xml_input;
use crate::exchange::{Body, Field, Form, RawRequest};
use crate::limits;

/// The fields of a request.
pub(super) struct Input {
    request: &'static str,
    /// By name in lower case.
    fields: HashMap<String, Entry>,
}

/// What a field holds.
enum Entry {
    /// Wiped: it may be a password.
    Text(Zeroizing<String>),
    Bool(bool),
    /// Something that no field of ours is.
    Other,
}

impl Input {
    /// Reads the fields of a request of this name.
    ///
    /// # Errors
    /// [`Wrong::TooLarge`], [`Wrong::Incomplete`], [`Wrong::Body`].
    pub(super) fn read(request: &RawRequest, name: &'static str) -> Result<Self, Wrong> {
        let mut input = Self { request: name, fields: HashMap::new() };
        for pair in request.query.split('&') {
            let (field, value) = pair.split_once('=').unwrap_or((pair, ""));
            // One without a value is what clients send for a field without one.
            if !value.is_empty() {
                input.put(&decoded(field), Entry::Text(Zeroizing::new(decoded(value))));
            }
        }
        let bytes = match &request.body {
            Body::Whole(bytes) if bytes.len() > limits::BOKAMERA_BODY_BYTES_MAX => {
                return Err(Wrong::TooLarge);
            }
            Body::Whole(bytes) => bytes,
            Body::TooLarge => return Err(Wrong::TooLarge),
            Body::Incomplete => return Err(Wrong::Incomplete),
        };
        if bytes.trim_ascii().is_empty() {
            return Ok(input);
        }
        match request.media_type().to_ascii_lowercase().as_str() {
            "application/json" | "text/json" => input.json(bytes)?,
            "application/xml" | "text/xml" => {
                for (field, text) in xml_input::fields(bytes, name).map_err(|what| input.malformed(what))? {
                    // One that says it has no value is as one left out.
                    if let Some(text) = text {
                        input.put(&field, Entry::Text(Zeroizing::new(text)));
                    }
                }
            }
            "application/x-www-form-urlencoded" | "multipart/form-data" => input.form(&Form::read(request)),
            _ => {}
        }
        Ok(input)
    }

    fn put(&mut self, field: &str, entry: Entry) {
        self.fields.insert(field.to_ascii_lowercase(), entry);
    }

    fn json(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        let members: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|_| self.malformed("the body is not a JSON object"))?;
        for (name, value) in members {
            match value {
                // As one left out.
                Value::Null => {}
                Value::String(text) => self.put(&name, Entry::Text(Zeroizing::new(text))),
                Value::Bool(value) => self.put(&name, Entry::Bool(value)),
                Value::Number(number) => self.put(&name, Entry::Text(Zeroizing::new(number.to_string()))),
                Value::Array(_) | Value::Object(_) => self.put(&name, Entry::Other),
            }
        }
        Ok(())
    }

    fn form(&mut self, form: &Form) {
        for (name, field) in form.fields() {
            let entry = match field {
                Field::Text(text) => Entry::Text(Zeroizing::new(String::from_utf8_lossy(text).into_owned())),
                Field::Array(_) => Entry::Other,
            };
            self.put(name, entry);
        }
    }

    fn malformed(&self, problem: &str) -> Wrong {
        Wrong::Body { request: self.request, problem: problem.to_owned() }
    }

    /// The text of a field, if it was given.
    ///
    /// # Errors
    /// [`Wrong::Field`] when it is no text.
    pub(super) fn text(&self, field: &'static str) -> Result<Option<&str>, Wrong> {
        match self.fields.get(&field.to_ascii_lowercase()) {
            None => Ok(None),
            Some(Entry::Text(text)) => Ok(Some(text)),
            Some(Entry::Bool(_) | Entry::Other) => Err(self.wrong(field, "")),
        }
    }

    /// Whether a field is true, if it was given.
    ///
    /// # Errors
    /// [`Wrong::Field`] when it is neither true nor false.
    pub(super) fn bool(&self, field: &'static str) -> Result<Option<bool>, Wrong> {
        match self.fields.get(&field.to_ascii_lowercase()) {
            None => Ok(None),
            Some(Entry::Bool(value)) => Ok(Some(*value)),
            Some(Entry::Text(text)) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Ok(Some(true)),
                "false" | "0" => Ok(Some(false)),
                _ => Err(self.wrong(field, text)),
            },
            Some(Entry::Other) => Err(self.wrong(field, "")),
        }
    }

    /// That a field has a value it cannot have. Repeats as much of it as a person needs to find it.
    pub(super) fn wrong(&self, field: &'static str, value: &str) -> Wrong {
        Wrong::Field { request: self.request, field, value: value.chars().take(64).collect() }
    }
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}
