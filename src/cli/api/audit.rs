//! `keyward audit`.

use serde_json::{Value, json};

use crate::cli::api::client::ApiClient;
use crate::cli::api::paging::{print_rows, query};
use crate::cli::args::audit::{AuditArgs, AuditCommand};
use crate::cli::failure::{CliError, Exit};
use crate::cli::terminal::output::OutputFormat;
use crate::cli::terminal::output::{cell, line};
use crate::clock::{Clock as _, SystemClock};
use crate::key::AuditHead;

pub(in crate::cli) fn run(
    client: &mut ApiClient,
    output: OutputFormat,
    args: &AuditArgs,
) -> Result<Exit, CliError> {
    match &args.command {
        None => page(client, output, args),
        Some(AuditCommand::Verify { kept }) => verify(client, output, kept.as_ref()),
    }
}

fn page(client: &mut ApiClient, output: OutputFormat, args: &AuditArgs) -> Result<Exit, CliError> {
    let since = args.since.map(|since| since.at(SystemClock.now()).to_string());
    let query = query([
        ("since", since),
        ("user", args.user.clone()),
        ("action", args.action.map(|action| action.name().to_owned())),
        ("key", args.key.map(|key| key.to_string())),
        ("after", args.after.clone()),
        ("limit", Some(args.limit.to_string())),
    ]);
    let page = client.ask("GET", &format!("/v1/audit?{query}"), None)?;
    let headings = ["EVENT", "AT", "ACTION", "SUBJECT", "ID", "BY", "BY KEY", "FROM", "WHAT"];
    print_rows(output, &page, "events", headings, row)?;
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

/// Id of the acting user, or the kind of actor.
fn by(event: &Value) -> String {
    let user = event.get("user").filter(|user| !user.is_null());
    user.or_else(|| event.get("by")).map(cell).unwrap_or_default()
}

/// Reason, number of times, and each changed field with its old and new value.
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

fn verify(client: &mut ApiClient, output: OutputFormat, kept: Option<&AuditHead>) -> Result<Exit, CliError> {
    let body = kept.map(|kept| json!({ "kept": kept.to_string() }));
    let chain = client.ask("POST", "/v1/audit/verify", body.as_ref())?;
    let whole = chain.get("broken_at").is_none_or(Value::is_null);
    let found = chain.get("kept") != Some(&Value::Bool(false));
    if output == OutputFormat::Json {
        line(&chain.to_string())?;
    } else {
        let part = |name| chain.get(name).map(cell).unwrap_or_default();
        if !whole {
            line(&format!("event {} was removed, altered or moved", part("broken_at")))?;
        }
        if !found {
            line("the event of the kept head is missing or was altered")?;
        }
        line(&format!("{} events proved, head {}", part("events"), part("head")))?;
    }
    Ok(if whole && found { Exit::Done } else { Exit::Failed })
}
