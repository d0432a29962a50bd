//! My keys: list of the keys of one owner in one keyspace, and a form that creates a key.

use maud::{Markup, html};

use crate::command::{CreateKey, CreateKeyOnce, DeleteKey, KeyPage, KeyRef, ListKeys, UserRef};
use crate::console::form::Input;
use crate::console::pages::keys::key_form;
use crate::console::parts::field::{self, FieldOf};
use crate::console::parts::page::{Page, Section, or_again};
use crate::console::parts::question::Question;
use crate::console::parts::text;
use crate::console::parts::text::capitalized;
use crate::console::parts::value;
use crate::console::refusal::Refusal;
use crate::console::request::Method;
use crate::console::respond::see_other;
use crate::console::signed_in::SignedIn;
use crate::engine::{CreateOutcome, Cursor};
use crate::http::RawResponse;
use crate::key::{
    AccessLevel, IssuedKey, Issuing, Key, Keyspace, KeyspaceName, Level, User, UserId, Viewing,
};

/// Key, and its text if the user may see it.
type Row = (Key, Option<IssuedKey>);

/// Rows of one page.
const ROWS: usize = 100;

pub(in crate::console) fn answer(
    of: &SignedIn<'_>,
    keyspace: &str,
    method: Method,
) -> Result<RawResponse, Refusal> {
    let keyspace = keyspace.parse().ok().and_then(|name| Keyspace::named(&name)).ok_or(Refusal::NotFound)?;
    let owner = match of.query().text("owner") {
        "" => of.user.clone(),
        id => of.find_user(UserRef::Id(UserId(id.parse().map_err(|_| Refusal::NotFound)?)))?,
    };
    let list = KeyListPage { of, keyspace, owner };
    match method {
        Method::Get => list.page(None, None, None),
        Method::Post => list.act(&of.form()?),
    }
}

/// Address of the keys of an owner in a keyspace, with `more` in its query.
pub(in crate::console) fn address(
    of: &SignedIn<'_>,
    keyspace: &KeyspaceName,
    owner: UserId,
    more: &str,
) -> String {
    let owner = if owner == of.user.id { String::new() } else { format!("owner={owner}") };
    let query =
        [owner.as_str(), more].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/console/keys/{keyspace}{mark}{query}")
}

struct KeyListPage<'a> {
    of: &'a SignedIn<'a>,
    keyspace: Keyspace,
    owner: User,
}

