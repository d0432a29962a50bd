//! The record of a piece of content, as a request describes it.

use std::fmt;

use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::{Parameters, Refusal};
use crate::dialect::xml::is_allowed;
use crate::http::{Field, Index};

/// Kind of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Text of at most this many characters.
    Text(usize),
    /// Text of any length.
    LongText,
    /// A whole number of seconds.
    Seconds,
    /// A day, `YYYY-MM-DD`.
    Day,
}

/// The fields of a record in order: how they are named in a new one, and in one that is there already.
const FIELDS: [(&str, &str, Kind); 11] = [
    ("program_code", "program_code", Kind::Text(64)),
    ("program", "program", Kind::Text(254)),
    ("episode_code", "episode_code", Kind::Text(64)),
    ("episode", "episode", Kind::Text(254)),
    ("description", "description", Kind::LongText),
    ("expected_duration", "duration", Kind::Seconds),
    ("expected_filename", "filename", Kind::LongText),
    ("location", "location", Kind::LongText),
    ("contributor", "contributor", Kind::LongText),
    ("import_datetime", "ingested_at", Kind::Day),
    ("delete_datetime", "deleted_at", Kind::Day),
];

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// A record.
pub(super) struct Content {
    pub(super) id: Option<u64>,
    /// Every field of its kind of record; `None` where nothing was said.
    pub(super) fields: Vec<(&'static str, Option<Value>)>,
    pub(super) categories: Vec<String>,
    /// Names, which are names of XML elements too, and values.
    pub(super) custom_metadata: Vec<(String, String)>,
}

/// Value of a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Seconds(u64),
    Day(Date),
}

/// Mistake in a field. Printed as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    field: &'static str,
    is: Wrong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    TooLong(usize),
    NotANumber,
    NotADay,
    NotText,
    NotOneValue,
    NotAList,
    NotNamed,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = self.field.replace('_', " ");
        name.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
        match self.is {
            Wrong::TooLong(most) => write!(f, "{name} is too long (maximum is {most} characters)"),
            Wrong::NotANumber => write!(f, "{name} is not a number of seconds"),
            Wrong::NotADay => write!(f, "{name} is not a day of the form YYYY-MM-DD"),
            Wrong::NotText => write!(f, "{name} has characters that are not allowed"),
            Wrong::NotOneValue => write!(f, "{name} is more than one value"),
            Wrong::NotAList => write!(f, "{name} is not a list of values"),
            Wrong::NotNamed => write!(f, "{name} has a value without a proper name"),
        }
    }
}

impl Content {
    /// The record that `parameters` describe: a new one, or the one of this number.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with everything that is wrong.
    pub(super) fn read(id: Option<u64>, parameters: &Parameters) -> Result<Self, Refusal> {
        let mut mistakes = Vec::new();
        let fields = FIELDS.iter().map(|(new, edited, kind)| {
            let name = if id.is_none() { new } else { edited };
            let read = parameters.field(name).map_or(Ok(None), |field| value(field, *kind));
            (*name, noted(&mut mistakes, name, read))
        });
        let fields = fields.collect();
        let categories = parameters.field("categories").map_or(Ok(Vec::new()), categories);
        let categories = noted(&mut mistakes, "categories", categories);
        let custom_metadata = parameters.field("custom_metadata").map_or(Ok(Vec::new()), custom_metadata);
        let custom_metadata = noted(&mut mistakes, "custom_metadata", custom_metadata);
        if !mistakes.is_empty() {
            return Err(Refusal::Invalid(mistakes));
        }
        Ok(Self { id, fields, categories, custom_metadata })
    }
}

/// The value that was read. A mistake is added to `mistakes`, and the default takes its place.
fn noted<T: Default>(mistakes: &mut Vec<Mistake>, field: &'static str, read: Result<T, Wrong>) -> T {
    read.unwrap_or_else(|is| {
        mistakes.push(Mistake { field, is });
        T::default()
    })
}

/// The value of a field; an empty one says nothing.
fn value(field: &Field, kind: Kind) -> Result<Option<Value>, Wrong> {
    let text = text(field)?;
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(match kind {
        Kind::Text(most) if text.chars().count() > most => return Err(Wrong::TooLong(most)),
        Kind::Text(_) | Kind::LongText => Value::Text(text.to_owned()),
        Kind::Seconds if !text.bytes().all(|byte| byte.is_ascii_digit()) => return Err(Wrong::NotANumber),
        Kind::Seconds => Value::Seconds(text.parse().map_err(|_| Wrong::NotANumber)?),
        Kind::Day => Value::Day(Date::parse(text, DAY).map_err(|_| Wrong::NotADay)?),
    }))
}

fn categories(field: &Field) -> Result<Vec<String>, Wrong> {
    let Field::Array(values) = field else { return Err(Wrong::NotAList) };
    values.values().map(|value| text(value).map(str::to_owned)).collect()
}

fn custom_metadata(field: &Field) -> Result<Vec<(String, String)>, Wrong> {
    let Field::Array(values) = field else { return Err(Wrong::NotNamed) };
    let pair = |(index, field): (&Index, &Field)| match index {
        Index::Name(name) => {
            let name = std::str::from_utf8(name).ok().filter(|name| is_name(name)).ok_or(Wrong::NotNamed)?;
            Ok((name.to_owned(), text(field)?.to_owned()))
        }
        Index::Number(_) => Err(Wrong::NotNamed),
    };
    values.iter().map(pair).collect()
}

/// Whether it can be the name of an element of XML, in its plainest form.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Text that XML 1.0 can hold.
fn text(field: &Field) -> Result<&str, Wrong> {
    let Field::Text(bytes) = field else { return Err(Wrong::NotOneValue) };
    let text = std::str::from_utf8(bytes).map_err(|_| Wrong::NotText)?;
    if text.chars().all(is_allowed) { Ok(text) } else { Err(Wrong::NotText) }
}
