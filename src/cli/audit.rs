//! `keyward audit`.

use serde_json::{Value, json};

use super::args::{Audit, AuditTask, Output, Page};
use super::company::list;
use super::door::Door;
use super::failure::{Exit, Failure};
use super::screen::{cell, line};
use super::user::query;
use crate::key::AuditHead;

pub(super) fn run(door: &mut Door, output: Output, asked: &Audit) -> Result<Exit, Failure> {
    match &asked.task {
        None => page(door, output, &asked.page),
        Some(AuditTask::Verify { kept }) => verify(door, output, kept.as_ref()),
    }
}

fn page(door: &mut Door, output: Output, page: &Page) -> Result<Exit, Failure> {
    let page = door.ask("GET", &format!("/v1/audit?{}", query(page)), None)?;
    let headings = ["EVENT", "AT", "ACTION", "SUBJECT", "ID", "BY USER", "BY KEY", "FROM"];
    let places = ["/sequence", "/at", "/action", "/subject/kind", "/subject/id", "/user", "/key", "/from"];
    list(output, &page, "events", headings, places)?;
    Ok(Exit::Done)
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