impl KeyListPage<'_> {
    fn is_own(&self) -> bool {
        self.owner.id == self.of.user.id
    }

    /// Address of the list of another keyspace.
    fn address(&self, keyspace: &Keyspace) -> String {
        address(self.of, keyspace.name(), self.owner.id, "")
    }

    /// Address of this list with `more` in its query.
    fn address_with(&self, more: &str) -> String {
        address(self.of, self.keyspace.name(), self.owner.id, more)
    }

    fn back(&self, done: &str) -> RawResponse {
        see_other(&self.address_with(&format!("done={done}")))
    }

    fn act(&self, input: &Input) -> Result<RawResponse, Refusal> {
        let done = match input.text("do") {
            "create" => self.create(input),
            "delete" => self.delete(input),
            _ => Err(Refusal::BadRequest),
        };
        or_again(done, |refusal| self.page(Some(input), Some(refusal), None))
    }

    fn create(&self, input: &Input) -> Result<RawResponse, Refusal> {
        let now = self.of.request.service.now();
        let new = key_form::new_key(input, &self.keyspace, self.owner.id, now)?;
        let created = match key_form::mark(input) {
            Some(mark) => self.of.run(CreateKeyOnce { new, mark })?,
            None => self.of.run(CreateKey(new))?.into(),
        };
        match created {
            CreateOutcome::Created(_, text) if self.keyspace.viewing() == Viewing::Once => {
                self.page(None, None, Some(text))
            }
            // The new key is the top row. If the form was sent twice, the first request created it.
            CreateOutcome::Created(..) | CreateOutcome::Repeated(_) => Ok(self.back("created")),
        }
    }

    fn delete(&self, input: &Input) -> Result<RawResponse, Refusal> {
        let id = input.text("key").parse().map_err(|_| Refusal::BadRequest)?;
        let question = Question {
            section: Section::Keys,
            title: "Delete the key?",
            means: &format!(
                "{} is refused from then on, and its record is gone.",
                capitalized(input.text("shown").to_owned())
            ),
            fields: &["key"],
            button: "Delete",
            back: &self.address(&self.keyspace),
        };
        if let Some(asked) = question.unless_answered(self.of, input) {
            return Ok(asked);
        }
        self.of.run(DeleteKey(KeyRef::Restriction(self.keyspace, id)))?;
        Ok(self.back("deleted"))
    }

    fn rows(&self) -> Result<(Vec<Row>, Option<Cursor>), Refusal> {
        let query = self.of.query();
        let after = match query.text("after") {
            "" => None,
            cursor => Some(cursor.parse().map_err(|_| Refusal::NotFound)?),
        };
        let command = ListKeys {
            owner: UserRef::Id(self.owner.id),
            keyspace: Some(*self.keyspace.name()),
            after,
            limit: Some(ROWS),
            texts: true,
        };
        let KeyPage { keys, next } = self.of.run(command)?;
        Ok((keys, next))
    }

    fn page(
        &self,
        input: Option<&Input>,
        refusal: Option<&Refusal>,
        issued: Option<IssuedKey>,
    ) -> Result<RawResponse, Refusal> {
        let (rows, next) = self.rows()?;
        let next = next.map(|cursor| self.address_with(&format!("after={cursor}")));
        let body = html! {
            nav.tabs aria-label="Keyspaces" {
                @for keyspace in Keyspace::all() {
                    a href=(self.address(&keyspace)) aria-current=[(keyspace == self.keyspace).then_some("page")] {
                        (keyspace.name())
                    }
                }
            }
            @if let Some(text) = issued { (value::shown_once(text)) }
            @if rows.is_empty() {
                p.faint { "There are no keys here yet." }
            } @else if self.keyspace == Keyspace::FILEBIN {
                (self.filebin_table(rows))
            } @else {
                (self.full_table(rows))
            }
            @if let Some(next) = next {
                nav.pager aria-label="Pages" { a href=(next) rel="next" { "Next" } }
            }
            (self.below(input, refusal)?)
        };
        let api = value::api(&self.keyspace);
        let title = if self.is_own() {
            format!("{api} API keys")
        } else {
            format!("{api} API keys of {}", self.owner.username)
        };
        Ok(Page { section: Section::Keys, title: &title, problem: refusal, body }.answer(self.of))
    }

    fn filebin_table(&self, rows: Vec<Row>) -> Markup {
        self.table(&["#", "Key", "Comment", "Created on", "Access"], rows, |number, key, shown| {
            html! {
                td data-label="#" { (number) }
                td data-label="Key" { (shown) }
                td.comment data-label="Comment" { (text::words(key.comment.as_str())) }
                td data-label="Created on" { (value::moment(key.created)) }
                td data-label="Access" { (access(key.level)) }
            }
        })
    }

    fn full_table(&self, rows: Vec<Row>) -> Markup {
        let now = self.of.request.service.now();
        let labels =
            ["Key", "Comment", "State", "Access", "Expires", "IP addresses", "Last used", "Created on"];
        self.table(&labels, rows, |_, key, shown| {
            html! {
                td data-label="Key" { (shown) }
                td.comment data-label="Comment" { (text::words(key.comment.as_str())) }
                td data-label="State" { (value::state(key, now)) }
                td data-label="Access" { span.word { (key_form::level_name(&key.keyspace, key.level)) } }
                td data-label="Expires" { (value::expiry(key.expiry)) }
                td data-label="IP addresses" { (value::networks(&key.allowlist)) }
                td data-label="Last used" { (value::last_use(key.usage.last)) }
                td data-label="Created on" { (value::moment(key.created)) }
            }
        })
    }

    /// Table with a row for each key. `cells` gets the number of the key, from 1, the key and its visible text.
    fn table(
        &self,
        labels: &[&str],
        rows: Vec<Row>,
        cells: impl Fn(usize, &Key, Markup) -> Markup,
    ) -> Markup {
        html! {
            div.wide {
                table.striped {
                    caption.hidden { "API keys" }
                    thead {
                        tr {
                            (value::headings(labels))
                            th scope="col" { span.hidden { "Delete" } }
                        }
                    }
                    tbody {
                        @for (number, (key, text)) in (1..).zip(rows) {
                            tr {
                                (cells(number, &key, text_or_prefix(&key, text)))
                                td { (self.delete_button(&key, number)) }
                            }
                        }
                    }
                }
            }
        }
    }

    fn delete_button(&self, key: &Key, number: usize) -> Markup {
        html! {
            form method="post" action=(self.address(&self.keyspace)) {
                (field::token(&self.of.token))
                input type="hidden" name="key" value=(key.id);
                input type="hidden" name="shown" value=(called(key));
                button.danger.small type="submit" name="do" value="delete" aria-label={ "Delete key " (number) } { "Delete" }
            }
        }
    }

    /// Form that creates a key, or a sentence about where keys of this keyspace are created.
    fn below(&self, input: Option<&Input>, refusal: Option<&Refusal>) -> Result<Markup, Refusal> {
        Ok(match self.keyspace.issuing() {
            Issuing::Freely => html! {
                @if self.keyspace == Keyspace::FILEBIN { (explained()) }
                (self.create_form(input, refusal)?)
            },
            Issuing::WithAccess => html! {
                p {
                    "The key of this keyspace comes with API Access: see "
                    a href={ "/console/config/users/" (self.owner.id) } { "Edit User" } "."
                }
            },
            Issuing::OnePerBot => html! { p { "Keys of this keyspace belong to bot users, one each." } },
        })
    }

    fn create_form(&self, input: Option<&Input>, refusal: Option<&Refusal>) -> Result<Markup, Refusal> {
        let typed = |name| input.map_or("", |input| input.text(name));
        let preselected = AccessLevel::Apikey.level().min(self.of.caller.level()).to_string();
        let level = if typed("level").is_empty() { &preselected } else { typed("level") };
        let field = |name, label| FieldOf::new(name, label, refusal);
        let once = self.of.request.service.authenticator().fresh_token()?;
        Ok(html! {
            form.strip method="post" action=(self.address(&self.keyspace)) {
                h2 { "Create a new key" }
                (field::token(&self.of.token))
                input type="hidden" name="once" value=(once.reveal());
                div.row {
                    (field("comment", "Comment").text(typed("comment")))
                    (field("level", "Access").select(&key_form::levels(&self.keyspace, self.of.caller.level()), level))
                    @if self.keyspace != Keyspace::FILEBIN {
                        (field("life", "Expires").select(&key_form::LIVES, typed("life")))
                        (field("allowlist", "IP addresses").hint("Blank for anywhere.").text(typed("allowlist")))
                    }
                }
                p.actions { button type="submit" name="do" value="create" { "Create a new key" } }
            }
        })
    }
}

