//! Addresses and methods.

use super::Refusal;
use crate::key::{CompanyId, UserId};

/// Target of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Root,
    OwnUser,
    /// Something of a site, for its administrators.
    Managed {
        site: Option<CompanyId>,
        managed: Managed,
    },
}

/// Thing of a site that administrators manage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Managed {
    Bots,
    Bot(UserId),
    Key(UserId),
    IpAddresses(UserId),
}

/// Method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Delete,
}

/// The site of those who have no company.
pub(super) const MAIN_SITE: &str = "main";

impl Target {
    /// Its methods, as the `Allow` header field lists them.
    const fn methods(&self) -> &'static str {
        match self {
            Self::Root | Self::OwnUser => "GET, HEAD",
            Self::Managed { managed, .. } => match managed {
                Managed::Bots => "GET, HEAD, POST",
                Managed::Bot(_) | Managed::Key(_) => "GET, HEAD, POST, DELETE",
                Managed::IpAddresses(_) => "POST",
            },
        }
    }

    const fn takes(&self, method: Method) -> bool {
        match (self, method) {
            (Self::Managed { managed: Managed::IpAddresses(_), .. }, method) => {
                matches!(method, Method::Post)
            }
            (_, Method::Get) => true,
            (Self::Root | Self::OwnUser, _) => false,
            (Self::Managed { managed: Managed::Bots, .. }, method) => matches!(method, Method::Post),
            (Self::Managed { .. }, Method::Post | Method::Delete) => true,
        }
    }
}

/// The target and the method of a request.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::MethodNotAllowed`].
pub(super) fn read(method: &str, path: &str) -> Result<(Target, Method), Refusal> {
    let target = target(path).ok_or(Refusal::NotFound)?;
    let method = match method {
        "GET" | "HEAD" => Some(Method::Get),
        "POST" => Some(Method::Post),
        "DELETE" => Some(Method::Delete),
        _ => None,
    };
    let method = method.filter(|method| target.takes(*method));
    method.map(|method| (target, method)).ok_or_else(|| Refusal::MethodNotAllowed(target.methods()))
}

fn target(path: &str) -> Option<Target> {
    let mut segments = path.split('/').skip(1);
    let segments: [Option<&str>; 7] = std::array::from_fn(|_| segments.next());
    let (site, managed) = match segments {
        [Some(""), None, ..] => return Some(Target::Root),
        [Some("users"), Some("self"), None, ..] => return Some(Target::OwnUser),
        [Some("sites"), Some(site), Some("bots"), None, ..] => (site, Managed::Bots),
        [Some("sites"), Some(site), Some("bots"), Some(user), None, ..] => (site, Managed::Bot(id(user)?)),
        [Some("sites"), Some(site), Some("bots"), Some(user), Some("api_key"), None, _] => {
            (site, Managed::Key(id(user)?))
        }
        [
            Some("sites"),
            Some(site),
            Some("bots"),
            Some(user),
            Some("api_key"),
            Some("ip_addresses"),
            None,
        ] => (site, Managed::IpAddresses(id(user)?)),
        _ => return None,
    };
    let site = if site == MAIN_SITE { None } else { Some(site.parse().ok()?) };
    Some(Target::Managed { site, managed })
}

fn id(segment: &str) -> Option<UserId> {
    let plain = segment.bytes().all(|byte| byte.is_ascii_digit());
    segment.parse().ok().filter(|_| plain).map(UserId)
}
