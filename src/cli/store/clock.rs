//! `keyward clock`.

use serde_json::Value;

use crate::cli::api::client::ApiClient;
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::OutputFormat;
use crate::cli::terminal::output::line;

/// `keyward clock accept`.
pub(in crate::cli) fn accept(client: &mut ApiClient, output: OutputFormat) -> Result<Exit, CliError> {
    let accepted = client.ask("POST", "/v1/clock/accept", None)?;
    let part = |name| accepted.get(name).and_then(Value::as_str);
    match (output, part("clock").unwrap_or_default(), part("before")) {
        (OutputFormat::Json, ..) => line(&accepted.to_string())?,
        (OutputFormat::Text, clock, Some(before)) => line(&format!(
            "{clock} is accepted; the newest time known was {before}, and records that expired since are removed for good"
        ))?,
        (OutputFormat::Text, clock, None) => line(&format!("{clock} was not in doubt"))?,
    }
    Ok(Exit::Done)
}