/// Name of a key in a question.
pub(in crate::console) fn called(key: &Key) -> String {
    let prefix = if key.secrets.current.shows_prefix() {
        format!("the key that begins with {}", key.secrets.current.prefix.as_str())
    } else {
        "the imported key".to_owned()
    };
    match key.comment.as_str() {
        "" => prefix,
        comment => format!("{prefix} ({comment})"),
    }
}

fn text_or_prefix(key: &Key, text: Option<IssuedKey>) -> Markup {
    let shown = match text {
        Some(text) => html! { code { (*text.reveal()) } },
        None => value::prefix(key),
    };
    html! { a href={ "/console/key/" (key.id) } { (shown) } }
}

/// Name of an access level; the highest has a warning.
fn access(level: Level) -> Markup {
    let access = AccessLevel::of(level);
    html! {
        (access.name())
        @if access == AccessLevel::Full { " " span.warning title="May manage keys" { span aria-hidden="true" { "▲" } span.hidden { "may manage keys" } } }
    }
}

fn explained() -> Markup {
    html! {
        h2 { "Access levels:" }
        dl.levels {
            dt { "basic" } dd { "Uploads and nothing else: it cannot see what there is." }
            dt { "apikey" } dd { "Reads and changes files; cannot touch API keys." }
            dt { "full" } dd { "Everything the account may, other API keys included." }
        }
    }
}
