//! JSON: members in their order, those without a value left out.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::dialect::bokamera::record::{Answer, FieldError, Record, Status, Value};

/// One object, or a list of them.
pub(super) fn answer(answer: &Answer, camel_case: bool) -> Vec<u8> {
    match answer {
        Answer::One(record) => object(record, camel_case),
        Answer::Many(records) => {
            let list: Vec<_> = records.iter().map(|what| Styled { what, camel_case }).collect();
            serde_json::to_vec(&list).unwrap_or_default()
        }
    }
}

fn object(record: &Record, camel_case: bool) -> Vec<u8> {
    // Strings and maps always have a JSON form.
    serde_json::to_vec(&Styled { what: record, camel_case }).unwrap_or_default()
}

/// An object to a line.
pub(super) fn lines(rows: &[Record], camel_case: bool) -> Vec<u8> {
    rows.iter()
        .flat_map(|row| {
            let mut line = object(row, camel_case);
            line.push(b'\n');
            line
        })
        .collect()
}

struct Styled<'a, T> {
    what: &'a T,
    camel_case: bool,
}

impl<T> Styled<'_, T> {
    fn name(&self, name: &str) -> String {
        let mut name = name.to_owned();
        if self.camel_case {
            name.get_mut(..1).into_iter().for_each(str::make_ascii_lowercase);
        }
        name
    }

    const fn styled<'a, U>(&self, what: &'a U) -> Styled<'a, U> {
        Styled { what, camel_case: self.camel_case }
    }
}

impl Serialize for Styled<'_, Record> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (name, value) in &self.what.fields {
            match value {
                Value::Text(None) | Value::Status(None) => {}
                Value::Text(Some(text)) => map.serialize_entry(&self.name(name), text.as_str())?,
                Value::Bool(value) => map.serialize_entry(&self.name(name), value)?,
                Value::Records(records) => {
                    let records: Vec<_> = records.iter().map(|record| self.styled(record)).collect();
                    map.serialize_entry(&self.name(name), &records)?;
                }
                Value::Status(Some(status)) => {
                    map.serialize_entry(&self.name(name), &self.styled(status))?;
                }
            }
        }
        map.end()
    }
}

impl Serialize for Styled<'_, Status> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let errors: Vec<_> = self.what.errors.iter().map(|error| self.styled(error)).collect();
        let mut map = to.serialize_map(None)?;
        map.serialize_entry(&self.name("ErrorCode"), self.what.code)?;
        map.serialize_entry(&self.name("Message"), &self.what.message)?;
        map.serialize_entry(&self.name("Errors"), &errors)?;
        map.end()
    }
}

impl Serialize for Styled<'_, FieldError> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry(&self.name("ErrorCode"), self.what.code)?;
        map.serialize_entry(&self.name("FieldName"), self.what.field)?;
        map.serialize_entry(&self.name("Message"), &self.what.message)?;
        map.end()
    }
}
