//! `keyward key …`.

use serde_json::{Map, Value, json};

use crate::cli::api::client::Door;
use crate::cli::api::import;
use crate::cli::api::user::{encoded, more, query, text_or_null};
use crate::cli::args::{CreateKey, KeyFields, KeyTask, Output};
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal::output::{cell, check_output, fields, line, note, table};
use crate::cli::terminal::prompt;
use crate::cli::values::limit::Limit;
use crate::key::{KeyId, Role};

pub(in crate::cli) fn run(door: &mut Door, output: Output, task: KeyTask) -> Result<Exit, Failure> {
    match task {
        KeyTask::Create(key) => create(door, output, &key)?,
        KeyTask::List { owner, keyspace, state, prefix, page } => {
            let filters = [
                ("owner", owner.map(|owner| owner.to_string())),
                ("keyspace", keyspace.map(|keyspace| keyspace.to_string())),
                ("state", state),
                ("prefix", prefix),
            ];
            let filter =
                |(name, value): (&str, Option<String>)| Some(format!("{name}={}&", encoded(&value?)));
            let filters: String = filters.into_iter().filter_map(filter).collect();
            list(output, &door.ask("GET", &format!("/v1/keys?{filters}{}", query(&page)), None)?)?;
        }
        KeyTask::Show { id } => show(output, &door.ask("GET", &address(id), None)?)?,
        KeyTask::Update(key) => {
            show(output, &door.ask("PATCH", &address(key.id), Some(&changes(&key.fields)))?)?
        }
        KeyTask::Rotate { id, grace } => {
            check_output()?;
            let body = json!({ "grace_seconds": grace.seconds });
            let answer = door.ask("POST", &format!("{}/rotate", address(id)), Some(&body))?;
            issued(output, &answer).map_err(|failure| {
                let lost = format!("the new text of the key {id} is lost: rotate it again");
                Failure::new(failure.exit, lost)
            })?;
        }
        KeyTask::Revoke { id, reason } => {
            let body = json!({ "reason": reason.map(|reason| reason.name()) });
            show(output, &door.ask("POST", &format!("{}/revoke", address(id)), Some(&body))?)?;
        }
        KeyTask::Suspend { id } => {
            show(output, &door.ask("POST", &format!("{}/suspend", address(id)), None)?)?
        }
        KeyTask::Resume { id } => show(output, &door.ask("POST", &format!("{}/resume", address(id)), None)?)?,
        KeyTask::Delete { id } => {
            door.ask("DELETE", &address(id), None)?;
            note(&format!("key {id} is deleted"));
        }
        KeyTask::Import(asked) => return import::run(door, output, &asked),
        KeyTask::Undelete { id } => {
            show(output, &door.ask("POST", &format!("{}/undelete", address(id)), None)?)?
        }
        KeyTask::Text { id } => {
            let answer = door.ask("GET", &format!("{}/text", address(id)), None)?;
            line(answer.get("text").and_then(Value::as_str).unwrap_or_default())?;
        }
        KeyTask::Verify { keyspace, address, level, permission, limit, cost } => {
            let body = json!({
                "keyspace": keyspace.as_str(),
                "key": *prompt::read("Key: ")?,
                "address": address,
                "level": level.map(|level| level.number()),
                "permission": permission,
                "limit": limit.map(|limit| limit.to_string()),
                "cost": cost,
            });
            return verdict(output, &door.ask("POST", "/v1/verify", Some(&body))?);
        }
    }
    Ok(Exit::Done)
}

