//! First visit: the form that makes the first administrator.

use maud::html;

use crate::command::{SessionToken, SetupError};
use crate::console::form::{Input, Problem, new_password};
use crate::console::parts::field::{self, FieldOf};
use crate::console::parts::page;
use crate::console::refusal::Refusal;
use crate::console::request::{ConsoleRequest, Method};
use crate::console::respond::see_other;
use crate::http::RawResponse;

pub(in crate::console) fn answer(
    request: &ConsoleRequest<'_>,
    method: Method,
) -> Result<RawResponse, Refusal> {
    if !request.service.authenticator().awaits_setup() {
        return Ok(see_other("/console/login"));
    }
    match method {
        Method::Get => Ok(page(request, &request.visitor()?, None, "admin")),
        Method::Post => {
            let input = request.visitor_form()?;
            match set_up(request, &input) {
                Ok(token) => {
                    let answer = request.with_session(see_other("/console?done=set-up"), Some(&token));
                    Ok(request.with_visitor(answer, None))
                }
                Err(refusal) => {
                    Ok(page(request, &request.visitor()?, Some(&refusal), input.text("username")))
                }
            }
        }
    }
}

fn set_up(request: &ConsoleRequest<'_>, input: &Input) -> Result<SessionToken, Refusal> {
    let name = input.parsed("username", "User name")?;
    let password = new_password(input)?.ok_or_else(|| Problem::of("password", "Choose a password."))?;
    match request.service.authenticator().set_up(input.text("code"), name, password, request.raw.client) {
        Ok(caller) => Ok(request.service.authenticator().begin_session(&caller)?),
        Err(SetupError::WrongCode) => {
            Err(Problem::of("code", "The code is not the one that the server printed.").into())
        }
        Err(SetupError::Over) => Err(Problem::general("An administrator exists already: log in.").into()),
        Err(SetupError::Engine(error)) => Err(error.into()),
    }
}

fn page(
    request: &ConsoleRequest<'_>,
    visitor: &SessionToken,
    refusal: Option<&Refusal>,
    name: &str,
) -> RawResponse {
    let body = html! {
        p { "There is no administrator yet. When the server started, it printed a one-time code on standard error." }
        form method="post" {
            (field::token(visitor))
            (FieldOf::new("code", "One-time code", refusal).needed(""))
            (FieldOf::new("username", "User name", refusal).input("text", name, "username", true))
            (FieldOf::new("password", "Password", refusal).password("new-password", true))
            (FieldOf::new("password_again", "Password again", refusal).password("new-password", true))
            p.actions { button type="submit" { "Make the administrator" } }
        }
    };
    request.with_visitor(page::outside("Set up keyward", refusal, &body), Some(visitor))
}
