//! Addresses: the documented ones, and those that ServiceStack has for every operation. Their words are read in any case,
//! and a slash at the end says nothing.

use super::RefusedRequest;
use super::format::Format;
use super::operation::Operation;
use super::refusal::Refusal;
use crate::dialect::Specificity;

/// Target of a path.
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
    /// `/types/{language}`
    Types(&'a str),
}

/// Route: the target of a path, and the format that the path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub(super) target: Target<'a>,
    /// The format that its end or its beginning names.
    pub(super) format: Option<Format>,
    /// The source of the format where neither the address nor the query names one: `Accept`, or the address itself.
    pub(super) otherwise: Otherwise,
}

/// Format of an answer when the request names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    Accept,
    Fixed(Format),
}

/// A path among this API's.
enum Claimed<'a> {
    Route(Route<'a>),
    /// No other API has what is below, but there is nothing here.
    Nothing,
}

/// Whether a path is this API's.
pub(super) fn is_claimed(path: &str) -> bool {
    claimed(path).is_some()
}

/// Specificity of the claim to a path.
pub(super) fn specificity(path: &str) -> Specificity {
    match claimed(path) {
        Some(Claimed::Route(Route { target: Target::Key(_) | Target::Types(_), .. })) => {
            Specificity::Pattern { literals: 1 }
        }
        Some(Claimed::Route(_)) => Specificity::Exact,
        Some(Claimed::Nothing) | None => Specificity::Pattern { literals: 2 },
    }
}

/// Reads a path.
///
/// # Errors
/// [`Refusal::NoSuchAddress`].
pub(super) fn read(path: &str) -> Result<Route<'_>, RefusedRequest> {
    match claimed(path) {
        Some(Claimed::Route(route)) => Ok(route),
        Some(Claimed::Nothing) | None => Err(Refusal::NoSuchAddress.into()),
    }
}

fn claimed(path: &str) -> Option<Claimed<'_>> {
    let mut segments = path.strip_suffix('/').unwrap_or(path).split('/').skip(1);
    let segments = [segments.next(), segments.next(), segments.next(), segments.next()];
    let is = |segment: &str, word: &str| segment.eq_ignore_ascii_case(word);
    let accepting = |target, format| Route { target, format, otherwise: Otherwise::Accept };
    let route = match segments {
        [Some(one), None, ..] => {
            let (name, format) = suffixed(one);
            let known = [
                ("apikeys", Target::Keys),
                ("authenticate", Target::Authenticate),
                ("version", Target::Version),
                ("metadata", Target::Metadata),
            ];
            known.into_iter().find(|(word, _)| is(name, word)).map(|(_, target)| accepting(target, format))
        }
        [Some(apikeys), Some(key), None, _] if is(apikeys, "apikeys") => {
            let (key, format) = suffixed(key);
            Some(accepting(Target::Key(key), format))
        }
        [Some(types), Some(language), None, _] if is(types, "types") => {
            Some(accepting(Target::Types(language), None))
        }
        [Some(api), Some(name), None, _] if is(api, "api") => {
            let (name, format) = suffixed(name);
            predefined(name, format, Format::Json)
        }
        [Some(format), Some(metadata), None, _] if is(metadata, "metadata") => {
            Format::named(format).map(|_| accepting(Target::Metadata, None))
        }
        [Some(format), Some(reply), Some(name), None] if is(reply, "reply") => {
            let format = Format::named(format)?;
            return Some(predefined(name, None, format).map_or(Claimed::Nothing, Claimed::Route));
        }
        _ => None,
    };
    route.map(Claimed::Route)
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
    /// [`Refusal::Method`].
    pub(super) fn operation(self, method: &str) -> Result<Operation, RefusedRequest> {
        let get = matches!(method, "GET" | "HEAD");
        let found = match self {
            Self::Keys if method == "POST" => Some(Operation::CreateApiKey),
            Self::Keys if get => Some(Operation::ApiKeyQuery),
            Self::Key(_) if method == "PUT" => Some(Operation::UpdateApiKey),
            Self::Key(_) if method == "DELETE" => Some(Operation::CancelApiKey),
            Self::Authenticate if get || method == "POST" => Some(Operation::Authenticate),
            Self::Version if get => Some(Operation::Version),
            Self::Predefined(operation) if method == "POST" => Some(operation),
            Self::Predefined(operation @ (Operation::ApiKeyQuery | Operation::Authenticate)) if get => {
                Some(operation)
            }
            Self::Keys
            | Self::Key(_)
            | Self::Authenticate
            | Self::Version
            | Self::Predefined(_)
            | Self::Metadata
            | Self::Types(_) => None,
        };
        found.ok_or_else(|| Refusal::Method { allowed: self.methods() }.into())
    }

    pub(super) const fn methods(self) -> &'static str {
        match self {
            Self::Keys | Self::Authenticate => "GET, HEAD, POST",
            Self::Key(_) => "PUT, DELETE",
            Self::Version | Self::Metadata | Self::Types(_) => "GET, HEAD",
            Self::Predefined(operation) => operation.predefined_methods(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_any_case_and_with_a_slash_at_the_end() {
        fn target(path: &str) -> Option<(Target<'_>, Option<Format>)> {
            read(path).map(|route| (route.target, route.format)).ok()
        }
        for (path, expected) in [
            ("/apikeys", (Target::Keys, None)),
            ("/ApiKeys/", (Target::Keys, None)),
            ("/APIKEYS.XML", (Target::Keys, Some(Format::Xml))),
            ("/ApiKeys/aB/", (Target::Key("aB"), None)),
            ("/Api/createapikey/", (Target::Predefined(Operation::CreateApiKey), None)),
            ("/API/CreateApiKey[]", (Target::Predefined(Operation::CreateApiKeys), None)),
            ("/JSON/Reply/createapikey%5b%5d", (Target::Predefined(Operation::CreateApiKeys), None)),
            ("/Xml/REPLY/ApiKeyQuery/", (Target::Predefined(Operation::ApiKeyQuery), None)),
            ("/XML/Metadata/", (Target::Metadata, None)),
            ("/Types/CSharp", (Target::Types("CSharp"), None)),
        ] {
            assert_eq!(target(path), Some(expected), "{path}");
            assert!(is_claimed(path), "{path}");
        }
        for path in ["/apikeys/a/b", "/api/apikeys", "/yaml/metadata", "/api/", "/", ""] {
            assert!(!is_claimed(path) && target(path).is_none(), "{path}");
        }
        assert!(is_claimed("/xml/reply/nothing") && target("/xml/reply/nothing").is_none());
    }
}
