//! Output: answers on standard output, as text or JSON, and notes on standard error.

use std::io::{self, Write as _};

use clap::ValueEnum;
use serde_json::Value;

use crate::cli::failure::{CliError, Exit};

/// Format of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OutputFormat {
    Text,
    Json,
}

/// Writes one record to standard output: each field on a line, or the JSON.
pub(in crate::cli) fn show(output: OutputFormat, record: &Value) -> Result<(), CliError> {
    match output {
        OutputFormat::Json => line(&record.to_string()),
        OutputFormat::Text => fields(record),
    }
}

/// Writes one line to standard output.
pub(in crate::cli) fn line(text: &str) -> Result<(), CliError> {
    writeln!(io::stdout(), "{text}").map_err(|error| match error.kind() {
        // The reading program has ended, as `head` does after some lines: no error.
        io::ErrorKind::BrokenPipe => CliError::quiet(Exit::Unread),
        _ => CliError::system("the answer could not be printed", &error),
    })
}

/// Refuses to run without standard output a command that shows a secret once. Rust's runtime opens `/dev/null` for
/// reading and writing in place of a closed standard output.
pub(in crate::cli) fn check_output() -> Result<(), CliError> {
    let stdout = io::stdout();
    let null = rustix::fs::makedev(1, 3);
    let closed = rustix::fs::fstat(&stdout).is_ok_and(|file| {
        let both_ways =
            rustix::fs::fcntl_getfl(&stdout).is_ok_and(|how| how.contains(rustix::fs::OFlags::RDWR));
        both_ways
            && file.st_rdev == null
            && rustix::fs::FileType::from_raw_mode(file.st_mode).is_char_device()
    });
    if closed {
        return Err(CliError::new(
            Exit::Failed,
            "there is no standard output to print the key on; nothing was changed",
        ));
    }
    Ok(())
}

/// Writes one line to standard error: a note that is not part of the answer.
pub(in crate::cli) fn note(text: &str) {
    // Standard error may be closed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes rows under `headings`, in columns.
pub(in crate::cli) fn table<const N: usize>(
    headings: [&str; N],
    rows: Vec<[String; N]>,
) -> Result<(), CliError> {
    let rows: Vec<_> = [headings.map(str::to_owned)].into_iter().chain(rows).collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    for row in &rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// Writes each field of an object on its own line; names of fields of an inner object follow the name of that object.
fn fields(object: &Value) -> Result<(), CliError> {
    let mut rows = Vec::new();
    flatten("", object, &mut rows);
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().try_for_each(|(name, value)| line(format!("{name:width$}  {value}").trim_end()))
}

fn flatten(prefix: &str, object: &Value, rows: &mut Vec<(String, String)>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        match value {
            Value::Object(_) => flatten(&format!("{prefix}{name} "), value, rows),
            _ => rows.push((format!("{prefix}{name}"), cell(value))),
        }
    }
}

/// Printable form of one value. Text that could move the cursor or change the reading direction is escaped.
pub(in crate::cli) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.chars().flat_map(shown).collect(),
        other => other.to_string(),
    }
}

fn shown(letter: char) -> impl Iterator<Item = char> {
    let misleading = letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = misleading.then(|| letter.escape_default());
    let plain = (!misleading).then_some(letter);
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_comment_cannot_take_over_the_terminal() {
        assert_eq!(cell(&json!("a\u{1b}[2J\nb\u{202e}ä")), "a\\u{1b}[2J\\nb\\u{202e}ä");
        assert_eq!(
            (cell(&json!(null)), cell(&json!("")), cell(&json!(4))),
            ("-".into(), "-".into(), "4".into())
        );
    }
}
