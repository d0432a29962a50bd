//! Client addresses: the address that sent a request, as far as it is known.

use std::net::IpAddr;

use crate::http::{Entrance, Fields, TrustedProxies};

/// Address that one request came from.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct ClientAddress {
    /// Address of the client; `None` when it is unknown, and for a socket in the file system.
    pub(in crate::server) address: Option<IpAddr>,
    /// Way the request came in.
    pub(in crate::server) entrance: Entrance,
}

/// Other end of a connection: a client, or a proxy that forwards for clients.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Peer {
    address: Option<IpAddr>,
    entrance: Entrance,
    /// Whether the peer's header fields about its clients count.
    trusted: bool,
}

impl Peer {
    /// Peer at `address` (`None`: over a socket in the file system) of a listener that is `local` or not.
    pub(in crate::server) fn new(address: Option<IpAddr>, local: bool, proxies: &TrustedProxies) -> Self {
        let entrance = match address {
            Some(peer) if !local => Entrance::Network { peer },
            Some(_) | None => Entrance::Local,
        };
        Self { address, entrance, trusted: proxies.trusts(address) }
    }

    /// Address that the peer's connections are counted under; `None` for a trusted proxy, which forwards for others.
    pub(in crate::server) fn counted_address(&self) -> Option<IpAddr> {
        self.address.filter(|_| !self.trusted)
    }

    /// Client address of a request with these header fields.
    pub(in crate::server) fn client(&self, fields: &dyn Fields, proxies: &TrustedProxies) -> ClientAddress {
        let address = if self.trusted {
            let mut lines = Vec::new();
            fields.each("x-forwarded-for", &mut |line| lines.push(line));
            proxies.client(self.address, lines)
        } else {
            self.address
        };
        ClientAddress { address, entrance: self.entrance }
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
            let found = Peer::new(peer, local, &proxies).client(&fields, &proxies);
            assert_eq!(found.address, client.map(|client| client.parse().unwrap()));
            assert_eq!(found.entrance == Entrance::Local, local);
        }
    }
}
