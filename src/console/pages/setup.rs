//! The first visit to an empty store: making the administrator.

use maud::html;

use crate::command::{SessionToken, SetupError};
use crate::console::form::{Input, Problem};
use crate::console::parts::page::{self, see_other};
use crate::console::parts::pieces::{self, FieldOf};
use crate::console::refusal::Refusal;
use crate::console::request::Visit;
use crate::console::route::Method;
use crate::http::RawResponse;
use crate::key::Password;

pub(in crate::console) fn answer(visit: &Visit<'_>, method: Method) -> Result<RawResponse, Refusal> {
    if !visit.service.authenticator().awaits_setup() {
        return Ok(see_other("/console/login"));
    }
    match method {
        Method::Get => Ok(page(visit, &visit.visitor()?, None, "admin")),
        Method::Post => {
            let input = visit.visitor_form()?;
            match set_up(visit, &input) {
                Ok(token) => {
                    let answer = visit.with_session(see_other("/console?done=set-up"), Some(&token));
                    Ok(visit.with_visitor(answer, None))
                }
                Err(refusal) => Ok(page(visit, &visit.visitor()?, Some(&refusal), input.text("username"))),
            }
        }
    }
}

fn set_up(visit: &Visit<'_>, input: &Input) -> Result<SessionToken, Refusal> {
    let name = input.parsed("username", "User name")?;
    let password = new_password(input)?.ok_or_else(|| Problem::of("password", "Choose a password."))?;
    match visit.service.authenticator().set_up(input.text("code"), name, password, visit.request.client) {
        Ok(caller) => Ok(visit.service.authenticator().begin_session(&caller)?),
        Err(SetupError::WrongCode) => {
            Err(Problem::of("code", "The code is not the one that the server printed.").into())
        }
        Err(SetupError::Over) => Err(Problem::general("There is an administrator already: log in.").into()),
        Err(SetupError::Engine(error)) => Err(error.into()),
    }
}

/// The password that was typed twice, if one was.
pub(in crate::console) fn new_password(input: &Input) -> Result<Option<Password>, Problem> {
    let (first, again) = (input.bytes("password"), input.bytes("password_again"));
    if first.is_empty() && again.is_empty() {
        return Ok(None);
    }
    if first != again {
        return Err(Problem::of("password_again", "The two passwords are not the same."));
    }
    Password::chosen(first)
        .map(Some)
        .map_err(|error| Problem::of("password", format!("Password: {}.", error.problem)))
}

fn page(visit: &Visit<'_>, visitor: &SessionToken, refusal: Option<&Refusal>, name: &str) -> RawResponse {
    let body = html! {
        p { "Nobody is here yet. The server printed a one-time code when it started, on standard error." }
        form method="post" {
            (pieces::token(visitor))
            (FieldOf::new("code", "One-time code", refusal).needed(""))
            (FieldOf::new("username", "User name", refusal).input("text", name, "username", true))
            (FieldOf::new("password", "Password", refusal).password("new-password", true))
            (FieldOf::new("password_again", "Password again", refusal).password("new-password", true))
            p.actions { button type="submit" { "Make the administrator" } }
        }
    };
    visit.with_visitor(page::outside("Set up keyward", refusal, &body), Some(visitor))
}
