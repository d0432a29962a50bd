//! Networks of clients: what counts as one client.

use std::net::{IpAddr, Ipv6Addr};

/// Returns the network of one customer: an IPv4 address, or the first 64 bits of an IPv6 address with the rest zero. An
/// IPv4-mapped IPv6 address counts as IPv4.
///
/// # Security
/// Counts of clients use this network: a client with one IPv6 connection has 2⁶⁴ addresses.
///
/// ```
/// use keyward::key::network;
///
/// assert_eq!(network("2001:db8::1:2:3:4".parse()?), "2001:db8::".parse::<std::net::IpAddr>()?);
/// assert_eq!(network("::ffff:192.0.2.1".parse()?), "192.0.2.1".parse::<std::net::IpAddr>()?);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}
