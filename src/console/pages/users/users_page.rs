//! Config, Users: the list of users, with the API key of each user who has API access; and the page that adds a user.

use maud::{Markup, html};

use crate::command::AddUser;
use crate::console::form::Input;
use crate::console::form::new_password;
use crate::console::pages::users::user_list::{ListOptions, Sort, UserRows, search};
use crate::console::parts::field::{self, FieldOf};
use crate::console::parts::page::{Page, Section};
use crate::console::parts::text;
use crate::console::parts::value;
use crate::console::refusal::Refusal;
use crate::console::request::Method;
use crate::console::respond::see_other;
use crate::console::signed_in::SignedIn;
use crate::engine::{NewKind, NewUser};
use crate::http::RawResponse;
use crate::key::{Company, IssuedKey, Issuing, Key, Keyspace, Role, User, UserKind};

const PATH: &str = "/console/config/users";

pub(in crate::console) fn config(of: &SignedIn<'_>) -> Result<RawResponse, Refusal> {
    let body = html! {
        ul.cards {
            li {
                a href=(PATH) { "Users" }
                p { "Names, roles, passwords, and who has API access." }
            }
            @if of.is_administrator() {
                li {
                    a href="/console/bots" { "Bots" }
                    p { "Bot users and the API key of each." }
                }
            }
        }
    };
    Ok(Page { section: Section::Config, title: "Config", problem: None, body }.answer(of))
}

pub(in crate::console) fn page(of: &SignedIn<'_>) -> Result<RawResponse, Refusal> {
    let options = ListOptions::read(&of.query());
    let shown = UserRows::of(of.visible_users()?, &options);
    let keys = shown.rows.iter().map(|user| Ok((access_key(of, user)?, of.key_count(user.id)?)));
    let keys = keys.collect::<Result<Vec<_>, Refusal>>()?;
    let heading = |sort, label| options.heading(PATH, sort, label);
    let body = html! {
        div.bar {
            (search(PATH, &options, "Search users"))
            @if of.is_administrator() { a.button href={ (PATH) "/new" } { "Add User" } }
        }
        div.wide {
            table {
                caption.hidden { "Users" }
                thead {
                    tr {
                        (heading(Sort::Name, "Name"))
                        (heading(Sort::Access, "TelVue API Key"))
                        th scope="col" { "Keys" }
                        (heading(Sort::Email, "E-mail"))
                        (heading(Sort::Role, "Role"))
                        (heading(Sort::Status, "Status"))
                        (heading(Sort::Created, "Created on"))
                        th scope="col" { "Edit" }
                    }
                }
                tbody #rows {
                    @for (user, (key, count)) in shown.rows.iter().zip(keys) {
                        (row(user, key.and_then(|(_, text)| text), count))
                    }
                }
            }
        }
        @if shown.rows.is_empty() { p.faint { "No user matches." } }
        (shown.pager(PATH, &options))
    };
    Ok(Page { section: Section::Config, title: "Users", problem: None, body }.answer(of))
}

fn row(user: &User, key: Option<IssuedKey>, count: Option<String>) -> Markup {
    let address = format!("{PATH}/{}", user.id);
    html! {
        tr {
            th scope="row" {
                a href=(address) { (text::words(user.username.as_str())) }
                @if let Some(name) = &user.display_name { span.under { (text::words(name.as_str())) } }
            }
            td data-label="TelVue API Key" { @if let Some(key) = key { code { (*key.reveal()) } } }
            td data-label="Keys" {
                @if let Some(count) = count { a href={ "/console/keys/native?owner=" (user.id) } { (count) } }
            }
            td data-label="E-mail" { @if let Some(email) = &user.email { (text::words(email.as_str())) } }
            td data-label="Role" {
                span.word { (user.role.name()) }
                @if user.is_account() { " (account of its company)" } @else if user.kind == UserKind::Bot { " (bot)" }
            }
            td data-label="Status" { (value::status(user.status)) }
            td data-label="Created on" { (value::moment(user.created)) }
            td { a href=(address) aria-label={ "Edit " (user.username) } { "Edit" } }
        }
    }
}

/// Key that a user has with API access, and its text if the logged-in user may see it.
pub(in crate::console) fn access_key(
    of: &SignedIn<'_>,
    user: &User,
) -> Result<Option<(Key, Option<IssuedKey>)>, Refusal> {
    let keyspace = Keyspace::all().find(|keyspace| keyspace.issuing() == Issuing::WithAccess);
    match keyspace.filter(|_| user.api_access) {
        Some(keyspace) => of.live_key(user.id, &keyspace),
        None => Ok(None),
    }
}

pub(in crate::console) fn add(of: &SignedIn<'_>, method: Method) -> Result<RawResponse, Refusal> {
    of.administrator()?;
    match method {
        Method::Get => add_page(of, None, None),
        Method::Post => {
            let input = of.form()?;
            let added = new_user(&input).and_then(|new| of.run(AddUser(new)));
            match added {
                Ok(user) => Ok(see_other(&format!("{PATH}/{}?done=added", user.id))),
                Err(refusal) => add_page(of, Some(&input), Some(&refusal)),
            }
        }
    }
}

fn new_user(input: &Input) -> Result<NewUser, Refusal> {
    Ok(NewUser {
        username: Some(input.parsed("username", "User name")?),
        display_name: input.optional("display_name", "Name")?,
        email: input.optional("email", "E-mail address")?,
        kind: NewKind::Person { password: new_password(input)? },
        role: input.parsed("role", "Role")?,
        company: input.optional("company", "Company")?,
    })
}

fn add_page(
    of: &SignedIn<'_>,
    input: Option<&Input>,
    refusal: Option<&Refusal>,
) -> Result<RawResponse, Refusal> {
    let typed = |name| input.map_or("", |input| input.text(name));
    let role = if typed("role").is_empty() { Role::User.name() } else { typed("role") };
    let field = |name, label| FieldOf::new(name, label, refusal);
    let body = html! {
        form method="post" {
            (field::token(&of.token))
            (field("username", "User name").hint("For logging in: letters, digits and . _ + -").needed(typed("username")))
            (field("display_name", "Name").text(typed("display_name")))
            (field("email", "E-mail address").input("email", typed("email"), "off", false))
            (field("role", "Role").select(&roles(), role))
            (field("company", "Company").select(&company_options(&of.companies()?), typed("company")))
            (field("password", "Password").hint("Without one there is no login.").password("new-password", false))
            (field("password_again", "Password again").password("new-password", false))
            p.actions {
                button type="submit" { "Add User" }
                " "
                a href=(PATH) { "Cancel" }
            }
        }
    };
    Ok(Page { section: Section::Config, title: "Add User", problem: refusal, body }.answer(of))
}

/// Roles, highest first.
pub(in crate::console) fn roles() -> Vec<(String, String)> {
    let named = |role: Role| (role.name().to_owned(), format!("{} (level {})", role.name(), role.level()));
    Role::ALL.into_iter().rev().map(named).collect()
}

pub(in crate::console) fn company_options(companies: &[Company]) -> Vec<(String, String)> {
    let none = (String::new(), "None".to_owned());
    let named = companies.iter().map(|company| (company.id.to_string(), company.name.to_string()));
    [none].into_iter().chain(named).collect()
}
