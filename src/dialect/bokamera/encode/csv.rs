//! CSV: a header and a row for each record, lines ending in CR LF.
//!
//! Programs that open it calculate what looks like a formula, so what a person wrote and begins like one gets an apostrophe
//! before it, which ServiceStack does not write.

use crate::dialect::bokamera::keys::COLUMNS;
use crate::dialect::bokamera::record::{Record, Value};

/// The table of these rows.
pub(super) fn table(rows: &[Record]) -> Vec<u8> {
    let names: Vec<&str> = match rows.first() {
        Some(first) => first.fields.iter().map(|(name, _)| *name).collect(),
        None => COLUMNS.to_vec(),
    };
    let mut table = names.join(",") + "\r\n";
    for row in rows {
        let cells: Vec<_> = row.fields.iter().map(|(_, value)| cell(value)).collect();
        table += &cells.join(",");
        table += "\r\n";
    }
    table.into_bytes()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Text(Some(text)) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
            quoted(&format!("'{}", text.as_str()))
        }
        Value::Text(Some(text)) => quoted(text),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Text(None) | Value::Records(_) | Value::Status(_) => String::new(),
    }
}

/// In quotes where it would otherwise be read as something else.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) || text.starts_with(['{', '[']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
