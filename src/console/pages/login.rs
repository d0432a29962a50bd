//! Login and logout.

use maud::html;

use crate::command::SessionToken;
use crate::console::form::{Input, Problem};
use crate::console::parts::field::{self, FieldOf};
use crate::console::parts::page;
use crate::console::refusal::Refusal;
use crate::console::request::{ConsoleRequest, Method, is_plain};
use crate::console::respond::see_other;
use crate::console::signed_in::SignedIn;
use crate::http::RawResponse;
use crate::key::Password;

pub(in crate::console) fn answer(
    request: &ConsoleRequest<'_>,
    method: Method,
) -> Result<RawResponse, Refusal> {
    match method {
        Method::Get if request.service.authenticator().awaits_setup() => Ok(see_other("/console/setup")),
        Method::Get => Ok(page(request, &request.visitor()?, None, "")),
        Method::Post => log_in(request),
    }
}

fn page(
    request: &ConsoleRequest<'_>,
    visitor: &SessionToken,
    refusal: Option<&Refusal>,
    login: &str,
) -> RawResponse {
    let query = Input::of_query(&request.raw.query);
    let body = html! {
        @if query.text("done") == "logged-out" { p.notice role="status" { "You are logged out." } }
        form method="post" {
            (field::token(visitor))
            (FieldOf::new("login", "User name or e-mail address", None).input("text", login, "username", true))
            (FieldOf::new("password", "Password", None).password("current-password", true))
            p.actions { button type="submit" { "Log in" } }
        }
    };
    request.with_visitor(page::outside("Log in", refusal, &body), Some(visitor))
}

fn log_in(request: &ConsoleRequest<'_>) -> Result<RawResponse, Refusal> {
    let input = request.visitor_form()?;
    let login = input.text("login");
    let again = |refusal: &Refusal| Ok(page(request, &request.visitor()?, Some(refusal), login));
    let wrong = || Refusal::from(Problem::general("The user name or the password is wrong."));
    let Ok(password) = Password::new(input.bytes("password")) else { return again(&wrong()) };
    let caller = match request.service.authenticator().by_password(login, &password, request.raw.client) {
        Ok(caller) => caller,
        Err(error) => return again(&error.undecided().map_or_else(wrong, Refusal::from)),
    };
    let token = request.service.authenticator().begin_session(&caller)?;
    let query = Input::of_query(&request.raw.query);
    let to = Some(query.text("to")).filter(|to| is_plain(to)).unwrap_or("/console");
    Ok(request.with_visitor(request.with_session(see_other(to), Some(&token)), None))
}

pub(in crate::console) fn log_out(request: &ConsoleRequest<'_>) -> Result<RawResponse, Refusal> {
    let signed_in = SignedIn::of(request)?;
    signed_in.form()?;
    request.service.authenticator().end_session(&signed_in.token);
    Ok(request.with_session(see_other("/console/login?done=logged-out"), None))
}