/// Creates a key whose text gets to somebody: one that could not be printed is removed again.
fn create(door: &mut Door, output: Output, asked: &CreateKey) -> Result<(), Failure> {
    check_output()?;
    let answer = door.ask("POST", "/v1/keys", Some(&new_key(asked)))?;
    if let Err(failure) = issued(output, &answer) {
        let id = answer.pointer("/key/id").and_then(Value::as_str).unwrap_or_default();
        door.ask("DELETE", &format!("/v1/keys/{id}"), None)?;
        let lost = format!("the text of the key {id} could not be printed, so the key was removed again");
        return Err(Failure::new(failure.exit, lost));
    }
    let owner = door.ask("GET", &format!("/v1/users/{}", asked.owner), None)?;
    let role = owner.get("role").and_then(Value::as_str).unwrap_or_default();
    if let Some(cap) = role.parse::<Role>().ok().map(Role::level).filter(|cap| *cap < asked.level) {
        let most = cap.number();
        note(&format!("it acts at level {most} only: more is not for {} in the role {role}", asked.owner));
    }
    Ok(())
}

fn address(id: KeyId) -> String {
    format!("/v1/keys/{id}")
}

fn new_key(key: &CreateKey) -> Value {
    let mut body = Map::from_iter([
        ("owner".to_owned(), json!(key.owner.as_str())),
        ("keyspace".to_owned(), json!(key.keyspace.as_str())),
        ("level".to_owned(), json!(key.level.number())),
        ("comment".to_owned(), json!(key.comment)),
        ("contact".to_owned(), json!(key.contact)),
        ("allowlist".to_owned(), json!(key.allow)),
        ("rate_limits".to_owned(), Limit::list(&key.limit)),
    ]);
    key.expires.put(&mut body);
    Value::Object(body)
}

fn changes(key: &KeyFields) -> Value {
    let fields = [
        ("level", key.level.map(|level| json!(level.number()))),
        ("comment", key.comment.as_ref().map(|comment| json!(comment))),
        ("contact", key.contact.as_deref().map(text_or_null)),
        ("allowlist", key.allow.as_ref().map(|list| json!(list))),
        (
            "rate_limits",
            Some(&key.limit).filter(|limits| !limits.is_empty()).map(|limits| Limit::list(limits)),
        ),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let mut body: Map<_, _> = given.collect();
    if let Some(expires) = key.expires {
        expires.put(&mut body);
    }
    Value::Object(body)
}

fn show(output: Output, key: &Value) -> Result<(), Failure> {
    match output {
        Output::Json => line(&key.to_string()),
        Output::Text => fields(key),
    }
}

/// The text alone on standard output, so that `$(keyward key create …)` is the key.
fn issued(output: Output, answer: &Value) -> Result<(), Failure> {
    if output == Output::Json {
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

fn list(output: Output, page: &Value) -> Result<(), Failure> {
    if output == Output::Json {
        return line(&page.to_string());
    }
    let keys = page.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let places = [
        "/id",
        "/owner",
        "/keyspace",
        "/prefix",
        "/level",
        "/state",
        "/expires_at",
        "/usage/count",
        "/usage/last_at",
        "/comment",
    ];
    let row = |key: &Value| places.map(|place| key.pointer(place).map(cell).unwrap_or_default());
    let headings =
        ["ID", "OWNER", "KEYSPACE", "PREFIX", "LEVEL", "STATE", "EXPIRES", "USES", "LAST USED", "COMMENT"];
    table(headings, keys.iter().map(row).collect())?;
    more(page);
    Ok(())
}

fn verdict(output: Output, verdict: &Value) -> Result<Exit, Failure> {
    let valid = verdict.get("valid") == Some(&Value::Bool(true));
    let part = |name| verdict.get(name).map(cell).unwrap_or_default();
    match output {
        Output::Json => line(&verdict.to_string())?,
        Output::Text if valid => line(&format!(
            "valid: key {} of {}, level {}, expires {}",
            part("key_id"),
            part("user"),
            part("level"),
            verdict.get("expires_at").and_then(Value::as_str).unwrap_or("never"),
        ))?,
        Output::Text => line(&format!("denied: {}", part("code")))?,
    }
    Ok(if valid { Exit::Done } else { Exit::Denied })
}
