//! Addresses and methods. Words of addresses are read in any case.

use super::Refusal;
use crate::dialect::Specificity;

/// Proof that a path takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// A JSON Web Token, as bearer.
    Jwt,
    /// A key and its secret, by HTTP Basic.
    Key,
}

impl Proof {
    fn named(segment: &str) -> Option<Self> {
        [("jwt", Self::Jwt), ("key", Self::Key)]
            .into_iter()
            .find(|(word, _)| segment.eq_ignore_ascii_case(word))
            .map(|(_, proof)| proof)
    }
}

/// Target of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    SignIn,
    Keys(Proof),
    Key(&'a str, Proof),
    Account(Proof),
    OwnKey,
}

/// First segment of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    SignIn,
    ApiKeys,
    WhoAmI,
    Account,
}

impl Root {
    fn named(segment: &str) -> Option<Self> {
        let words = [
            ("signin", Self::SignIn),
            ("apikeys", Self::ApiKeys),
            ("whoami", Self::WhoAmI),
            ("account", Self::Account),
        ];
        words.into_iter().find(|(word, _)| segment.eq_ignore_ascii_case(word)).map(|(_, root)| root)
    }
}

/// Method of a request.
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

/// Whether a path is this API's: by its segments, since the segment of a key may be anything.
pub(super) fn is_claimed(path: &str) -> bool {
    let [root, rest @ ..] = segments(path);
    match (root.and_then(Root::named), rest) {
        (Some(Root::SignIn | Root::Account | Root::WhoAmI), _)
        | (Some(Root::ApiKeys), [Some(_), Some(_), _]) => true,
        (Some(Root::ApiKeys), [Some(proof), None, _]) => Proof::named(proof).is_some(),
        (Some(Root::ApiKeys), [None, ..]) | (None, _) => false,
    }
}

/// Specificity of the claim to a path.
pub(super) fn specificity(path: &str) -> Specificity {
    match segments(path) {
        [Some(root), Some(proof), None, _]
            if Root::named(root) == Some(Root::ApiKeys) && Proof::named(proof).is_some() =>
        {
            Specificity::Exact
        }
        [Some(root), ..] if Root::named(root) == Some(Root::ApiKeys) => Specificity::Pattern { literals: 2 },
        _ => Specificity::Pattern { literals: 1 },
    }
}

/// The target and the method of a request.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::MethodNotAllowed`].
pub(super) fn read<'a>(method: &str, path: &'a str) -> Result<(Target<'a>, Method), Refusal> {
    let [root, rest @ ..] = segments(path);
    let root = root.and_then(Root::named).ok_or(Refusal::NotFound)?;
    let target = match (root, rest) {
        (Root::SignIn, [None, ..]) => Some(Target::SignIn),
        (Root::ApiKeys, [Some(proof), None, _]) => Proof::named(proof).map(Target::Keys),
        (Root::ApiKeys, [Some(id), Some(proof), None]) => {
            Proof::named(proof).map(|proof| Target::Key(id, proof))
        }
        (Root::WhoAmI, [Some(proof), None, _]) => Proof::named(proof).map(|proof| match proof {
            Proof::Key => Target::OwnKey,
            Proof::Jwt => Target::Account(proof),
        }),
        (Root::Account, [Some(proof), None, _]) => Proof::named(proof).map(Target::Account),
        (Root::SignIn | Root::ApiKeys | Root::WhoAmI | Root::Account, _) => None,
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
