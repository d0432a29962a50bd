//! Where requests come from.

use std::net::IpAddr;

use crate::http::{Entrance, Fields, TrustedProxies};

/// Where one request comes from, put into its extensions.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct ClientAddress {
    /// The client, as far as it is known.
    pub(in crate::server) client: Option<IpAddr>,
    /// Which way it came in.
    pub(in crate::server) entrance: Entrance,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Peer {
    peer: Option<IpAddr>,
    entrance: Entrance,
    /// Whether the peer's word about its clients counts.
    trusted: bool,
}

impl Peer {
    /// A connection from `peer` (`None`: over a socket in the file system), to a listener that is `local` or not.
    pub(in crate::server) fn new(peer: Option<IpAddr>, local: bool, proxies: &TrustedProxies) -> Self {
        let entrance = match peer {
            Some(peer) if !local => Entrance::Network { peer },
            Some(_) | None => Entrance::Local,
        };
        Self { peer, entrance, trusted: proxies.trusts(peer) }
    }

    /// Whose connections are counted together with this one; nobody's when the peer speaks for others.
    pub(in crate::server) fn network(&self) -> Option<IpAddr> {
        self.peer.filter(|_| !self.trusted)
    }

    /// Where a request with these header fields comes from.
    pub(in crate::server) fn origin(&self, fields: &dyn Fields, proxies: &TrustedProxies) -> ClientAddress {
        let client = if self.trusted {
            let mut lines = Vec::new();
            fields.each("x-forwarded-for", &mut |line| lines.push(line));
            proxies.client(self.peer, lines)
        } else {
            self.peer
        };
        ClientAddress { client, entrance: self.entrance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::TrustedPeer;

    #[test]
    fn a_peer_that_is_no_trusted_proxy_is_the_client_whatever_it_says() {
        let proxies: TrustedProxies =
            ["10.0.0.1"].iter().map(|peer| peer.parse::<TrustedPeer>().unwrap()).collect();
        let fields = vec![("x-forwarded-for".to_owned(), b"203.0.113.9".to_vec())];
        for (peer, local, client) in [
            (Some("192.0.2.1"), false, Some("192.0.2.1")),
            (Some("127.0.0.1"), true, Some("127.0.0.1")),
            (Some("10.0.0.1"), false, Some("203.0.113.9")),
            (None, true, None),
        ] {
            let peer = peer.map(|peer| peer.parse().unwrap());
            let origin = Peer::new(peer, local, &proxies).origin(&fields, &proxies);
            assert_eq!(origin.client, client.map(|client| client.parse().unwrap()));
            assert_eq!(origin.entrance == Entrance::Local, local);
        }
    }
}
