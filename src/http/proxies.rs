//! Trusted proxies: the client that they forwarded a request for.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;

/// Peer whose forwarding header fields count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedPeer {
    /// Any peer on a socket in the file system.
    Unix,
    /// Any peer in this network.
    Network(IpNet),
}

impl FromStr for TrustedPeer {
    type Err = &'static str;

    /// Reads `unix`, an address, or a network.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        let network =
            text.parse().or_else(|_| text.parse::<IpAddr>().map(|address| canonical(address).into()));
        network.map(Self::Network).map_err(|_| "must be unix, an address, or a network like 10.0.0.0/8")
    }
}

/// Proxies whose forwarding header fields count.
///
/// The client is the right-most entry of `X-Forwarded-For`, all its lines in order, that is not itself such a proxy.
/// Any client can have written the entries left of it.
///
/// ```
/// use keyward::http::TrustedProxies;
/// let proxies: TrustedProxies = ["10.0.0.0/8".parse()?].into_iter().collect();
/// let peer = Some("10.0.0.1".parse().unwrap());
/// let line: &[u8] = b"1.1.1.1, 203.0.113.9:4711, 10.0.0.2";
/// assert_eq!(proxies.client(peer, [line]), Some("203.0.113.9".parse().unwrap()));
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    unix: bool,
    networks: Vec<IpNet>,
}

impl TrustedProxies {
    /// Whether the forwarding header fields of this peer count. `None` is a peer on a socket in the file system.
    pub fn trusts(&self, peer: Option<IpAddr>) -> bool {
        peer.map_or(self.unix, |peer| self.contains(canonical(peer)))
    }

    /// Client that a trusted `peer` forwarded for, by these values of `X-Forwarded-For`. Without any entry the peer is
    /// the client. `None` when the entry that counts is no address. Empty entries do not count (RFC 9110, 5.6.1).
    pub fn client<'a>(
        &self,
        peer: Option<IpAddr>,
        lines: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<IpAddr> {
        let lines: Vec<_> = lines.into_iter().collect();
        let hops = lines.into_iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        let mut client = peer;
        for hop in hops.map(<[u8]>::trim_ascii).filter(|hop| !hop.is_empty()) {
            client = Some(address(hop)?);
            if !client.is_some_and(|client| self.contains(client)) {
                break;
            }
        }
        client
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

impl FromIterator<TrustedPeer> for TrustedProxies {
    fn from_iter<T: IntoIterator<Item = TrustedPeer>>(peers: T) -> Self {
        let mut proxies = Self::default();
        for peer in peers {
            match peer {
                TrustedPeer::Unix => proxies.unix = true,
                TrustedPeer::Network(network) => proxies.networks.push(network),
            }
        }
        proxies
    }
}

/// Address without IPv4 mapped into IPv6.
const fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Address of an entry, which may have a port, and brackets around an IPv6 address. The zone of an IPv6 address is
/// dropped, since it names an interface of the proxy.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?;
    let text = &*without_zone(text)?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(canonical)
}

/// Text without a zone; `None` when the address before it is not IPv6, or the zone is no name.
fn without_zone(text: &str) -> Option<Cow<'_, str>> {
    let Some((address, rest)) = text.split_once('%') else { return Some(text.into()) };
    let end = rest.find(']').unwrap_or(rest.len());
    let (zone, rest) = rest.split_at_checked(end)?;
    let named = !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_graphic());
    (named && address.contains(':')).then(|| format!("{address}{rest}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(peers: &[&str]) -> TrustedProxies {
        peers.iter().map(|peer| peer.parse::<TrustedPeer>().unwrap()).collect()
    }

    fn client(proxies: &TrustedProxies, lines: &[&str]) -> Option<String> {
        let peer = Some("10.0.0.1".parse().unwrap());
        let client = proxies.client(peer, lines.iter().map(|line| line.as_bytes()));
        client.map(|client| client.to_string())
    }

    #[test]
    fn the_right_most_hop_that_is_not_trusted_is_the_client() {
        let proxies = proxies(&["10.0.0.0/8", "2001:db8::/32"]);
        for (lines, expected) in [
            (&[][..], Some("10.0.0.1")),
            (&["203.0.113.9"], Some("203.0.113.9")),
            (&["1.1.1.1, 203.0.113.9"], Some("203.0.113.9")),
            (&["1.1.1.1, 203.0.113.9, 10.9.9.9"], Some("203.0.113.9")),
            (&["1.1.1.1", "203.0.113.9", "10.9.9.9,10.0.0.7"], Some("203.0.113.9")),
            (&["10.0.0.3, 10.0.0.2"], Some("10.0.0.3")),
            (&["203.0.113.9:4711"], Some("203.0.113.9")),
            (&["[2001:db9::1]:80, [2001:db8::5]:80, [2001:db8::6]"], Some("2001:db9::1")),
            (&["::ffff:203.0.113.9"], Some("203.0.113.9")),
            (&["203.0.113.9, ::ffff:10.0.0.2"], Some("203.0.113.9")),
            (&["11.0.0.0, 10.255.255.255"], Some("11.0.0.0")),
            (&["9.255.255.255, 10.0.0.0"], Some("9.255.255.255")),
            (&["\t 203.0.113.9 "], Some("203.0.113.9")),
            (&["nonsense, 203.0.113.9"], Some("203.0.113.9")),
            (&["203.0.113.9, nonsense"], None),
            (&["203.0.113.9, nonsense, 10.0.0.2"], None),
            (&["203.0.113.9,"], Some("203.0.113.9")),
            (&["203.0.113.9, ,, 10.0.0.2,"], Some("203.0.113.9")),
            (&[""], Some("10.0.0.1")),
            (&[" , "], Some("10.0.0.1")),
            (&["203.0.113.9", ""], Some("203.0.113.9")),
            (&["203.0.113.9", "\t", "10.0.0.2"], Some("203.0.113.9")),
            (&["nonsense,"], None),
            (&["fe80::1%eth0"], Some("fe80::1")),
            (&["[fe80::1%25eth0.7]:4711"], Some("fe80::1")),
            (&["[fe80::1%eth0.7]:4711"], Some("fe80::1")),
            (&["[fe80::1%7]"], Some("fe80::1")),
            (&["203.0.113.9, 2001:db8::5%en0"], Some("203.0.113.9")),
            (&["fe80::1%"], None),
            (&["[fe80::1%]"], None),
            (&["fe80::1% eth0"], None),
            (&["203.0.113.9%eth0"], None),
            (&["%eth0"], None),
            (&["fe80::1%eth0]"], None),
            (&["unknown"], None),
            (&["203.0.113.9:"], None),
            (&["[203.0.113.9"], None),
            (&["01.2.3.4"], None),
        ] {
            assert_eq!(client(&proxies, lines).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn only_named_peers_are_trusted() {
        let peer = |text: &str| Some(text.parse().unwrap());
        let some = proxies(&["192.0.2.7", "10.0.0.0/8"]);
        assert!(some.trusts(peer("192.0.2.7")) && some.trusts(peer("::ffff:10.255.255.255")));
        assert!(!some.trusts(peer("192.0.2.8")) && !some.trusts(peer("11.0.0.0")) && !some.trusts(None));
        assert!(proxies(&["unix"]).trusts(None) && !proxies(&["unix"]).trusts(peer("127.0.0.1")));
        assert!(!TrustedProxies::default().trusts(None) && !TrustedProxies::default().trusts(peer("::1")));
        for wrong in ["", "all", "10.0.0.0/33", "10.0.0", "unix:/run/x"] {
            assert!(wrong.parse::<TrustedPeer>().is_err(), "{wrong}");
        }
    }
}
