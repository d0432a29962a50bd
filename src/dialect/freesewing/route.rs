//! Addresses and methods.

use super::Refusal;

/// What proves who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// A JSON Web Token, as bearer.
    Jwt,
    /// A key and its secret, by HTTP Basic.
    Key,
}

impl Proof {
    fn named(segment: &str) -> Option<Self> {
        match segment {
            "jwt" => Some(Self::Jwt),
            "key" => Some(Self::Key),
            _ => None,
        }
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    SignIn,
    Keys(Proof),
    Key(&'a str, Proof),
    Account(Proof),
    OwnKey,
}

/// What is to be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Delete,
}

impl Target<'_> {
    /// Its methods, as the `Allow` header field lists them.
    const fn methods(&self) -> &'static str {
        match self {
            Self::SignIn => "POST",
            Self::Keys(_) => "GET, HEAD, POST",
            Self::Key(..) => "GET, HEAD, DELETE",
            Self::Account(_) | Self::OwnKey => "GET, HEAD",
        }
    }
}

/// Whether a path is this API's: by its segments, since what stands for a key may be anything.
pub(super) fn is_claimed(path: &str) -> bool {
    matches!(
        segments(path),
        [Some("signin" | "account" | "whoami"), ..]
            | [Some("apikeys"), Some("jwt" | "key"), None, _]
            | [Some("apikeys"), Some(_), Some(_), _]
    )
}

/// What a request is for.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::MethodNotAllowed`].
pub(super) fn read<'a>(method: &str, path: &'a str) -> Result<(Target<'a>, Method), Refusal> {
    let target = match segments(path) {
        [Some("signin"), None, ..] => Some(Target::SignIn),
        [Some("apikeys"), Some(proof), None, _] => Proof::named(proof).map(Target::Keys),
        [Some("apikeys"), Some(id), Some(proof), None] => {
            Proof::named(proof).map(|proof| Target::Key(id, proof))
        }
        [Some("whoami"), Some("key"), None, _] => Some(Target::OwnKey),
        [Some("whoami" | "account"), Some(proof), None, _] => Proof::named(proof).map(Target::Account),
        _ => None,
    };
    let target = target.ok_or(Refusal::NotFound)?;
    let method = match (target, method) {
        (Target::SignIn | Target::Keys(_), "POST") => Some(Method::Post),
        (Target::Key(..), "DELETE") => Some(Method::Delete),
        (Target::SignIn, _) => None,
        (Target::Keys(_) | Target::Key(..) | Target::Account(_) | Target::OwnKey, "GET" | "HEAD") => {
            Some(Method::Get)
        }
        _ => None,
    };
    method.map(|method| (target, method)).ok_or_else(|| Refusal::MethodNotAllowed(target.methods()))
}

/// Up to four segments; a slash at the end says nothing.
fn segments(path: &str) -> [Option<&str>; 4] {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.split('/').skip(1);
    std::array::from_fn(|_| segments.next())
}
