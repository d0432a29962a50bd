//! Audit: events, newest first, and the state of the chain.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::clock::Timestamp;
use crate::command::{CheckAudit, SearchEvents, UserRef};
use crate::console::form::{Input, Problem};
use crate::console::parts::field::FieldOf;
use crate::console::parts::page::{Page, Section};
use crate::console::parts::text;
use crate::console::parts::value;
use crate::console::refusal::Refusal;
use crate::console::signed_in::SignedIn;
use crate::engine::{AuditPage, Chain, EventFilter};
use crate::http::RawResponse;
use crate::key::{Actor, AuditAction, AuditEvent, AuditHead, FieldChange, Subject, UserId};

const ROWS: usize = 100;
const FILTERS: [&str; 6] = ["user", "key", "action", "actor", "from", "until"];

pub(in crate::console) fn page(of: &SignedIn<'_>) -> Result<RawResponse, Refusal> {
    of.administrator()?;
    let query = of.query();
    let (trail, refusal) = match filter(of, &query) {
        Ok(filter) => (Some(trail(of, filter, &query)?), None),
        Err(refusal @ Refusal::Invalid { .. }) => (None, Some(refusal)),
        Err(refusal) => return Err(refusal),
    };
    let whole = if query.text("chain") == "whole" { Some(whole_chain(of)?) } else { None };
    let mut names = HashMap::new();
    let rows = trail.iter().flat_map(|trail| &trail.events).map(|event| row(of, event, &mut names));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let body = html! {
        (filters(&query, refusal.as_ref()))
        @if let Some(trail) = &trail {
            (chain(whole.as_ref().unwrap_or(&trail.chain), whole.is_some()))
            div.wide {
                table.striped {
                    caption.hidden { "Audit" }
                    thead { tr { (value::headings(&["#", "When", "Who", "From", "What", "Whom or what", "Changes"])) } }
                    tbody { @for row in rows { (row) } }
                }
            }
            @if trail.events.is_empty() { p.faint { "No event matches." } }
            @if let Some(next) = trail.next {
                nav.pager aria-label="Pages" { a href=(older(&query, next)) rel="next" { "Older" } }
            }
        }
    };
    Ok(Page { section: Section::Audit, title: "Audit", problem: refusal.as_ref(), body }.answer(of))
}

fn filter(of: &SignedIn<'_>, query: &Input) -> Result<EventFilter, Refusal> {
    let user = |field: &'static str, label: &str| match query.text(field) {
        "" => Ok(None),
        text => {
            let named = match text.parse() {
                Ok(id) => UserRef::Id(UserId(id)),
                Err(_) => UserRef::Name(query.parsed(field, label)?),
            };
            match (of.find_user(named), text.parse()) {
                (Ok(user), _) => Ok(Some(user.id)),
                // Removed users are found by number.
                (Err(Refusal::Forbidden), Ok(id)) => Ok(Some(UserId(id))),
                (Err(Refusal::Forbidden), Err(_)) => {
                    Err(Problem::of(field, format!("{label}: there is no such user.")).into())
                }
                (Err(refusal), _) => Err(refusal),
            }
        }
    };
    Ok(EventFilter {
        user: user("user", "User")?,
        key: query.optional("key", "Key")?,
        action: query.optional("action", "What")?,
        actor: user("actor", "By")?,
        from: moment(query, "from", "From")?,
        until: moment(query, "until", "Until")?,
    })
}

/// A day or a moment, in UTC.
fn moment(query: &Input, field: &'static str, label: &str) -> Result<Option<Timestamp>, Problem> {
    let text = query.text(field);
    if text.is_empty() {
        return Ok(None);
    }
    Timestamp::parse_day(text)
        .map(Some)
        .ok_or_else(|| Problem::of(field, format!("{label}: must be a day like 2026-11-29.")))
}

fn trail(of: &SignedIn<'_>, filter: EventFilter, query: &Input) -> Result<AuditPage, Refusal> {
    let before = query.text("before").parse().ok();
    let command = SearchEvents { filter, before, limit: ROWS };
    let trail = of.run(command)?;
    Ok(trail)
}

fn whole_chain(of: &SignedIn<'_>) -> Result<Chain, Refusal> {
    let chain = of.run(CheckAudit { kept: None })?;
    Ok(chain)
}

/// Address of the page of older events with the same filters.
fn older(query: &Input, before: u64) -> String {
    let encoded = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let given = FILTERS.iter().filter(|field| !query.text(field).is_empty());
    let given: String = given.map(|field| format!("{field}={}&", encoded(query.text(field)))).collect();
    format!("/console/audit?{given}before={before}")
}

