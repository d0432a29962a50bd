//! `keyward key …`.

use serde_json::{Map, Value, json};

use crate::cli::api::client::ApiClient;
use crate::cli::api::import;
use crate::cli::api::paging::{print_page, query, text_or_null};
use crate::cli::args::keys::{CreateKeyArgs, KeyCommand, KeyFieldArgs};
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::OutputFormat;
use crate::cli::terminal::output::{cell, check_output, line, note, show};
use crate::cli::terminal::prompt;
use crate::cli::values::limit::LimitArg;
use crate::key::{KeyId, Role};

pub(in crate::cli) fn run(
    client: &mut ApiClient,
    output: OutputFormat,
    command: KeyCommand,
) -> Result<Exit, CliError> {
    match command {
        KeyCommand::Create(key) => create(client, output, &key)?,
        KeyCommand::List { owner, keyspace, state, prefix, page } => {
            let filters = query([
                ("owner", owner.map(|owner| owner.to_string())),
                ("keyspace", keyspace.map(|keyspace| keyspace.to_string())),
                ("state", state),
                ("prefix", prefix),
                ("limit", Some(page.limit.to_string())),
                ("after", page.after),
            ]);
            let page = client.ask("GET", &format!("/v1/keys?{filters}"), None)?;
            print_page(output, &page, "keys", COLUMNS)?;
        }
        KeyCommand::Show { id } => show(output, &client.ask("GET", &address(id), None)?)?,
        KeyCommand::Update(key) => {
            show(output, &client.ask("PATCH", &address(key.id), Some(&changes(&key.fields)))?)?
        }
        KeyCommand::Rotate { id, grace } => {
            check_output()?;
            let body = json!({ "grace_seconds": grace.seconds });
            let answer = client.ask("POST", &format!("{}/rotate", address(id)), Some(&body))?;
            issued(output, &answer).map_err(|failure| {
                let lost = format!("the new text of the key {id} is lost: rotate it again");
                CliError::new(failure.exit, lost)
            })?;
        }
        KeyCommand::Revoke { id, reason } => {
            let body = json!({ "reason": reason.map(|reason| reason.name()) });
            show(output, &client.ask("POST", &format!("{}/revoke", address(id)), Some(&body))?)?;
        }
        KeyCommand::Suspend { id } => {
            show(output, &client.ask("POST", &format!("{}/suspend", address(id)), None)?)?
        }
        KeyCommand::Resume { id } => {
            show(output, &client.ask("POST", &format!("{}/resume", address(id)), None)?)?
        }
        KeyCommand::Delete { id } => {
            client.ask("DELETE", &address(id), None)?;
            note(&format!("key {id} is deleted"));
        }
        KeyCommand::Import(args) => return import::run(client, output, &args),
        KeyCommand::Undelete { id } => {
            show(output, &client.ask("POST", &format!("{}/undelete", address(id)), None)?)?
        }
        KeyCommand::Text { id } => {
            let answer = client.ask("GET", &format!("{}/text", address(id)), None)?;
            line(answer.get("text").and_then(Value::as_str).unwrap_or_default())?;
        }
        KeyCommand::Verify { keyspace, address, level, permission, limit, cost } => {
            let body = json!({
                "keyspace": keyspace.as_str(),
                "key": *prompt::read("Key: ")?,
                "address": address,
                "level": level.map(|level| level.number()),
                "permission": permission,
                "limit": limit.map(|limit| limit.to_string()),
                "cost": cost,
            });
            return verdict(output, &client.ask("POST", "/v1/verify", Some(&body))?);
        }
    }
    Ok(Exit::Done)
}

