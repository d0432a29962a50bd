//! Bot users: their list, and a form that creates one.

use maud::html;

use crate::command::AddUser;
use crate::console::form::Input;
use crate::console::pages::users::user_list::{ListOptions, Sort, UserRows, search};
use crate::console::parts::field::{self, FieldOf};
use crate::console::parts::page::{Page, Section, or_again};
use crate::console::parts::text;
use crate::console::parts::value;
use crate::console::refusal::Refusal;
use crate::console::respond::see_other;
use crate::console::signed_in::SignedIn;
use crate::engine::{NewKind, NewUser};
use crate::http::RawResponse;
use crate::key::{Key, Keyspace, Role, User, UserId, UserKind};

pub(in crate::console) const PATH: &str = "/console/bots";

/// Display name of a bot.
pub(in crate::console) fn name(bot: &User) -> String {
    bot.name().to_owned()
}

/// Live key of a bot, if it has one.
pub(in crate::console) fn live_key(of: &SignedIn<'_>, bot: UserId) -> Result<Option<Key>, Refusal> {
    Ok(of.live_key(bot, &Keyspace::QRESERVE)?.map(|(key, _)| key))
}

pub(in crate::console) fn page(of: &SignedIn<'_>, refusal: Option<&Refusal>) -> Result<RawResponse, Refusal> {
    of.administrator()?;
    let options = ListOptions::read(&of.query());
    let mut bots = of.visible_users()?;
    bots.retain(|user| user.kind == UserKind::Bot && !user.is_account());
    let shown = UserRows::of(bots, &options);
    let keys = shown.rows.iter().map(|bot| live_key(of, bot.id)).collect::<Result<Vec<_>, _>>()?;
    let body = html! {
        p { "A bot user acts through the API alone, with a key of its own." }
        form.line method="post" {
            (field::token(&of.token))
            (FieldOf::new("name", "Name", refusal).needed(""))
            button type="submit" { "Create bot user" }
        }
        (search(PATH, &options, "Search bots"))
        div.wide {
            table {
                caption.hidden { "Bots" }
                thead {
                    tr {
                        (options.heading(PATH, Sort::Name, "Name"))
                        (options.heading(PATH, Sort::Role, "Role"))
                        (value::headings(&["QReserve key", "IP restriction", "Last used"]))
                    }
                }
                tbody #rows {
                    @for (bot, key) in shown.rows.iter().zip(&keys) {
                        tr {
                            th scope="row" { a href={ (PATH) "/" (bot.id) } { (text::words(bot.name())) } }
                            td data-label="Role" { (bot.role.name()) }
                            td data-label="QReserve key" {
                                @if let Some(key) = key { (value::prefix(key)) } @else { span.faint { "none" } }
                            }
                            td data-label="IP restriction" { @if let Some(key) = key { (value::networks(&key.allowlist)) } }
                            td data-label="Last used" {
                                @if let Some(key) = key { (value::last_use(key.usage.last)) }
                            }
                        }
                    }
                }
            }
        }
        @if shown.rows.is_empty() { p.faint { "There is no such bot." } }
        (shown.pager(PATH, &options))
    };
    Ok(Page { section: Section::Bots, title: "Bots", problem: refusal, body }.answer(of))
}

pub(in crate::console) fn create(of: &SignedIn<'_>) -> Result<RawResponse, Refusal> {
    of.administrator()?;
    let input = of.form()?;
    or_again(added(of, &input), |refusal| page(of, Some(refusal)))
}

fn added(of: &SignedIn<'_>, input: &Input) -> Result<RawResponse, Refusal> {
    let name = input.parsed("name", "Name")?;
    let new = NewUser {
        username: None,
        display_name: Some(name),
        email: None,
        kind: NewKind::Bot,
        role: Role::User,
        company: of.user.company,
    };
    let bot = of.run(AddUser(new))?;
    Ok(see_other(&format!("{PATH}/{}?done=bot-added", bot.id)))
}
