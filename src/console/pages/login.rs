//! Logging in and out.

use maud::html;

use crate::command::SessionToken;
use crate::console::form::{Input, Problem};
use crate::console::parts::page::{self, see_other};
use crate::console::parts::pieces::{self, FieldOf};
use crate::console::refusal::Refusal;
use crate::console::request::Visit;
use crate::console::route::Method;
use crate::http::RawResponse;
use crate::key::Password;

/// Where whoever is not logged in goes, and how they come back.
pub(in crate::console) fn address_back_to(visit: &Visit<'_>) -> String {
    if visit.service.authenticator().awaits_setup() {
        return "/console/setup".to_owned();
    }
    let path = visit.request.path.as_str();
    if visit.request.method == "GET" && path != "/console" && is_plain(path) {
        format!("/console/login?to={path}")
    } else {
        "/console/login".to_owned()
    }
}

/// Whether it is an address of ours that means nothing else in a query or a header field.
fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte);
    path.starts_with("/console") && path.bytes().all(plain)
}

pub(in crate::console) fn answer(visit: &Visit<'_>, method: Method) -> Result<RawResponse, Refusal> {
    match method {
        Method::Get if visit.service.authenticator().awaits_setup() => Ok(see_other("/console/setup")),
        Method::Get => Ok(page(visit, &visit.visitor()?, None, "")),
        Method::Post => log_in(visit),
    }
}

fn page(visit: &Visit<'_>, visitor: &SessionToken, refusal: Option<&Refusal>, login: &str) -> RawResponse {
    let query = Input::of_query(&visit.request.query);
    let body = html! {
        @if query.text("done") == "logged-out" { p.notice role="status" { "You are logged out." } }
        form method="post" {
            (pieces::token(visitor))
            (FieldOf::new("login", "User name or e-mail address", None).input("text", login, "username", true))
            (FieldOf::new("password", "Password", None).password("current-password", true))
            p.actions { button type="submit" { "Log in" } }
        }
    };
    visit.with_visitor(page::outside("Log in", refusal, &body), Some(visitor))
}

fn log_in(visit: &Visit<'_>) -> Result<RawResponse, Refusal> {
    let input = visit.visitor_form()?;
    let login = input.text("login");
    let again = |refusal: &Refusal| Ok(page(visit, &visit.visitor()?, Some(refusal), login));
    let wrong = || Refusal::from(Problem::general("The user name or the password is wrong."));
    let Ok(password) = Password::new(input.bytes("password")) else { return again(&wrong()) };
    let caller = match visit.service.authenticator().by_password(login, &password, visit.request.client) {
        Ok(caller) => caller,
        Err(error) => return again(&error.undecided().map_or_else(wrong, Refusal::from)),
    };
    let token = visit.service.authenticator().begin_session(&caller)?;
    let query = Input::of_query(&visit.request.query);
    let to = Some(query.text("to")).filter(|to| is_plain(to)).unwrap_or("/console");
    Ok(visit.with_visitor(visit.with_session(see_other(to), Some(&token)), None))
}

pub(in crate::console) fn log_out(visit: &Visit<'_>) -> Result<RawResponse, Refusal> {
    let signed_in = visit.signed_in()?;
    signed_in.form()?;
    visit.service.authenticator().end_session(&signed_in.token);
    Ok(visit.with_session(see_other("/console/login?done=logged-out"), None))
}
