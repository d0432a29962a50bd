//! `keyward company …`.

use serde_json::json;

use crate::cli::api::client::ApiClient;
use crate::cli::api::paging::{page_query, print_page};
use crate::cli::args::users::CompanyCommand;
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::OutputFormat;
use crate::cli::terminal::output::{note, show};
use crate::key::CompanyId;

pub(in crate::cli) fn run(
    client: &mut ApiClient,
    output: OutputFormat,
    command: CompanyCommand,
) -> Result<Exit, CliError> {
    match command {
        CompanyCommand::Add { name, id } => {
            let body = json!({ "name": name, "id": id.map(|id| id.to_string()) });
            show(output, &client.ask("POST", "/v1/companies", Some(&body))?)?;
        }
        CompanyCommand::List(page) => {
            let page = client.ask("GET", &format!("/v1/companies?{}", page_query(&page)), None)?;
            let columns = [("ID", "/id"), ("ACCOUNT", "/account"), ("NAME", "/name")];
            print_page(output, &page, "companies", columns)?;
        }
        CompanyCommand::Show { id } => show(output, &client.ask("GET", &address(id), None)?)?,
        CompanyCommand::Rename { id, name } => {
            show(output, &client.ask("PATCH", &address(id), Some(&json!({ "name": name })))?)?;
        }
        CompanyCommand::Remove { id } => {
            client.ask("DELETE", &address(id), None)?;
            note(&format!("company {id} and its own keys are removed"));
        }
    }
    Ok(Exit::Done)
}

fn address(id: CompanyId) -> String {
    format!("/v1/companies/{id}")
}
