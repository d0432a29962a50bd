//! Whose address an address is.

use std::net::{IpAddr, Ipv6Addr};

/// What one customer of a network has: an IPv4 address, or of IPv6 the first 64 bits, the rest being zero. An IPv4
/// address that is written as IPv6 is IPv4.
///
/// # Security
/// What is counted by client is counted by this: whoever has one IPv6 connection has 2⁶⁴ addresses.
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
