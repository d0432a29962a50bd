//! Page of one bot user: its role, and the tab with its API key.

use maud::{Markup, html};

use crate::command::{
    AnsweredRequest, CreateKey, DeleteKey, KeyPage, KeyRef, KeyWithText, ListKeys, ListRequests, RemoveUser,
    RotateKey, UpdateKey, UpdateUser, UserRef,
};
use crate::console::form::{Input, Problem};
use crate::console::pages::bots::bots_page::{PATH, live_key, name};
use crate::console::parts::field::{self, FieldOf};
use crate::console::parts::page::{Page, Section, or_again};
use crate::console::parts::question::Question;
use crate::console::parts::text;
use crate::console::parts::value;
use crate::console::refusal::Refusal;
use crate::console::request::Method;
use crate::console::respond::see_other;
use crate::console::signed_in::{COUNTED, SignedIn};
use crate::engine::{KeyChange, NewKey, UserChange};
use crate::http::RawResponse;
use crate::key::{Allowlist, IssuedKey, Key, Keyspace, Level, Role, User, UserId, UserKind};

fn bot(of: &SignedIn<'_>, id: UserId) -> Result<User, Refusal> {
    of.administrator()?;
    let user = of.find_user(UserRef::Id(id))?;
    if user.kind == UserKind::Bot && !user.is_account() { Ok(user) } else { Err(Refusal::NotFound) }
}

fn tabs(bot: &User, on_key: bool) -> Markup {
    let address = format!("{PATH}/{}", bot.id);
    html! {
        nav.tabs aria-label="Bot" {
            a href=(address) aria-current=[(!on_key).then_some("page")] { "Bot user" }
            a href={ (address) "/api-key" } aria-current=[on_key.then_some("page")] { "API Key" }
        }
    }
}

pub(in crate::console) fn answer(
    of: &SignedIn<'_>,
    id: UserId,
    method: Method,
) -> Result<RawResponse, Refusal> {
    let bot = bot(of, id)?;
    if method == Method::Get {
        return page(of, &bot, None);
    }
    let input = of.form()?;
    let done = match input.text("do") {
        "save" => save(of, &bot, &input),
        "remove" if !input.has("sure") => {
            Err(Problem::of("sure", "Tick the box to remove the bot user.").into())
        }
        "remove" => {
            of.run(RemoveUser(UserRef::Id(id))).map(|()| see_other(&format!("{PATH}?done=bot-removed")))
        }
        _ => Err(Refusal::BadRequest),
    };
    or_again(done, |refusal| page(of, &bot, Some(refusal)))
}

fn save(of: &SignedIn<'_>, bot: &User, input: &Input) -> Result<RawResponse, Refusal> {
    let change = UserChange { role: Some(input.parsed("role", "Role")?), ..UserChange::default() };
    of.run(UpdateUser { user: UserRef::Id(bot.id), change })?;
    Ok(see_other(&format!("{PATH}/{}?done=saved", bot.id)))
}

fn page(of: &SignedIn<'_>, bot: &User, refusal: Option<&Refusal>) -> Result<RawResponse, Refusal> {
    let offered = [Role::User, Role::Moderator, Role::Administrator];
    let own = Some(bot.role).filter(|role| !offered.contains(role));
    let label = |role: Role| (role.name().to_owned(), text::capitalized(role.name().to_owned()));
    let roles: Vec<_> = offered.into_iter().chain(own).map(label).collect();
    let role = FieldOf::new("role", "Role", refusal)
        .hint("What its key may do. A bot user never logs in to this console.");
    let body = html! {
        (tabs(bot, false))
        form method="post" {
            (field::token(&of.token))
            (role.select(&roles, bot.role.name()))
            p.actions { button type="submit" name="do" value="save" { "Save" } }
        }
        section.strip {
            h2 { "Remove bot user" }
            form method="post" {
                (field::token(&of.token))
                (field::sure("Remove the bot user, which clears its API key, too", refusal))
                p { button.danger type="submit" name="do" value="remove" { "Remove bot user" } }
            }
        }
    };
    Ok(Page { section: Section::Bots, title: &name(bot), problem: refusal, body }.answer(of))
}

pub(in crate::console) fn api_key(
    of: &SignedIn<'_>,
    id: UserId,
    method: Method,
) -> Result<RawResponse, Refusal> {
    let tab = BotKeyPage { of, bot: bot(of, id)? };
    match method {
        Method::Get => tab.page(None, None, None),
        Method::Post => {
            let input = of.form()?;
            or_again(tab.act(&input), |refusal| tab.page(Some(&input), Some(refusal), None))
        }
    }
}

struct BotKeyPage<'a> {
    of: &'a SignedIn<'a>,
    bot: User,
}

