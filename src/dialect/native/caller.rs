//! Callers over the network.

use super::Refusal;
use crate::command::{AuthenticateError, Caller, Service};
use crate::dialect::denial::{Denial, key_for};
use crate::http::{Authorization, Head};
use crate::key::{Keyspace, Level, Password};

/// The caller that presents a native key, or a name and a password by HTTP Basic.
///
/// # Errors
/// [`Refusal::Denied`] for a key and [`Refusal::Login`] for a name, alike whatever is wrong with what was presented.
pub(super) fn caller(service: &Service, head: &Head<'_>) -> Result<Caller, Refusal> {
    let client = head.client;
    match Authorization::of(head) {
        Authorization::Basic { name, password } if !is_key(&name) => {
            let password = Password::new(password.as_bytes());
            let password = password.map_err(|_| Refusal::Login)?;
            service.authenticator().by_password(&name, &password, client).map(Caller::from).map_err(|error| {
                match error {
                    AuthenticateError::Undecided(error) => error.into(),
                    AuthenticateError::Key(_)
                    | AuthenticateError::Password
                    | AuthenticateError::NotActive(_) => Refusal::Login,
                }
            })
        }
        Authorization::None
        | Authorization::Bearer(_)
        | Authorization::Basic { .. }
        | Authorization::Malformed => {
            let key = key_for(&Keyspace::NATIVE, head, []).map_err(|_| Refusal::Denied(Denial::TwoKeys))?;
            let key = key.ok_or(Refusal::Denied(Denial::NoKey))?;
            service.authenticator().by_key(&Keyspace::NATIVE, key.reveal(), client).map_err(|error| {
                match error {
                    AuthenticateError::Key(reason) => {
                        tracing::debug!(reason = reason.code(), "native: key denied");
                        Refusal::Denied(Denial::of(reason, Level::AUTHENTICATE))
                    }
                    AuthenticateError::Password | AuthenticateError::NotActive(_) => {
                        Refusal::Denied(Denial::InvalidKey)
                    }
                    AuthenticateError::Undecided(error) => Refusal::undecided(&error),
                }
            })
        }
    }
}

/// Whether a name is a key text, which needs no password.
fn is_key(name: &str) -> bool {
    Keyspace::NATIVE.format().parse(name).is_ok()
}
