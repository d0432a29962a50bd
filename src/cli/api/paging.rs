//! Requests for pages of records, and printing of a page.

use serde_json::Value;

use crate::cli::args::page::PageArgs;
use crate::cli::failure::CliError;
use crate::cli::terminal::output::{OutputFormat, cell, line, note, table};

/// Percent-encodes a value for a query string.
pub(in crate::cli) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Query string of the fields that have a value.
pub(in crate::cli) fn query<const N: usize>(fields: [(&str, Option<String>); N]) -> String {
    let given = fields.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?))));
    given.collect::<Vec<_>>().join("&")
}

/// Query string that asks for a page.
pub(in crate::cli) fn page_query(page: &PageArgs) -> String {
    query([("limit", Some(page.limit.to_string())), ("after", page.after.clone())])
}

/// Prints the records of a page, which are at `name`, in columns: each column has a heading and a JSON pointer.
pub(in crate::cli) fn print_page<const N: usize>(
    output: OutputFormat,
    page: &Value,
    name: &str,
    columns: [(&'static str, &str); N],
) -> Result<(), CliError> {
    let row = |record: &Value| columns.map(|(_, at)| record.pointer(at).map(cell).unwrap_or_default());
    print_rows(output, page, name, columns.map(|(heading, _)| heading), row)
}

/// Prints a row for each record of a page, which are at `name`, and the cursor of the next page.
pub(in crate::cli) fn print_rows<const N: usize>(
    output: OutputFormat,
    page: &Value,
    name: &str,
    headings: [&'static str; N],
    row: impl Fn(&Value) -> [String; N],
) -> Result<(), CliError> {
    if output == OutputFormat::Json {
        return line(&page.to_string());
    }
    let records = page.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    table(headings, records.iter().map(row).collect())?;
    if let Some(next) = page.get("next").and_then(Value::as_str) {
        note(&format!("there is more: --after {next}"));
    }
    Ok(())
}

/// Value of a field to set; an empty text removes the field.
pub(in crate::cli) fn text_or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::from(text) }
}