impl BotKeyPage<'_> {
    /// Question page before the key is refused.
    fn asked(&self, input: &Input) -> Option<RawResponse> {
        let (title, means, button) = match input.text("do") {
            "regenerate" => (
                "Regenerate the API key?",
                "A new key overwrites this one, which fails from then on.",
                "Regenerate API key",
            ),
            "clear" => ("Clear the API key?", "It fails from then on.", "Clear API key"),
            _ => return None,
        };
        let title = format!("{}: {title}", name(&self.bot));
        let back = format!("{PATH}/{}/api-key", self.bot.id);
        let question =
            Question { section: Section::Bots, title: &title, means, fields: &[], button, back: &back };
        question.unless_answered(self.of, input)
    }

    fn act(&self, input: &Input) -> Result<RawResponse, Refusal> {
        let key = live_key(self.of, self.bot.id)?;
        if let Some(asked) = self.asked(input).filter(|_| key.is_some()) {
            return Ok(asked);
        }
        let back = |done| Ok(see_other(&format!("{PATH}/{}/api-key?done={done}", self.bot.id)));
        let issued = |issued: KeyWithText| self.page(None, None, Some(issued.text));
        match (input.text("do"), key.map(|key| KeyRef::Id(key.id))) {
            // The key has the highest level, so that it always acts with the role of its bot.
            ("generate", _) => {
                let new = NewKey::new(*Keyspace::QRESERVE.name(), self.bot.id, Level::ALL);
                issued(self.of.run(CreateKey(new))?)
            }
            ("regenerate", Some(key)) => issued(self.of.run(RotateKey { key, grace_ms: 0 })?),
            ("clear", Some(key)) => {
                self.of.run(DeleteKey(key))?;
                back("cleared")
            }
            ("restrict", Some(key)) => {
                let allowlist: Allowlist = input.parsed("ip_addresses", "IP addresses")?;
                let change = KeyChange { allowlist: Some(allowlist), ..KeyChange::default() };
                self.of.run(UpdateKey { key, change })?;
                back("restricted")
            }
            ("regenerate" | "clear" | "restrict", None) => {
                Err(Problem::general("There is no API key any more.").into())
            }
            _ => Err(Refusal::BadRequest),
        }
    }

    fn page(
        &self,
        input: Option<&Input>,
        refusal: Option<&Refusal>,
        issued: Option<IssuedKey>,
    ) -> Result<RawResponse, Refusal> {
        let key = live_key(self.of, self.bot.id)?;
        let body = html! {
            (tabs(&self.bot, true))
            @if let Some(text) = issued { (value::shown_once(text)) }
            @match &key {
                None => {
                    p { "This bot user has no QReserve API key." }
                    (self.button("generate", "Generate a new API key", ""))
                }
                Some(key) => (self.present(key, input, refusal)),
            }
            (other_keys(self.of, &self.bot, &Keyspace::QRESERVE)?)
            (self.requests()?)
        };
        let title = format!("{}: QReserve API Key", name(&self.bot));
        Ok(Page { section: Section::Bots, title: &title, problem: refusal, body }.answer(self.of))
    }

    fn button(&self, action: &str, label: &str, class: &str) -> Markup {
        html! {
            form method="post" {
                (field::token(&self.of.token))
                p { button class=[Some(class).filter(|class| !class.is_empty())] type="submit" name="do" value=(action) { (label) } }
            }
        }
    }

    fn present(&self, key: &Key, input: Option<&Input>, refusal: Option<&Refusal>) -> Markup {
        let list = input.filter(|input| input.has("ip_addresses"));
        let list =
            list.map_or_else(|| key.allowlist.to_string(), |input| input.text("ip_addresses").to_owned());
        let hint = "Addresses or ranges in CIDR form, separated by commas, as 1.2.3.4,99.100.101.0/24. Requests from \
                    anywhere else fail as though the key were invalid. Leave blank for no restriction.";
        html! {
            dl.facts {
                dt { "API Key" } dd { (value::prefix(key)) }
                dt { "Created on" } dd { (value::moment(key.created)) }
                dt { "Last used" } dd { (value::last_use(key.usage.last)) }
            }
            form method="post" {
                (field::token(&self.of.token))
                (FieldOf::new("ip_addresses", "IP addresses", refusal).hint(hint).text(&list))
                p.actions { button type="submit" name="do" value="restrict" { "Save" } }
            }
            section.strip {
                h2 { "Replace or end the key" }
                p { "Regenerating overwrites the key: the old one fails from then on. So does a cleared one." }
                div.row {
                    (self.button("regenerate", "Regenerate API key", "quiet"))
                    (self.button("clear", "Clear API key", "danger"))
                }
            }
        }
    }

    fn requests(&self) -> Result<Markup, Refusal> {
        let command = ListRequests(UserRef::Id(self.bot.id));
        let requests = self.of.run(command)?;
        Ok(html! {
            section.strip {
                h2 { "Recent requests" }
                @if requests.is_empty() {
                    p.faint { "None since the server started." }
                } @else {
                    div.wide {
                        table {
                            caption.hidden { "Recent requests" }
                            thead { tr { (value::headings(&["Time", "Request", "Status", "From"])) } }
                            tbody { @for request in &requests { (request_row(request)) } }
                        }
                    }
                }
            }
        })
    }
}

fn request_row(request: &AnsweredRequest) -> Markup {
    html! {
        tr {
            td data-label="Time" { (value::moment(request.at)) }
            td data-label="Request" { code.path { (request.method) " " (request.path) } }
            td data-label="Status" { (request.status) }
            td data-label="From" { @if let Some(from) = request.from { (from.to_canonical()) } }
        }
    }
}

/// Links to the other keyspaces in which a user has keys, with the number of keys in each.
fn other_keys(of: &SignedIn<'_>, owner: &User, beside: &Keyspace) -> Result<Markup, Refusal> {
    let mut counts = Vec::new();
    for keyspace in Keyspace::all().filter(|keyspace| keyspace != beside) {
        let command = ListKeys {
            owner: UserRef::Id(owner.id),
            keyspace: Some(*keyspace.name()),
            after: None,
            limit: Some(COUNTED),
            texts: false,
        };
        let KeyPage { keys, next } = of.run(command)?;
        let more = if next.is_some() { " and more" } else { "" };
        if !keys.is_empty() {
            counts.push((keyspace, format!("{}{more}", keys.len())));
        }
    }
    Ok(html! {
        @if !counts.is_empty() {
            p {
                "Keys of other APIs:"
                @for (keyspace, count) in counts {
                    " " a href={ "/console/keys/" (keyspace.name()) "?owner=" (owner.id) } { (value::api(&keyspace)) } " (" (count) ")"
                }
            }
        }
    })
}
