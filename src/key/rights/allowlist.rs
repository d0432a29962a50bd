//! Allowlists: networks that a key may be used from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use thiserror::Error;

use crate::limits;

/// A text is no allowlist; the old allowlist stays in force.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AllowlistError {
    /// An entry is neither an address nor a network.
    #[error("{item:?} is not an IP address or network")]
    Item {
        /// Entry as typed, cut to 64 characters.
        item: String,
    },
    /// There are more than 256 entries.
    #[error("an allowlist has at most 256 entries")]
    TooMany,
}

/// Entry of an allowlist: one address, or a network in CIDR form (RFC 4632). Host bits are stored as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// One address.
    Address(IpAddr),
    /// All addresses of a network.
    Range(IpNet),
}

impl Network {
    /// Whether the network contains `client`, which must not be in IPv4-mapped form.
    fn contains(&self, client: IpAddr) -> bool {
        match (self, client) {
            (Self::Address(address), _) => address.to_canonical() == client,
            // A network wider than the IPv4-mapped range is meant for IPv6.
            (Self::Range(IpNet::V6(net)), IpAddr::V4(client)) => {
                net.prefix_len() >= 96 && net.contains(&client.to_ipv6_mapped())
            }
            (Self::Range(net), _) => net.contains(&client),
        }
    }

    /// Network as CIDR, with IPv4-mapped addresses turned into IPv4.
    pub(in crate::key) fn net(&self) -> IpNet {
        let net = match self {
            Self::Address(address) => return address.to_canonical().into(),
            Self::Range(net) => *net,
        };
        match (net.addr().to_canonical(), net.prefix_len().checked_sub(96)) {
            (IpAddr::V4(address), Some(bits)) if matches!(net, IpNet::V6(_)) => {
                Ipv4Net::new(address, bits).map_or(net, IpNet::V4)
            }
            _ => net,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Range(net) => net.fmt(f),
        }
    }
}

impl FromStr for Network {
    type Err = AllowlistError;

    fn from_str(text: &str) -> Result<Self, AllowlistError> {
        let refused = || AllowlistError::Item { item: text.chars().take(64).collect() };
        let Some((address, bits)) = text.split_once('/') else {
            return text.parse().map(Self::Address).map_err(|_| refused());
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        // One spelling for each length: no sign, no leading zero.
        let plain = !bits.starts_with('0') || bits == "0";
        let bits = Some(bits).filter(|bits| plain && bits.bytes().all(|b| b.is_ascii_digit()));
        let bits = bits.and_then(|bits| bits.parse().ok()).ok_or_else(refused)?;
        IpNet::new(address, bits).map(Self::Range).map_err(|_| refused())
    }
}

/// Allowlist: networks that a key may be used from.
///
/// The text form separates entries by commas and ignores blanks around them. The empty text means anyone. One wrong
/// entry refuses the whole text. IPv4-mapped IPv6 addresses, of a client or in an entry, are compared as IPv4.
///
/// ```
/// use keyward::key::Allowlist;
/// let list: Allowlist = "1.2.3.0/24, 99.100.101.102".parse()?;
/// assert!(list.allows(Some("1.2.3.9".parse().unwrap())));
/// assert!(!list.allows(Some("1.2.4.9".parse().unwrap())));
/// assert!(!list.allows(None), "an unknown address is on no list");
/// assert_eq!(list.to_string(), "1.2.3.0/24,99.100.101.102");
/// # Ok::<(), keyward::key::AllowlistError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Allowlist {
    /// The key may be used from anywhere.
    #[default]
    Anyone,
    /// The key may be used from these networks only. Never empty.
    Only(Networks),
}

/// One or more networks, in the order given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Networks(Vec<Network>);

impl Allowlist {
    /// Returns the allowlist of these networks; none means anyone.
    ///
    /// # Errors
    /// [`AllowlistError::TooMany`] above 256.
    pub fn of(networks: Vec<Network>) -> Result<Self, AllowlistError> {
        match networks.len() {
            0 => Ok(Self::Anyone),
            1..=limits::ALLOWLIST_ENTRIES_MAX => Ok(Self::Only(Networks(networks))),
            _ => Err(AllowlistError::TooMany),
        }
    }

    /// Entries; none for anyone.
    pub fn networks(&self) -> &[Network] {
        match self {
            Self::Anyone => &[],
            Self::Only(Networks(networks)) => networks,
        }
    }

    /// Whether a key may be used from `client`. An unknown address is on no allowlist.
    #[inline]
    pub fn allows(&self, client: Option<IpAddr>) -> bool {
        match self {
            Self::Anyone => true,
            Self::Only(networks) => client.is_some_and(|client| networks.contain(client)),
        }
    }
}

impl Networks {
    fn contain(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.0.iter().any(|network| network.contains(client))
    }
}

impl FromStr for Allowlist {
    type Err = AllowlistError;

