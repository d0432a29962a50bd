//! Bodies of `POST`: JSON objects. Unknown members are ignored.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Refusal;
use crate::http::RawRequest;
use crate::key::{Allowlist, AllowlistError, DisplayName, Role};

/// `POST …/bots`.
#[derive(Deserialize)]
pub(super) struct NewBotBody {
    display_name: String,
}

impl NewBotBody {
    pub(super) fn display_name(&self) -> Result<DisplayName, Refusal> {
        name(&self.display_name)
    }
}

/// `POST …/bots/{user}`.
#[derive(Deserialize)]
pub(super) struct BotBody {
    role: Option<String>,
    display_name: Option<String>,
}

impl BotBody {
    pub(super) fn role(&self) -> Result<Option<Role>, Refusal> {
        match self.role.as_deref() {
            None => Ok(None),
            Some("user") => Ok(Some(Role::User)),
            Some("moderator") => Ok(Some(Role::Moderator)),
            Some("administrator") => Ok(Some(Role::Administrator)),
            Some(_) => malformed("role must be user, moderator or administrator"),
        }
    }

    pub(super) fn display_name(&self) -> Result<Option<DisplayName>, Refusal> {
        self.display_name.as_deref().map(name).transpose()
    }
}

/// `POST …/ip_addresses`.
#[derive(Deserialize)]
pub(super) struct IpAddressesBody {
    ip_addresses: String,
}

impl IpAddressesBody {
    /// The list, refused whole when an item is wrong.
    pub(super) fn allowlist(&self) -> Result<Allowlist, Refusal> {
        self.ip_addresses.parse().map_err(|error: AllowlistError| Refusal::Malformed(error.to_string()))
    }
}

/// The body as `T`.
///
/// # Errors
/// [`Refusal::Malformed`], which does not repeat what was sent.
pub(super) fn body<T: DeserializeOwned>(request: &RawRequest) -> Result<T, Refusal> {
    if !request.media_type().eq_ignore_ascii_case("application/json") {
        return malformed("The content type must be application/json");
    }
    let bytes = request.body.bytes();
    // An object, before serde takes an array for one.
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(bytes).or_else(|_| malformed("The body must be a JSON object"))?;
    serde_json::from_value(members.into()).or_else(|_| malformed("A field is missing or has the wrong type"))
}

/// A body without anything that counts, at least `{}`.
///
/// # Errors
/// [`Refusal::Malformed`].
pub(super) fn empty(request: &RawRequest) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Nothing {}
    body(request).map(|Nothing {}| ())
}

fn name(text: &str) -> Result<DisplayName, Refusal> {
    text.parse().map_err(|error: crate::key::ParseError| Refusal::Malformed(format!("display_{error}")))
}

fn malformed<T>(what: &str) -> Result<T, Refusal> {
    Err(Refusal::Malformed(what.to_owned()))
}
