//! `keyward secret …`: the peppers in the secret file.

use serde_json::Value;

use crate::cli::api::client::ApiClient;
use crate::cli::args::data_dir::DataDir;
use crate::cli::args::store::SecretCommand;
use crate::cli::failure::{CliError, Exit};
use crate::cli::store::open;
use crate::cli::terminal::output::OutputFormat;
use crate::cli::terminal::output::{cell, line, note, table};
use crate::engine::RetireError;
use crate::entropy::OsEntropy;
use crate::key::PepperNumber;

pub(in crate::cli) fn run(
    data_dir: &DataDir,
    output: OutputFormat,
    command: &SecretCommand,
) -> Result<Exit, CliError> {
    match command {
        SecretCommand::List => ApiClient::with(data_dir, |client| list(client, output)),
        SecretCommand::Rotate => rotate(data_dir),
        SecretCommand::Retire { number } => retire(data_dir, PepperNumber(*number)),
    }
}

fn list(client: &mut ApiClient, output: OutputFormat) -> Result<Exit, CliError> {
    let peppers = client.ask("GET", "/v1/peppers", None)?;
    if output == OutputFormat::Json {
        line(&peppers.to_string())?;
    } else {
        let rows = peppers.get("peppers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let row = |row: &Value| ["number", "secrets"].map(|name| row.get(name).map(cell).unwrap_or_default());
        table(["PEPPER", "SECRETS"], rows.iter().map(row).collect())?;
    }
    Ok(Exit::Done)
}

fn rotate(data_dir: &DataDir) -> Result<Exit, CliError> {
    if !open::is_store(&data_dir.data) {
        return Err(open::no_store(data_dir));
    }
    let number = open::secret(data_dir).rotate(&OsEntropy)?.0;
    line(&format!("pepper {number} is in the secret file; the server uses it from its next start on"))?;
    note(
        "keyward: keep a copy of the file; an older pepper is needed until `keyward secret list` shows no secrets under it",
    );
    Ok(Exit::Done)
}

fn retire(data_dir: &DataDir, number: PepperNumber) -> Result<Exit, CliError> {
    let opened = open::existing(data_dir)?;
    let retired = opened.engine.retire_pepper(number);
    let stopped = opened.engine.stop();
    match retired {
        Ok(()) => stopped?,
        Err(RetireError::Engine(error)) => return Err(error.into()),
        Err(error @ (RetireError::Current(_) | RetireError::Unknown(_) | RetireError::InUse { .. })) => {
            return Err(CliError::new(Exit::Failed, error.to_string()));
        }
    }
    // The file is changed last, so that the store never needs a pepper that the file lacks.
    open::secret(data_dir).remove(number)?;
    line(&format!("pepper {} is retired", number.0))?;
    Ok(Exit::Done)
}