fn filters(query: &Input, refusal: Option<&Refusal>) -> Markup {
    let field = |name, label| FieldOf::new(name, label, refusal);
    html! {
        form method="get" action="/console/audit" {
            div.row {
                (field("user", "User").text(query.text("user")))
                (field("key", "Key").text(query.text("key")))
                (field("action", "What").select(&actions(), query.text("action")))
                (field("actor", "By").text(query.text("actor")))
                (field("from", "From").input("date", query.text("from"), "off", false))
                (field("until", "Until").input("date", query.text("until"), "off", false))
            }
            p.actions {
                button type="submit" { "Filter" }
                " "
                button.quiet type="submit" name="chain" value="whole" { "Prove the whole chain" }
            }
        }
    }
}

/// Actions to filter by, and `anything`.
fn actions() -> Vec<(String, String)> {
    let action = |action: AuditAction| (action.name().to_owned(), action.name().replace('_', " "));
    [(String::new(), "anything".to_owned())].into_iter().chain(AuditAction::ALL.map(action)).collect()
}

fn chain(chain: &Chain, whole: bool) -> Markup {
    let AuditHead { sequence, hash } = chain.head;
    html! {
        p.chain {
            @match chain.broken_at {
                None => span.state.good { "chain holds" },
                Some(_) => span.state.over { "chain broken" },
            }
            " "
            @if let Some(at) = chain.broken_at { "at event " (at) ". " }
            (chain.events) " events proved" @if whole { ", all there are" } "; newest " (sequence) ", "
            code title={ "BLAKE3 of event " (sequence) ": " (hex::encode(hash.0)) } {
                (hex::encode(hash.0).chars().take(16).collect::<String>()) "…"
            }
        }
    }
}

type Names = HashMap<UserId, Option<String>>;

/// Login name of a user; `None` if the user was removed.
fn name(of: &SignedIn<'_>, id: UserId, names: &mut Names) -> Result<Option<String>, Refusal> {
    if let Some(known) = names.get(&id) {
        return Ok(known.clone());
    }
    let found = match of.find_user(UserRef::Id(id)) {
        Ok(user) => Some(user.username.to_string()),
        Err(Refusal::Forbidden) => None,
        Err(refusal) => return Err(refusal),
    };
    names.insert(id, found.clone());
    Ok(found)
}

fn user(of: &SignedIn<'_>, id: UserId, names: &mut Names) -> Result<Markup, Refusal> {
    Ok(match name(of, id, names)? {
        Some(name) => html! { a href={ "/console/config/users/" (id) } { (name) } },
        None => html! { "user " (id) },
    })
}

/// Changed fields with their old and new values.
fn changes(changes: &[FieldChange]) -> Markup {
    let part =
        |part: &Option<String>| html! { @match part { Some(part) => (text::words(part)), None => "–" } };
    html! {
        @for FieldChange { field, old, new } in changes {
            div {
                (text::capitalized(field.name().replace('_', " "))) ": "
                @if old.is_some() { (part(old)) " → " }
                (part(new))
            }
        }
    }
}

fn row(of: &SignedIn<'_>, event: &AuditEvent, names: &mut Names) -> Result<Markup, Refusal> {
    let (who, from) = match event.actor {
        Actor::Operator => (html! { "operator" }, None),
        Actor::Stranger { from } => (html! { "unknown" }, from),
        Actor::User { user: id, key, from } => {
            let by_key = key.map(|key| html! { " by key " code { (key) } });
            (html! { (user(of, id, names)?) @if let Some(key) = by_key { (key) } }, from)
        }
    };
    let subject = match event.subject {
        Subject::User(id) => user(of, id, names)?,
        Subject::Key(id) => html! { "key " a href={ "/console/key/" (id) } { code { (id) } } },
        Subject::Company(id) => html! { "company " code { (id) } },
        Subject::Keys(count) => html! { (count) " keys" },
        Subject::Attempts(count) => html! { (count) @if count == 1 { " attempt" } @else { " attempts" } },
    };
    Ok(html! {
        tr {
            td data-label="#" { (event.sequence) }
            td data-label="When" { (value::moment(event.at)) }
            td data-label="Who" { (who) }
            td data-label="From" { @if let Some(from) = from { (from.to_canonical()) } }
            td data-label="What" {
                (event.action.name().replace('_', " "))
                @if let Some(reason) = &event.details.reason { ": " (reason.replace('_', " ")) }
                @if event.details.times > 1 { " × " (event.details.times) }
            }
            td data-label="Whom or what" { (subject) }
            td.changes data-label="Changes" { (changes(&event.details.changes)) }
        }
    })
}
