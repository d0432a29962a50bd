//! Where requests come from.

use std::net::IpAddr;

use warp::http::HeaderMap;

use crate::exchange::{Entrance, TrustedProxies};

/// Where one request comes from, put into its extensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The client, as far as it is known.
    pub(super) client: Option<IpAddr>,
    /// Which way it came in.
    pub(super) entrance: Entrance,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Approach {
    peer: Option<IpAddr>,
    entrance: Entrance,
    /// Whether the peer's word about its clients counts.
    trusted: bool,
}

impl Approach {
    /// A connection from `peer` (`None`: over a socket in the file system), to a listener that is `local` or not.
    pub(super) fn new(peer: Option<IpAddr>, local: bool, proxies: &TrustedProxies) -> Self {
        let entrance = match peer {
            Some(peer) if !local => Entrance::Network { peer },
            Some(_) | None => Entrance::Local,
        };
        Self { peer, entrance, trusted: proxies.trusts(peer) }
    }

    /// Where a request with these header fields comes from.
    pub(super) fn origin(&self, headers: &HeaderMap, proxies: &TrustedProxies) -> Origin {
        let client = if self.trusted {
            let lines = headers.get_all("x-forwarded-for").iter().map(|line| line.as_bytes());
            proxies.client(self.peer, lines)
        } else {
            self.peer
        };
        Origin { client, entrance: self.entrance }
    }
}
