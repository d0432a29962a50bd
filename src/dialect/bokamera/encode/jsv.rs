//! JSV: like JSON, with quotes only where they are needed.

use crate::dialect::bokamera::record::{Record, Value};

/// One object.
pub(super) fn object(record: &Record) -> Vec<u8> {
    written(record).into_bytes()
}

fn written(record: &Record) -> String {
    let fields = record.fields.iter().filter_map(|(name, value)| {
        let value = match value {
            Value::Text(None) | Value::Status(_) => return None,
            Value::Text(Some(text)) => quoted(text),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Records(records) => {
                format!("[{}]", records.iter().map(written).collect::<Vec<_>>().join(","))
            }
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
