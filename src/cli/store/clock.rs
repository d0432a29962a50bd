//! `keyward clock`.

use serde_json::Value;

use crate::cli::api::client::Door;
use crate::cli::args::Output;
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal::output::line;

/// `keyward clock accept`.
pub(in crate::cli) fn accept(door: &mut Door, output: Output) -> Result<Exit, Failure> {
    let accepted = door.ask("POST", "/v1/clock/accept", None)?;
    let part = |name| accepted.get(name).and_then(Value::as_str);
    match (output, part("clock").unwrap_or_default(), part("before")) {
        (Output::Json, ..) => line(&accepted.to_string())?,
        (Output::Text, clock, Some(before)) => line(&format!(
            "{clock} is accepted; the newest time known was {before}, and what is due since is removed for good"
        ))?,
        (Output::Text, clock, None) => line(&format!("{clock} was not in doubt"))?,
    }
    Ok(Exit::Done)
}
