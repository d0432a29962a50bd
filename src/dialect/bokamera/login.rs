//! Logging in, and being logged in.

use super::Exchange;
use super::record::{Namespace, Record, Value};
use super::refusal::Wrong;
use crate::command::{Audience, Caller};
use crate::http::Authorization;
use crate::key::{Password, User};

/// Whoever is logged in: by a token, or by name and password.
///
/// # Errors
/// [`Wrong::NotAuthenticated`], whatever is wrong with it; [`Wrong::Unavailable`] and the like when that could not be
/// told.
pub(super) fn caller(exchange: &Exchange<'_>) -> Result<Caller, Wrong> {
    let (service, client) = (exchange.service, exchange.request.client);
    let session = exchange.request.header("x-ss-id");
    let caller = match (Authorization::of(&exchange.request.head()), session) {
        (Authorization::Bearer(token), _) => {
            service.authenticator().by_token(&token, Audience::BokaMera, client)
        }
        (Authorization::Basic { name, password }, _) => {
            let password = Password::new(password.as_bytes()).map_err(|_| Wrong::NotAuthenticated)?;
            service.authenticator().by_password(&name, &password, client).map(Caller::from)
        }
        (Authorization::None, Some(token)) => {
            service.authenticator().by_token(token, Audience::BokaMera, client)
        }
        (Authorization::None | Authorization::Malformed, _) => return Err(Wrong::NotAuthenticated),
    };
    caller.map_err(|error| Wrong::of_login(error, Wrong::NotAuthenticated))
}

/// `Authenticate`: a token for a name and a password, or what the caller is logged in as.
pub(super) fn authenticate(exchange: &Exchange<'_>) -> Result<Record, Wrong> {
    let input = exchange.input("Authenticate")?;
    let (Some(name), Some(password)) = (input.text("UserName")?, input.text("Password")?) else {
        let caller = caller(exchange)?;
        return Ok(record(&exchange.user(&caller)?, None));
    };
    let password = Password::new(password.as_bytes()).map_err(|_| Wrong::Login)?;
    let caller = exchange.service.authenticator().by_password(name, &password, exchange.request.client);
    let caller = caller.map_err(|error| Wrong::of_login(error, Wrong::Login))?;
    let token = exchange.service.authenticator().token(&caller, Audience::BokaMera)?;
    Ok(record(&exchange.user(&caller)?, Some(&token)))
}

fn record(user: &User, token: Option<&str>) -> Record {
    let shown = user.display_name.as_ref().map_or("", |name| name.as_str());
    let token = || token.map_or(Value::Text(None), Value::text);
    let fields = vec![
        ("UserId", Value::text(user.id.to_string())),
        ("SessionId", token()),
        ("UserName", Value::text(user.username.as_str())),
        ("DisplayName", Value::text_or_null(shown)),
        ("BearerToken", token()),
        ("ResponseStatus", Value::Status(None)),
    ];
    Record { name: "AuthenticateResponse", namespace: Namespace::Types, fields }
}
