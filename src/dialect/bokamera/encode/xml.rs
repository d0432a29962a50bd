//! XML as the service's serializer writes it: one line, elements in alphabetical order, `i:nil` where there is nothing.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::escape::partial_escape;
use quick_xml::events::{BytesStart, BytesText, Event};

use crate::dialect::bokamera::record::{Answer, FieldError, Namespace, Record, Status, Value};
use crate::dialect::xml::is_allowed;

const DECLARATION: &str = r#"<?xml version="1.0" encoding="utf-8"?>"#;
const INSTANCE: &str = r#"xmlns:i="http://www.w3.org/2001/XMLSchema-instance""#;
const ARRAYS: &str = "http://schemas.microsoft.com/2003/10/Serialization/Arrays";
const TYPES: &str = "http://schemas.servicestack.net/types";

impl Namespace {
    /// Its address.
    pub(in crate::dialect::bokamera) const fn address(self) -> &'static str {
        match self {
            Self::Dtos => "http://schemas.datacontract.org/2004/07/BokaMera.API.ServiceModel.Dtos",
            Self::Types => TYPES,
        }
    }
}

type Xml = Writer<Vec<u8>>;

/// A whole document.
pub(super) fn document(answer: &Answer) -> Vec<u8> {
    let mut xml = Writer::new(DECLARATION.as_bytes().to_vec());
    // Writing into memory cannot fail.
    let _ = root(&mut xml, answer);
    xml.into_inner()
}

/// The element alone, indented for people, without the declaration.
pub(in crate::dialect::bokamera) fn laid_out(record: Record) -> Vec<u8> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    let _ = root(&mut xml, &Answer::One(record));
    xml.into_inner()
}

fn root(xml: &mut Xml, answer: &Answer) -> io::Result<()> {
    let start =
        |name: &str, namespace: Namespace| format!("{name} {INSTANCE} xmlns=\"{}\"", namespace.address());
    match answer {
        Answer::One(record) => {
            let start = start(record.name, record.namespace);
            element(xml, record.name, &start, |xml| fields(xml, record))
        }
        Answer::Many(records) => {
            // Only keys are made many at a time.
            const LIST: &str = "ArrayOfApiKeyResponse";
            element(xml, LIST, &start(LIST, Namespace::Dtos), |xml| all(xml, records))
        }
    }
}

fn all(xml: &mut Xml, records: &[Record]) -> io::Result<()> {
    records.iter().try_for_each(|one| element(xml, one.name, one.name, |xml| fields(xml, one)))
}

/// An element; `start` is its name with its attributes.
fn element(
    xml: &mut Xml,
    name: &str,
    start: &str,
    inner: impl FnOnce(&mut Xml) -> io::Result<()>,
) -> io::Result<()> {
    let start = BytesStart::from_content(start, name.len());
    xml.write_event(Event::Start(start.borrow()))?;
    inner(xml)?;
    xml.write_event(Event::End(start.to_end()))
}

/// An element without anything in it, as .NET ends it: with a blank.
fn empty(xml: &mut Xml, name: &str, attributes: &str) -> io::Result<()> {
    let content = format!("{name} {attributes}{}", if attributes.is_empty() { "" } else { " " });
    xml.write_event(Event::Empty(BytesStart::from_content(content, name.len())))
}

fn text(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    let escaped = escaped(text);
    element(xml, name, name, |xml| xml.write_event(Event::Text(BytesText::from_escaped(escaped))))
}

/// Text for XML 1.0: what that cannot hold is replaced, and a carriage return survives being read.
fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains('\r') || !text.chars().all(is_allowed) {
        let replaced: String = text.chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect();
        // The library writes the same in decimal digits.
        Cow::Owned(partial_escape(&replaced).replace("&#13;", "&#xD;"))
    } else {
        partial_escape(text)
    }
}

fn fields(xml: &mut Xml, record: &Record) -> io::Result<()> {
    let mut ordered: Vec<_> = record.fields.iter().collect();
    if record.namespace == Namespace::Dtos {
        ordered.sort_by_key(|(name, _)| *name);
    }
    ordered.into_iter().try_for_each(|(name, value)| match value {
        Value::Text(None) => empty(xml, name, NIL),
        Value::Text(Some(value)) => text(xml, name, value),
        Value::Bool(value) => text(xml, name, if *value { "true" } else { "false" }),
        Value::Records(records) if records.is_empty() => empty(xml, name, ""),
        Value::Records(records) => element(xml, name, name, |xml| all(xml, records)),
        Value::Status(value) => status(xml, name, record.namespace, value.as_ref()),
    })
}

const NIL: &str = r#"i:nil="true""#;

/// A status, which in the service's own model has its namespace under a prefix.
fn status(xml: &mut Xml, name: &str, within: Namespace, status: Option<&Status>) -> io::Result<()> {
    let (prefix, declared) = match within {
        Namespace::Dtos => ("d2p1:", format!("xmlns:d2p1=\"{TYPES}\"")),
        Namespace::Types => ("", String::new()),
    };
    let Some(status) = status else { return empty(xml, name, format!("{declared} {NIL}").trim_start()) };
    let start = format!("{name} {declared}");
    element(xml, name, start.trim_end(), |xml| {
        text(xml, &format!("{prefix}ErrorCode"), status.code)?;
        text(xml, &format!("{prefix}Message"), &status.message)?;
        empty(xml, &format!("{prefix}StackTrace"), NIL)?;
        let errors = format!("{prefix}Errors");
        if status.errors.is_empty() {
            empty(xml, &errors, "")?;
        } else {
            element(xml, &errors, &errors, |xml| {
                status.errors.iter().try_for_each(|error| field_error(xml, prefix, error))
            })?;
        }
        meta(xml, prefix, 3)
    })
}

fn field_error(xml: &mut Xml, prefix: &str, error: &FieldError) -> io::Result<()> {
    let name = format!("{prefix}ResponseError");
    element(xml, &name, &name, |xml| {
        text(xml, &format!("{prefix}ErrorCode"), error.code)?;
        text(xml, &format!("{prefix}FieldName"), error.field)?;
        text(xml, &format!("{prefix}Message"), &error.message)?;
        meta(xml, prefix, 5)
    })
}

/// The map that is never set; its namespace has a prefix by its depth.
fn meta(xml: &mut Xml, prefix: &str, depth: u8) -> io::Result<()> {
    empty(xml, &format!("{prefix}Meta"), &format!("xmlns:d{depth}p1=\"{ARRAYS}\" {NIL}"))
}
