//! Gateways: how each reads an answer, and how it describes the request that it holds.

use crate::http::Head;

/// Gateway that sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// A gateway that the address does not name: every answer keeps its own status.
    Plain,
    /// `auth_request`: any 2xx allows, 401 and 403 pass through, all else becomes 500; a body costs it the connection.
    Nginx,
    /// `forwardAuth`: any 2xx allows, and the client gets every other answer.
    Traefik,
    /// `forward_auth`: any 2xx allows, and the client gets every other answer.
    Caddy,
    /// `ext_authz` over HTTP: exactly 200 allows, 5xx counts as a failure of the check, and the client gets every other
    /// answer.
    Envoy,
    /// `haproxy-auth-request`: any 2xx allows.
    Haproxy,
}

impl Preset {
    /// The preset of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "nginx" => Self::Nginx,
            "traefik" => Self::Traefik,
            "caddy" => Self::Caddy,
            "envoy" => Self::Envoy,
            "haproxy" => Self::Haproxy,
            _ => return None,
        })
    }

    /// The status that makes the gateway do what `status` says.
    pub(super) const fn status(self, status: u16) -> u16 {
        match (self, status) {
            (Self::Nginx, 400 | 405 | 429 | 503) => 403,
            _ => status,
        }
    }

    /// Whether a denial says in words what it is.
    pub(super) const fn has_body(self) -> bool {
        match self {
            Self::Nginx => false,
            Self::Plain | Self::Traefik | Self::Caddy | Self::Envoy | Self::Haproxy => true,
        }
    }

    /// The query of the request that the gateway holds, from the field in which the gateway sends it.
    pub(super) fn original_query<'a>(self, head: &Head<'a>) -> &'a str {
        let target = match self {
            Self::Nginx => head.text("x-original-uri"),
            Self::Plain | Self::Traefik | Self::Caddy | Self::Haproxy => head.text("x-forwarded-uri"),
            // Envoy appends the path and query of the request to the address.
            Self::Envoy => None,
        };
        target.and_then(|target| target.split_once('?')).map_or("", |(_, query)| query)
    }
}
