//! Values as pages show them: times, networks, states, keys.

use maud::{Markup, html};

use crate::clock::Timestamp;
use crate::key::{Allowlist, Expiry, IssuedKey, Key, KeyStatus, Keyspace, Use, UserStatus};

/// Headings of a table.
pub(in crate::console) fn headings(labels: &[&str]) -> Markup {
    html! { @for label in labels { th scope="col" { (label) } } }
}

/// Name of the API of a keyspace.
pub(in crate::console) fn api(keyspace: &Keyspace) -> &'static str {
    let named = [
        (Keyspace::FILEBIN, "filebin"),
        (Keyspace::FREESEWING, "FreeSewing"),
        (Keyspace::QRESERVE, "QReserve"),
        (Keyspace::TELVUE, "TelVue"),
        (Keyspace::BOKAMERA, "BokaMera"),
    ];
    // Other keyspaces are of keyward's own API.
    named.into_iter().find(|(known, _)| known == keyspace).map_or("keyward", |(_, name)| name)
}

/// Networks of an allowlist, with a blank after each comma, where a line may break.
pub(in crate::console) fn networks(allowlist: &Allowlist) -> String {
    allowlist.to_string().replace(',', ", ")
}

/// A moment, to the minute, in UTC.
pub(in crate::console) fn moment(at: Timestamp) -> Markup {
    let exact = at.to_string();
    html! { time datetime=(exact) title=(exact) { (minutes(&exact)) } }
}

/// `2026/11/29 02:19` of an RFC 3339 moment.
fn minutes(exact: &str) -> String {
    exact.get(..16).unwrap_or(exact).replace('-', "/").replace('T', " ")
}

/// Expiry of a key.
pub(in crate::console) fn expiry(expiry: Expiry) -> Markup {
    match expiry {
        Expiry::Never => html! { "never" },
        Expiry::At(end) => moment(end),
    }
}

/// Time and client address of the last use of a key.
pub(in crate::console) fn last_use(last: Option<Use>) -> Markup {
    match last {
        None => html! { span.faint { "never" } },
        Some(Use { at, from }) => html! {
            (moment(at))
            @if let Some(from) = from { " from " (from.to_canonical()) }
        },
    }
}

/// Status of a key.
pub(in crate::console) fn state(key: &Key, now: Timestamp) -> Markup {
    let condition = key.status(now);
    let class = match condition {
        KeyStatus::Active => "good",
        KeyStatus::Suspended => "held",
        KeyStatus::Expired | KeyStatus::Revoked => "over",
    };
    html! { span class={ "state " (class) } { (condition.name()) } }
}

/// Status of a user.
pub(in crate::console) fn status(status: UserStatus) -> Markup {
    let class = match status {
        UserStatus::Active => "good",
        UserStatus::Inactive => "held",
        UserStatus::Blocked => "over",
    };
    html! { span class={ "state " (class) } { (status.name()) } }
}

/// Text of a new key, which is shown once.
pub(in crate::console) fn shown_once(text: IssuedKey) -> Markup {
    html! {
        section.once aria-labelledby="once-heading" {
            h2 #once-heading { "Copy the key now" }
            p { "It will not be shown again. Store it in a safe place, as you would a password." }
            (copyable("new-key", &text.reveal()))
        }
    }
}

/// Text with a button that copies it, if scripts are enabled.
pub(in crate::console) fn copyable(id: &str, text: &str) -> Markup {
    html! {
        p.copyable {
            code id=(id) { (text) }
            " "
            button.quiet type="button" data-copy=(id) hidden { "Copy" }
        }
    }
}

/// Prefix of a key, which is not secret; imported keys have none to show.
pub(in crate::console) fn prefix(key: &Key) -> Markup {
    if key.secrets.current.shows_prefix() {
        html! { code { (key.secrets.current.prefix.as_str()) "…" } }
    } else {
        html! { span.faint { "imported" } }
    }
}
