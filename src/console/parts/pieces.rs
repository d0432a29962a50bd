//! Pieces that many pages are made of.

use maud::{Markup, html};

use crate::clock::Timestamp;
use crate::command::SessionToken;
use crate::console::form::Problem;
use crate::console::refusal::Refusal;
use crate::key::{Allowlist, Expiry, IssuedKey, Key, KeyStatus, Keyspace, Use, UserStatus};

/// What ties a form to its session.
pub(in crate::console) fn token(of: &SessionToken) -> Markup {
    html! { input type="hidden" name="form_token" value=(of.form_token().as_str()); }
}

/// A field with its label, a hint below it, and the problem where it has one.
pub(in crate::console) struct FieldOf<'a> {
    pub(in crate::console) name: &'a str,
    pub(in crate::console) label: &'a str,
    pub(in crate::console) hint: Option<&'a str>,
    pub(in crate::console) problem: Option<&'a Refusal>,
}

impl<'a> FieldOf<'a> {
    pub(in crate::console) const fn new(name: &'a str, label: &'a str, problem: Option<&'a Refusal>) -> Self {
        Self { name, label, hint: None, problem }
    }

    pub(in crate::console) const fn hint(self, hint: &'a str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    fn own_problem(&self) -> Option<&Problem> {
        self.problem.and_then(|refusal| refusal.about(self.name))
    }

    fn described_by(&self) -> Option<String> {
        let hint = self.hint.map(|_| format!("{}-hint", self.name));
        let problem = self.own_problem().map(|_| format!("{}-problem", self.name));
        let ids: Vec<_> = hint.into_iter().chain(problem).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn around(&self, control: &Markup) -> Markup {
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                (control)
                @if let Some(hint) = self.hint { p.hint id={ (self.name) "-hint" } { (hint) } }
                @if let Some(problem) = self.own_problem() {
                    p.wrong id={ (self.name) "-problem" } { (problem.text) }
                }
            }
        }
    }

    /// A line of text.
    pub(in crate::console) fn text(&self, value: &str) -> Markup {
        self.input("text", value, "off", false)
    }

    /// A line of text that has to be there.
    pub(in crate::console) fn needed(&self, value: &str) -> Markup {
        self.input("text", value, "off", true)
    }

    /// A password, never filled in by us.
    pub(in crate::console) fn password(&self, autocomplete: &str, required: bool) -> Markup {
        self.input("password", "", autocomplete, required)
    }

    pub(in crate::console) fn input(
        &self,
        kind: &str,
        value: &str,
        autocomplete: &str,
        required: bool,
    ) -> Markup {
        let wrong = self.own_problem().map(|_| "true");
        self.around(&html! {
            input id=(self.name) name=(self.name) type=(kind) value=[(kind != "password").then_some(value)]
                autocomplete=(autocomplete) required[required] aria-invalid=[wrong]
                aria-describedby=[self.described_by()] spellcheck="false";
        })
    }

    /// One of several, or what is chosen already though it is not among them: a form sent as it is changes nothing.
    pub(in crate::console) fn select<T: AsRef<str>>(&self, options: &[(T, T)], chosen: &str) -> Markup {
        self.around(&html! {
            select id=(self.name) name=(self.name) aria-describedby=[self.described_by()] {
                @if !options.iter().any(|(value, _)| value.as_ref() == chosen) {
                    option value=(chosen) selected { (chosen) }
                }
                @for (value, label) in options {
                    option value=(value.as_ref()) selected[value.as_ref() == chosen] { (label.as_ref()) }
                }
            }
        })
    }
}

/// A box to tick before something is gone for good.
pub(in crate::console) fn sure(label: &str, problem: Option<&Refusal>) -> Markup {
    let wrong = problem.and_then(|refusal| refusal.about("sure")).map(|_| "true");
    html! {
        p.check {
            input #sure type="checkbox" name="sure" value="yes" aria-invalid=[wrong];
            label for="sure" { (label) }
        }
    }
}

/// The headings of a table.
pub(in crate::console) fn headings(labels: &[&str]) -> Markup {
    html! { @for label in labels { th scope="col" { (label) } } }
}

/// The API whose keys a keyspace has.
pub(in crate::console) fn api(keyspace: &Keyspace) -> &'static str {
    let named = [
        (Keyspace::FILEBIN, "filebin"),
        (Keyspace::FREESEWING, "FreeSewing"),
        (Keyspace::QRESERVE, "QReserve"),
        (Keyspace::TELVUE, "TelVue"),
        (Keyspace::BOKAMERA, "BokaMera"),
    ];
    // Nobody else documents the rest.
    named.into_iter().find(|(known, _)| known == keyspace).map_or("keyward", |(_, name)| name)
}

/// Networks with a blank after each comma, where a line may end.
pub(in crate::console) fn networks(allowlist: &Allowlist) -> String {
    allowlist.to_string().replace(',', ", ")
}

/// A text for a cell of a table: no word of it is broken, at hyphens neither, unless it is longer than a phone is wide.
pub(in crate::console) fn words(text: &str) -> Markup {
    const UNBROKEN_CHARS: usize = 38;
    html! {
        @for (at, word) in text.split(' ').enumerate() {
            @if at > 0 { " " }
            @if word.contains('-') && word.chars().count() <= UNBROKEN_CHARS { span.word { (word) } } @else { (word) }
        }
    }
}

/// The text with a capital letter at its beginning.
pub(in crate::console) fn capitalized(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
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

/// When a key stops by itself.
pub(in crate::console) fn expiry(expiry: Expiry) -> Markup {
    match expiry {
        Expiry::Never => html! { "never" },
        Expiry::At(end) => moment(end),
    }
}

/// When and from where a key was used last.
pub(in crate::console) fn last_use(last: Option<Use>) -> Markup {
    match last {
        None => html! { span.faint { "never" } },
        Some(Use { at, from }) => html! {
            (moment(at))
            @if let Some(from) = from { " from " (from.to_canonical()) }
        },
    }
}

/// A key's state in a word.
pub(in crate::console) fn state(key: &Key, now: Timestamp) -> Markup {
    let condition = key.status(now);
    let class = match condition {
        KeyStatus::Active => "good",
        KeyStatus::Suspended => "held",
        KeyStatus::Expired | KeyStatus::Revoked => "over",
    };
    html! { span class={ "state " (class) } { (condition.name()) } }
}

/// A user's status in a word.
pub(in crate::console) fn status(status: UserStatus) -> Markup {
    let class = match status {
        UserStatus::Active => "good",
        UserStatus::Inactive => "held",
        UserStatus::Blocked => "over",
    };
    html! { span class={ "state " (class) } { (status.name()) } }
}

/// A key that is shown this once.
pub(in crate::console) fn shown_once(text: IssuedKey) -> Markup {
    html! {
        section.once aria-labelledby="once-heading" {
            h2 #once-heading { "Copy the key now" }
            p { "It will not be shown again. Store it in a safe place, as you would a password." }
            (copyable("new-key", &text.reveal()))
        }
    }
}

/// A text with a button that copies it, where there is a script for it.
pub(in crate::console) fn copyable(id: &str, text: &str) -> Markup {
    html! {
        p.copyable {
            code id=(id) { (text) }
            " "
            button.quiet type="button" data-copy=(id) hidden { "Copy" }
        }
    }
}

/// Shows the beginning of a key, which is no secret; imported keys have none to show.
pub(in crate::console) fn prefix(key: &Key) -> Markup {
    if key.secrets.current.shows_prefix() {
        html! { code { (key.secrets.current.prefix.as_str()) "…" } }
    } else {
        html! { span.faint { "imported" } }
    }
}
