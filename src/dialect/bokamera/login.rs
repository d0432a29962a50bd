//! Logins of BokaMera's API.

use super::RequestContext;
use super::record::{Namespace, Record, Value};
use super::refusal::Refusal;
use crate::command::{Audience, Caller};
use crate::http::Authorization;
use crate::key::{Password, User};

/// The caller that is logged in: by a token, or by name and password.
///
/// # Errors
/// [`Refusal::NotAuthenticated`], whatever is wrong with it; [`Refusal::Unavailable`] and the like when that could not be
/// told.
pub(super) fn caller(context: &RequestContext<'_>) -> Result<Caller, Refusal> {
    let (service, client) = (context.service, context.request.client);
    let session = context.request.header("x-ss-id");
    let caller = match (Authorization::of(&context.request.head()), session) {
        (Authorization::Bearer(token), _) => {
            service.authenticator().by_token(&token, Audience::BokaMera, client)
        }
        (Authorization::Basic { name, password }, _) => {
            let password = Password::new(password.as_bytes()).map_err(|_| Refusal::NotAuthenticated)?;
            service.authenticator().by_password(&name, &password, client).map(Caller::from)
        }
        (Authorization::None, Some(token)) => {
            service.authenticator().by_token(token, Audience::BokaMera, client)
        }
        (Authorization::None | Authorization::Malformed, _) => return Err(Refusal::NotAuthenticated),
    };
    caller.map_err(|error| Refusal::of_login(error, Refusal::NotAuthenticated))
}

/// `Authenticate`: a token for a name and a password, or what the caller is logged in as.
pub(super) fn authenticate(context: &RequestContext<'_>) -> Result<Record, Refusal> {
    let input = context.input("Authenticate")?;
    let (Some(name), Some(password)) = (input.text("UserName")?, input.text("Password")?) else {
        let caller = caller(context)?;
        return Ok(record(&context.user(&caller)?, None));
    };
    let password = Password::new(password.as_bytes()).map_err(|_| Refusal::Login)?;
    let caller = context.service.authenticator().by_password(name, &password, context.request.client);
    let caller = caller.map_err(|error| Refusal::of_login(error, Refusal::Login))?;
    let token = context.service.authenticator().token(&caller, Audience::BokaMera)?;
    Ok(record(&context.user(&caller)?, Some(&token)))
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
