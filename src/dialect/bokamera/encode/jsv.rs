//! JSV: like JSON, with quotes only where they are needed.

use crate::dialect::bokamera::record::{Answer, Record, Value};

/// One object, or a list of them.
pub(super) fn answer(answer: &Answer) -> Vec<u8> {
    let text = match answer {
        Answer::One(record) => written(record),
        Answer::Many(records) => list(records),
    };
    text.into_bytes()
}

fn list(records: &[Record]) -> String {
    format!("[{}]", records.iter().map(written).collect::<Vec<_>>().join(","))
}

fn written(record: &Record) -> String {
    let fields = record.fields.iter().filter_map(|(name, value)| {
        let value = match value {
            Value::Text(None) | Value::Status(_) => return None,
            Value::Text(Some(text)) => quoted(text),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Records(records) => list(records),
        };
        Some(format!("{name}:{value}"))
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '{', '}', '[', ']', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
