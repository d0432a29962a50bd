//! `keyward user …`.

use std::io::{IsTerminal as _, stdin};

use serde_json::{Map, Value, json};

use crate::cli::api::client::Door;
use crate::cli::args::{AddUser, Output, Page, UserFields, UserTask};
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal::output::{cell, fields, line, note, table};
use crate::cli::terminal::prompt;
use crate::key::Username;

pub(in crate::cli) fn run(door: &mut Door, output: Output, task: UserTask) -> Result<Exit, Failure> {
    match task {
        UserTask::Add(user) => {
            let body = new_user(&user)?;
            show(output, &door.ask("POST", "/v1/users", Some(&body))?)?;
        }
        UserTask::List(page) => {
            list(output, &door.ask("GET", &format!("/v1/users?{}", query(&page)), None)?)?
        }
        UserTask::Show { name } => show(output, &door.ask("GET", &address(&name), None)?)?,
        UserTask::Set(user) => {
            let body = changes(&user.fields);
            show(output, &door.ask("PATCH", &address(&user.name), Some(&body))?)?;
        }
        UserTask::Passwd { name } => {
            // Asked first: nobody types a password for a user who is not there.
            door.ask("GET", &address(&name), None)?;
            let password = prompt::new_password("New password: ")?;
            let body = json!({ "password": password.as_deref().map_or("", String::as_str) });
            door.ask("PUT", &format!("{}/password", address(&name)), Some(&body))?;
            note(&format!("the password of {name} is set"));
        }
        UserTask::Remove { name } => {
            door.ask("DELETE", &address(&name), None)?;
            note(&format!("{name} and all keys of {name} are removed"));
        }
    }
    Ok(Exit::Done)
}

/// A text as a query has it.
pub(in crate::cli) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A page as the query has it.
pub(in crate::cli) fn query(page: &Page) -> String {
    let after = page.after.as_deref().map(|after| format!("&after={}", encoded(after))).unwrap_or_default();
    format!("limit={}{after}", page.limit)
}

/// Says how to see the next page, if there is one.
pub(in crate::cli) fn more(page: &Value) {
    if let Some(next) = page.get("next").and_then(Value::as_str) {
        note(&format!("there is more: --after {next}"));
    }
}

/// A text to set, or `null` to remove it when it is empty.
pub(in crate::cli) fn text_or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

// A user name has no letter that an address would give another meaning.
fn address(name: &Username) -> String {
    format!("/v1/users/{name}")
}

fn new_user(user: &AddUser) -> Result<Value, Failure> {
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

fn changes(user: &UserFields) -> Value {
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

fn show(output: Output, user: &Value) -> Result<(), Failure> {
    match output {
        Output::Json => line(&user.to_string()),
        Output::Text => fields(user),
    }
}

fn list(output: Output, page: &Value) -> Result<(), Failure> {
    if output == Output::Json {
        return line(&page.to_string());
    }
    let users = page.get("users").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names = ["id", "username", "kind", "role", "status", "email"];
    let row = |user: &Value| names.map(|name| user.get(name).map(cell).unwrap_or_default());
    table(["ID", "NAME", "KIND", "ROLE", "STATUS", "E-MAIL"], users.iter().map(row).collect())?;
    more(page);
    Ok(())
}