    fn from_str(text: &str) -> Result<Self, AllowlistError> {
        let blank = [' ', '\t'];
        if text.trim_matches(blank).is_empty() {
            return Ok(Self::Anyone);
        }
        let entries = text.split(',').take(limits::ALLOWLIST_ENTRIES_MAX + 1);
        Self::of(entries.map(|entry| entry.trim_matches(blank).parse()).collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for Allowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, network) in self.networks().iter().enumerate() {
            write!(f, "{}{network}", if n == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl From<Ipv4Addr> for Network {
    fn from(address: Ipv4Addr) -> Self {
        Self::Address(address.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Restriction as _;

    #[test]
    fn documented_forms_are_read_and_shown_as_typed() {
        for form in
            ["1.2.3.4", "1.2.3.0/24", "1.2.3.4,99.100.101.102", "1.2.3.0/24,99.100.101.0/24", "1.2.3.4/24"]
        {
            assert_eq!(form.parse::<Allowlist>().unwrap().to_string(), form);
        }
        assert_eq!("".parse(), Ok(Allowlist::Anyone));
        assert_eq!(" \t".parse(), Ok(Allowlist::Anyone));
    }

    #[test]
    fn one_wrong_entry_refuses_the_whole_list() {
        let wrong = [
            "a,,b",
            "1.2.3.4,",
            ",",
            "1.2.3",
            "1.2.3.256",
            "1.2.3.4/33",
            "1.2.3.0/-1",
            "1.2.3.0/+1",
            "1.2.3.0/024",
            "01.2.3.4",
            "1.2.3.4;5.6.7.8",
            "1.2.3.4\n5.6.7.8",
            "1.2.3.4 5.6.7.8",
            "localhost",
            "::1/129",
            "1.2.3.4/",
        ];
        for list in wrong {
            assert!(list.parse::<Allowlist>().is_err(), "{list:?}");
        }
        assert_eq!(
            "1.2.3.4,nonsense".parse::<Allowlist>(),
            Err(AllowlistError::Item { item: "nonsense".to_owned() })
        );
    }

    #[test]
    fn families_do_not_match_each_other_but_mapped_addresses_do() {
        let any4: Allowlist = "0.0.0.0/0".parse().unwrap();
        assert!(any4.allows(Some("::ffff:1.2.3.4".parse().unwrap())));
        assert!(!any4.allows(Some("2001:db8::1".parse().unwrap())));
        let host_bits: Allowlist = "1.2.3.4/24".parse().unwrap();
        assert!(host_bits.allows(Some("1.2.3.200".parse().unwrap())));
    }

    #[test]
    fn a_list_within_another_allows_nobody_more() {
        for (list, bound, within) in [
            ("", "", true),
            ("10.0.0.1", "", true),
            ("", "0.0.0.0/0", false),
            ("10.0.0.1", "10.0.0.0/24", true),
            ("10.0.0.9/25,10.0.0.1", "10.0.0.0/24", true),
            ("10.0.0.0/23", "10.0.0.0/24", false),
            ("10.0.0.1,11.0.0.1", "10.0.0.0/24", false),
            ("10.0.0.1", "::ffff:10.0.0.0/120", true),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.0/120", "10.0.0.0/24", true),
            ("::ffff:0:0/95", "0.0.0.0/0", false),
            ("10.0.0.1", "::/0", false),
            ("2001:db8::1", "2001:db8::/32", true),
            ("2001:db8::/32", "2001:db8::/33", false),
            ("0.0.0.0/0", "0.0.0.0/1,128.0.0.0/1", true),
        ] {
            let [list, bound] = [list, bound].map(|list| list.parse::<Allowlist>().unwrap());
            assert_eq!(list.within(&bound), within, "{list} within {bound}");
        }
    }

    #[test]
    fn entries_in_mapped_form_mean_ipv4_clients() {
        for (entry, client, allowed) in [
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.1", "10.0.0.2", false),
            ("::ffff:10.0.0.0/104", "10.255.0.1", true),
            ("::ffff:10.0.0.0/104", "11.0.0.1", false),
            ("::ffff:0:0/96", "1.2.3.4", true),
            ("::ffff:0:0/95", "1.2.3.4", false),
            ("::/0", "1.2.3.4", false),
            ("::10.0.0.1", "10.0.0.1", false),
        ] {
            let list: Allowlist = entry.parse().unwrap();
            assert_eq!(list.allows(Some(client.parse().unwrap())), allowed, "{client} and {entry}");
        }
    }

    #[test]
    fn a_list_has_at_most_256_entries_and_all_of_them() {
        let list = |count: usize| vec!["10.0.0.1"; count].join(",").parse::<Allowlist>();
        assert_eq!(list(256).unwrap().networks().len(), 256);
        assert_eq!(list(257), Err(AllowlistError::TooMany));
        assert_eq!(Allowlist::of(Vec::new()), Ok(Allowlist::Anyone));
    }
}
