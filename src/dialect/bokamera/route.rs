//! Addresses: the documented ones, and those that ServiceStack has for every operation.

use super::Refusal;
use super::format::Format;
use super::refusal::Wrong;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    CreateApiKey,
    ApiKeyQuery,
    UpdateApiKey,
    CancelApiKey,
    Authenticate,
    Version,
}

impl Operation {
    /// Its name, which is the one of its request.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::CreateApiKey => "CreateApiKey",
            Self::ApiKeyQuery => "ApiKeyQuery",
            Self::UpdateApiKey => "UpdateApiKey",
            Self::CancelApiKey => "CancelApiKey",
            Self::Authenticate => "Authenticate",
            Self::Version => "Version",
        }
    }

    /// The operation that a predefined address names, in whatever case.
    fn named(name: &str) -> Option<Self> {
        let all = [Self::CreateApiKey, Self::ApiKeyQuery, Self::Authenticate];
        all.into_iter().find(|operation| operation.name().eq_ignore_ascii_case(name))
    }

    /// Methods at its predefined addresses, as the `Allow` header field lists them.
    const fn predefined_methods(self) -> &'static str {
        match self {
            Self::CreateApiKey => "POST",
            Self::ApiKeyQuery | Self::Authenticate => "GET, HEAD, POST",
            Self::UpdateApiKey => "PUT",
            Self::CancelApiKey => "DELETE",
            Self::Version => "GET, HEAD",
        }
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// `/apikeys`
    Keys,
    /// `/apikeys/{ApiKey}`
    Key(&'a str),
    /// `/authenticate`
    Authenticate,
    /// `/version`
    Version,
    /// `/api/{operation}`, `/{format}/reply/{operation}`
    Predefined(Operation),
    /// `/metadata`, `/{format}/metadata`
    Metadata,
}

/// What a path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub(super) target: Target<'a>,
    /// The format that its end or its beginning names.
    pub(super) format: Option<Format>,
    /// What counts where neither that nor the query names one: `Accept`, or what the address stands for.
    pub(super) otherwise: Otherwise,
}

/// Where the format comes from when nothing names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    Accept,
    Fixed(Format),
}

/// Whether a path is this API's. FreeSewing's are below `/apikeys/`, too, and are asked for before; everything else below
/// `/api/` is filebin's.
pub(super) fn is_claimed(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    match [segments.next(), segments.next(), segments.next(), segments.next()] {
        [Some(one), None, ..] => {
            ["apikeys", "authenticate", "version", "metadata"].contains(&suffixed(one).0)
        }
        [Some("apikeys"), Some(_), None, _] => true,
        [Some("api"), Some(name), None, _] => Operation::named(suffixed(name).0).is_some(),
        [Some(format), Some("metadata"), None, _] | [Some(format), Some("reply"), Some(_), None] => {
            Format::named(format).is_some()
        }
        _ => false,
    }
}

/// Reads a path.
///
/// # Errors
/// [`Wrong::NoSuchAddress`].
pub(super) fn read(path: &str) -> Result<Route<'_>, Refusal> {
    let mut segments = path.split('/').skip(1);
    let route = match [segments.next(), segments.next(), segments.next(), segments.next()] {
        [Some(one), None, ..] => {
            let (name, format) = suffixed(one);
            let target = match name {
                "apikeys" => Some(Target::Keys),
                "authenticate" => Some(Target::Authenticate),
                "version" => Some(Target::Version),
                "metadata" => Some(Target::Metadata),
                _ => None,
            };
            target.map(|target| Route { target, format, otherwise: Otherwise::Accept })
        }
        [Some("apikeys"), Some(key), None, _] => {
            let (key, format) = suffixed(key);
            Some(Route { target: Target::Key(key), format, otherwise: Otherwise::Accept })
        }
        [Some("api"), Some(name), None, _] => {
            let (name, format) = suffixed(name);
            predefined(name, format, Format::Json)
        }
        [Some(format), Some("reply"), Some(name), None] => {
            Format::named(format).and_then(|format| predefined(name, None, format))
        }
        [Some(_), Some("metadata"), None, _] => {
            Some(Route { target: Target::Metadata, format: None, otherwise: Otherwise::Accept })
        }
        _ => None,
    };
    route.ok_or_else(|| Wrong::NoSuchAddress.into())
}

fn predefined(name: &str, format: Option<Format>, usual: Format) -> Option<Route<'_>> {
    let target = Target::Predefined(Operation::named(name)?);
    Some(Route { target, format, otherwise: Otherwise::Fixed(usual) })
}

/// A segment without the format at its end, and that.
fn suffixed(segment: &str) -> (&str, Option<Format>) {
    let split = segment.rsplit_once('.').and_then(|(name, end)| Some((name, Format::named(end)?)));
    split.map_or((segment, None), |(name, format)| (name, Some(format)))
}

impl Target<'_> {
    /// The operation that a method asks for here.
    ///
    /// # Errors
    /// [`Wrong::Method`].
    pub(super) fn operation(self, method: &str) -> Result<Operation, Refusal> {
        let get = matches!(method, "GET" | "HEAD");
        let found = match self {
            Self::Keys if method == "POST" => Some(Operation::CreateApiKey),
            Self::Keys if get => Some(Operation::ApiKeyQuery),
            Self::Key(_) if method == "PUT" => Some(Operation::UpdateApiKey),
            Self::Key(_) if method == "DELETE" => Some(Operation::CancelApiKey),
            Self::Authenticate if get || method == "POST" => Some(Operation::Authenticate),
            Self::Version if get => Some(Operation::Version),
            Self::Predefined(operation) if method == "POST" => Some(operation),
            Self::Predefined(operation) if get && operation != Operation::CreateApiKey => Some(operation),
            Self::Keys
            | Self::Key(_)
            | Self::Authenticate
            | Self::Version
            | Self::Predefined(_)
            | Self::Metadata => None,
        };
        found.ok_or_else(|| Wrong::Method { allowed: self.methods() }.into())
    }

    pub(super) const fn methods(self) -> &'static str {
        match self {
            Self::Keys | Self::Authenticate => "GET, HEAD, POST",
            Self::Key(_) => "PUT, DELETE",
            Self::Version | Self::Metadata => "GET, HEAD",
            Self::Predefined(operation) => operation.predefined_methods(),
        }
    }
}
