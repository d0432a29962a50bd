//! `keyward audit`.

use serde_json::{Value, json};

use crate::cli::api::client::Door;
use crate::cli::api::user::{encoded, more};
use crate::cli::args::{Audit, AuditTask, Output};
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal::output::{cell, line, table};
use crate::clock::{Clock as _, SystemClock};
use crate::key::AuditHead;

pub(in crate::cli) fn run(door: &mut Door, output: Output, asked: &Audit) -> Result<Exit, Failure> {
    match &asked.task {
        None => page(door, output, asked),
        Some(AuditTask::Verify { kept }) => verify(door, output, kept.as_ref()),
    }
}

fn page(door: &mut Door, output: Output, asked: &Audit) -> Result<Exit, Failure> {
    let since = asked.since.map(|since| since.at(SystemClock.now()).to_string());
    let asked = [
        ("since", since),
        ("user", asked.user.clone()),
        ("action", asked.action.map(|action| action.name().to_owned())),
        ("key", asked.key.map(|key| key.to_string())),
        ("after", asked.after.clone()),
        ("limit", Some(asked.limit.to_string())),
    ];
    let given = asked.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?))));
    let page = door.ask("GET", &format!("/v1/audit?{}", given.collect::<Vec<_>>().join("&")), None)?;
    if output == Output::Json {
        line(&page.to_string())?;
        return Ok(Exit::Done);
    }
    let events = page.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let headings = ["EVENT", "AT", "ACTION", "SUBJECT", "ID", "BY", "BY KEY", "FROM", "WHAT"];
    table(headings, events.iter().map(row).collect())?;
    more(&page);
    Ok(Exit::Done)
}

fn row(event: &Value) -> [String; 9] {
    let part = |place| event.pointer(place).map(cell).unwrap_or_default();
    [
        part("/sequence"),
        part("/at"),
        part("/action"),
        part("/subject/kind"),
        part("/subject/id"),
        by(event),
        part("/key"),
        part("/from"),
        what(event),
    ]
}

/// The user's number, or who else it was.
fn by(event: &Value) -> String {
    let user = event.get("user").filter(|user| !user.is_null());
    user.or_else(|| event.get("by")).map(cell).unwrap_or_default()
}

/// Why and how often, and each field with its old and new value.
fn what(event: &Value) -> String {
    let reason = event.get("reason").and_then(Value::as_str).map(str::to_owned);
    let times = event.get("times").and_then(Value::as_u64).filter(|times| *times > 1);
    let change = |change: &Value| {
        let part = |name| change.get(name).map(cell).unwrap_or_default();
        format!("{}: {} → {}", part("field"), part("old"), part("new"))
    };
    let changes = event.get("changes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let parts = reason.into_iter().chain(times.map(|times| format!("{times} times")));
    parts.chain(changes.iter().map(change)).collect::<Vec<_>>().join("; ")
}

fn verify(door: &mut Door, output: Output, kept: Option<&AuditHead>) -> Result<Exit, Failure> {
    let body = kept.map(|kept| json!({ "kept": kept.to_string() }));
    let chain = door.ask("POST", "/v1/audit/verify", body.as_ref())?;
    let whole = chain.get("broken_at").is_none_or(Value::is_null);
    let found = chain.get("kept") != Some(&Value::Bool(false));
    if output == Output::Json {
        line(&chain.to_string())?;
    } else {
        let part = |name| chain.get(name).map(cell).unwrap_or_default();
        if !whole {
            line(&format!("event {} was removed, altered or put elsewhere", part("broken_at")))?;
        }
        if !found {
            line("the event of the head that was kept is not there, or not the same")?;
        }
        line(&format!("{} events proved, head {}", part("events"), part("head")))?;
    }
    Ok(if whole && found { Exit::Done } else { Exit::Failed })
}
