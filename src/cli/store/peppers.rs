//! `keyward secret …`: the peppers in the secret file.

use serde_json::Value;

use crate::cli::api::client::Door;
use crate::cli::args::{Output, Place, SecretTask};
use crate::cli::failure::{Exit, Failure};
use crate::cli::store::open;
use crate::cli::terminal::output::{cell, line, note, table};
use crate::engine::RetireError;
use crate::entropy::OsEntropy;
use crate::key::PepperNumber;

pub(in crate::cli) fn run(place: &Place, output: Output, task: &SecretTask) -> Result<Exit, Failure> {
    match task {
        SecretTask::List => Door::with(place, |door| list(door, output)),
        SecretTask::Rotate => rotate(place),
        SecretTask::Retire { number } => retire(place, PepperNumber(*number)),
    }
}

fn list(door: &mut Door, output: Output) -> Result<Exit, Failure> {
    let peppers = door.ask("GET", "/v1/peppers", None)?;
    if output == Output::Json {
        line(&peppers.to_string())?;
    } else {
        let rows = peppers.get("peppers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let row = |row: &Value| ["number", "secrets"].map(|name| row.get(name).map(cell).unwrap_or_default());
        table(["PEPPER", "SECRETS"], rows.iter().map(row).collect())?;
    }
    Ok(Exit::Done)
}

fn rotate(place: &Place) -> Result<Exit, Failure> {
    if !open::is_store(&place.data) {
        return Err(open::no_store(place));
    }
    let number = open::secret(place).rotate(&OsEntropy)?.0;
    line(&format!("pepper {number} is in the secret file, and current from the next start of the server"))?;
    note(
        "keyward: keep a copy of the file; older peppers are needed until `keyward secret list` shows no secrets of theirs",
    );
    Ok(Exit::Done)
}

fn retire(place: &Place, number: PepperNumber) -> Result<Exit, Failure> {
    let opened = open::existing(place)?;
    let retired = opened.engine.retire_pepper(number);
    let stopped = opened.engine.stop();
    match retired {
        Ok(()) => stopped?,
        Err(RetireError::Engine(error)) => return Err(error.into()),
        Err(error @ (RetireError::Current(_) | RetireError::Unknown(_) | RetireError::InUse { .. })) => {
            return Err(Failure::new(Exit::Failed, error.to_string()));
        }
    }
    // Last, so that the store never needs what the file has not.
    open::secret(place).remove(number)?;
    line(&format!("pepper {} is retired", number.0))?;
    Ok(Exit::Done)
}
