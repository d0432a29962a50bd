//! `keyward company …`.

use serde_json::{Value, json};

use crate::cli::api::client::Door;
use crate::cli::api::user::{more, query};
use crate::cli::args::{CompanyTask, Output};
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal::output::{cell, fields, line, note, table};
use crate::key::CompanyId;

pub(in crate::cli) fn run(door: &mut Door, output: Output, task: CompanyTask) -> Result<Exit, Failure> {
    match task {
        CompanyTask::Add { name, id } => {
            let body = json!({ "name": name, "id": id.map(|id| id.to_string()) });
            show(output, &door.ask("POST", "/v1/companies", Some(&body))?)?;
        }
        CompanyTask::List(page) => {
            let page = door.ask("GET", &format!("/v1/companies?{}", query(&page)), None)?;
            list(output, &page, "companies", ["ID", "ACCOUNT", "NAME"], ["/id", "/account", "/name"])?;
        }
        CompanyTask::Show { id } => show(output, &door.ask("GET", &address(id), None)?)?,
        CompanyTask::Rename { id, name } => {
            show(output, &door.ask("PATCH", &address(id), Some(&json!({ "name": name })))?)?;
        }
        CompanyTask::Remove { id } => {
            door.ask("DELETE", &address(id), None)?;
            note(&format!("company {id} and its own keys are removed"));
        }
    }
    Ok(Exit::Done)
}

fn address(id: CompanyId) -> String {
    format!("/v1/companies/{id}")
}

fn show(output: Output, company: &Value) -> Result<(), Failure> {
    match output {
        Output::Json => line(&company.to_string()),
        Output::Text => fields(company),
    }
}

/// Prints a page of `name`, and how to go on.
pub(in crate::cli) fn list<const N: usize>(
    output: Output,
    page: &Value,
    name: &str,
    headings: [&'static str; N],
    places: [&str; N],
) -> Result<(), Failure> {
    if output == Output::Json {
        return line(&page.to_string());
    }
    let rows = page.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let row = |row: &Value| places.map(|place| row.pointer(place).map(cell).unwrap_or_default());
    table(headings, rows.iter().map(row).collect())?;
    more(page);
    Ok(())
}