/// Creates a key and prints its text. Removes the key again if the text could not be printed: the caller would never
/// know the text.
fn create(client: &mut ApiClient, output: OutputFormat, args: &CreateKeyArgs) -> Result<(), CliError> {
    check_output()?;
    let answer = client.ask("POST", "/v1/keys", Some(&new_key(args)))?;
    if let Err(failure) = issued(output, &answer) {
        let id = answer.pointer("/key/id").and_then(Value::as_str).unwrap_or_default();
        client.ask("DELETE", &format!("/v1/keys/{id}"), None)?;
        let lost = format!("the text of the key {id} could not be printed, so the key was removed again");
        return Err(CliError::new(failure.exit, lost));
    }
    let owner = client.ask("GET", &format!("/v1/users/{}", args.owner), None)?;
    let role = owner.get("role").and_then(Value::as_str).unwrap_or_default();
    if let Some(cap) = role.parse::<Role>().ok().map(Role::level).filter(|cap| *cap < args.level) {
        let most = cap.number();
        note(&format!("the key acts at level {most} only, the most for {} in the role {role}", args.owner));
    }
    Ok(())
}

fn address(id: KeyId) -> String {
    format!("/v1/keys/{id}")
}

fn new_key(key: &CreateKeyArgs) -> Value {
    let mut body = Map::from_iter([
        ("owner".to_owned(), json!(key.owner.as_str())),
        ("keyspace".to_owned(), json!(key.keyspace.as_str())),
        ("level".to_owned(), json!(key.level.number())),
        ("comment".to_owned(), json!(key.comment)),
        ("contact".to_owned(), json!(key.contact)),
        ("allowlist".to_owned(), json!(key.allow)),
        ("rate_limits".to_owned(), LimitArg::list(&key.limit)),
    ]);
    key.expires.put(&mut body);
    Value::Object(body)
}

fn changes(key: &KeyFieldArgs) -> Value {
    let fields = [
        ("level", key.level.map(|level| json!(level.number()))),
        ("comment", key.comment.as_ref().map(|comment| json!(comment))),
        ("contact", key.contact.as_deref().map(text_or_null)),
        ("allowlist", key.allow.as_ref().map(|list| json!(list))),
        (
            "rate_limits",
            Some(&key.limit).filter(|limits| !limits.is_empty()).map(|limits| LimitArg::list(limits)),
        ),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let mut body: Map<_, _> = given.collect();
    if let Some(expires) = key.expires {
        expires.put(&mut body);
    }
    Value::Object(body)
}

/// Prints the text alone on standard output, so that `$(keyward key create …)` is the key.
fn issued(output: OutputFormat, answer: &Value) -> Result<(), CliError> {
    if output == OutputFormat::Json {
        return line(&answer.to_string());
    }
    let key = answer.get("key").unwrap_or(&Value::Null);
    let part = |name| key.get(name).map(cell).unwrap_or_default();
    note(&format!(
        "key {} of {} in {}, level {}; its text is shown this once:",
        part("id"),
        part("owner"),
        part("keyspace"),
        part("level"),
    ));
    line(answer.get("text").and_then(Value::as_str).unwrap_or_default())?;
    if let Some(until) = key.pointer("/previous/until") {
        note(&format!("the text before it verifies until {}", cell(until)));
    }
    Ok(())
}

const COLUMNS: [(&str, &str); 10] = [
    ("ID", "/id"),
    ("OWNER", "/owner"),
    ("KEYSPACE", "/keyspace"),
    ("PREFIX", "/prefix"),
    ("LEVEL", "/level"),
    ("STATE", "/state"),
    ("EXPIRES", "/expires_at"),
    ("USES", "/usage/count"),
    ("LAST USED", "/usage/last_at"),
    ("COMMENT", "/comment"),
];

fn verdict(output: OutputFormat, verdict: &Value) -> Result<Exit, CliError> {
    let valid = verdict.get("valid") == Some(&Value::Bool(true));
    let part = |name| verdict.get(name).map(cell).unwrap_or_default();
    match output {
        OutputFormat::Json => line(&verdict.to_string())?,
        OutputFormat::Text if valid => line(&format!(
            "valid: key {} of {}, level {}, expires {}",
            part("key_id"),
            part("user"),
            part("level"),
            verdict.get("expires_at").and_then(Value::as_str).unwrap_or("never"),
        ))?,
        OutputFormat::Text => line(&format!("denied: {}", part("code")))?,
    }
    Ok(if valid { Exit::Done } else { Exit::Denied })
}
