//! `keyward user …`.

use std::io::{IsTerminal as _, stdin};

use serde_json::{Map, Value, json};

use crate::cli::api::client::ApiClient;
use crate::cli::api::paging::{page_query, print_page, text_or_null};
use crate::cli::args::users::{AddUserArgs, UserCommand, UserFieldArgs};
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::OutputFormat;
use crate::cli::terminal::output::{note, show};
use crate::cli::terminal::prompt;
use crate::key::Username;

pub(in crate::cli) fn run(
    client: &mut ApiClient,
    output: OutputFormat,
    command: UserCommand,
) -> Result<Exit, CliError> {
    match command {
        UserCommand::Add(user) => {
            let body = new_user(&user)?;
            show(output, &client.ask("POST", "/v1/users", Some(&body))?)?;
        }
        UserCommand::List(page) => {
            let page = client.ask("GET", &format!("/v1/users?{}", page_query(&page)), None)?;
            print_page(output, &page, "users", COLUMNS)?;
        }
        UserCommand::Show { name } => show(output, &client.ask("GET", &address(&name), None)?)?,
        UserCommand::Set(user) => {
            let body = changes(&user.fields);
            show(output, &client.ask("PATCH", &address(&user.name), Some(&body))?)?;
        }
        UserCommand::Passwd { name } => {
            // Refuses an unknown user before the caller types a password.
            client.ask("GET", &address(&name), None)?;
            let password = prompt::new_password("New password: ")?;
            let body = json!({ "password": password.as_deref().map_or("", String::as_str) });
            client.ask("PUT", &format!("{}/password", address(&name)), Some(&body))?;
            note(&format!("the password of {name} is set"));
        }
        UserCommand::Remove { name } => {
            client.ask("DELETE", &address(&name), None)?;
            note(&format!("{name} and all keys of {name} are removed"));
        }
    }
    Ok(Exit::Done)
}

/// Address of a user. A user name has no character that needs encoding.
fn address(name: &Username) -> String {
    format!("/v1/users/{name}")
}

fn new_user(user: &AddUserArgs) -> Result<Value, CliError> {
    let password = if user.bot {
        None
    } else if user.password_stdin {
        Some(prompt::first_line()?)
    } else if stdin().is_terminal() {
        prompt::new_password("Password (nothing for none yet): ")?
    } else {
        None
    };
    Ok(json!({
        "username": user.name.as_str(),
        "role": user.role.name(),
        "kind": if user.bot { "bot" } else { "person" },
        "display_name": user.display_name,
        "email": user.email,
        "company": user.company.map(|company| company.to_string()),
        "password": password.as_deref(),
    }))
}

fn changes(user: &UserFieldArgs) -> Value {
    let fields = [
        ("username", user.rename.as_ref().map(|name| json!(name.as_str()))),
        ("role", user.role.map(|role| json!(role.name()))),
        ("email", user.email.as_deref().map(text_or_null)),
        ("company", user.company.as_deref().map(text_or_null)),
        ("display_name", user.display_name.as_deref().map(text_or_null)),
        ("status", user.status.map(|status| json!(status.name()))),
        ("api_access", user.api_access.map(|access| json!(access))),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}

const COLUMNS: [(&str, &str); 6] = [
    ("ID", "/id"),
    ("NAME", "/username"),
    ("KIND", "/kind"),
    ("ROLE", "/role"),
    ("STATUS", "/status"),
    ("E-MAIL", "/email"),
];
