//! `keyward check`: findings of a check of the whole store.

use serde_json::Value;

use crate::cli::api::client::ApiClient;
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::OutputFormat;
use crate::cli::terminal::output::{cell, line};

pub(in crate::cli) fn run(client: &mut ApiClient, output: OutputFormat) -> Result<Exit, CliError> {
    let report = client.ask("POST", "/v1/check", None)?;
    let findings = report.get("findings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if output == OutputFormat::Json {
        line(&report.to_string())?;
    } else {
        for finding in findings {
            let part = |name| finding.get(name).map(cell).unwrap_or_default();
            line(&format!("{} {}", part("place"), part("problem")))?;
        }
        let count = |name| report.get(name).map(cell).unwrap_or_default();
        let (keys, users, events) = (count("keys"), count("users"), count("events"));
        line(&format!("{keys} keys, {users} users, {events} audit events, {} findings", findings.len()))?;
    }
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Failed })
}
