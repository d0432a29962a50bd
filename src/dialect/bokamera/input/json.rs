//! Requests in JSON, and in lines of it.

use serde_json::{Map, Value};

use super::{Count, Entry, Fields};

type Members = Map<String, Value>;

const NO_OBJECT: &str = "the body is not a JSON object";

/// The object that a body is, or those of the list that it is.
///
/// # Errors
/// Reads the body. The error is the problem, in words that repeat nothing of the body.
pub(super) fn records(text: &str, count: Count) -> Result<Vec<Fields>, &'static str> {
    match count {
        Count::One => Ok(vec![fields(text).ok_or(NO_OBJECT)?]),
        Count::Many => {
            let listed: Vec<Members> =
                serde_json::from_str(text).map_err(|_| "the body is not a JSON list of objects")?;
            Ok(listed.into_iter().map(of_members).collect())
        }
    }
}

/// The objects of which each has a line.
///
/// # Errors
/// As [`records`].
pub(super) fn lines(text: &str) -> Result<Vec<Fields>, &'static str> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| fields(line).ok_or("a line of the body is not a JSON object")).collect()
}

fn fields(text: &str) -> Option<Fields> {
    serde_json::from_str(text).ok().map(of_members)
}

fn of_members(members: Members) -> Fields {
    members.into_iter().map(|(name, value)| (name, entry(value))).collect()
}

fn entry(value: Value) -> Entry {
    match value {
        Value::Null => Entry::Absent,
        Value::String(text) => Entry::text(text),
        Value::Bool(value) => Entry::Bool(value),
        Value::Number(number) => Entry::text(number.to_string()),
        Value::Array(_) | Value::Object(_) => Entry::Other,
    }
}
