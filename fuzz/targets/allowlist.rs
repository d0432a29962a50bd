//! Allowlists: exactly the documented grammar is read, what is printed reads back as the same list, and addresses
//! match as they do when compared bit by bit.

use std::net::{IpAddr, Ipv6Addr};

use keyward::key::{Allowlist, AllowlistError, Network};
use keyward::limits;

/// Entries whose neighbourhood is looked at.
const PROBED: usize = 4;

/// Reads the first line as an allowlist, and every other as an address that uses it.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (list, clients) = text.split_once('\n').unwrap_or((text, ""));
    let entries = entries(list);
    let list = match list.parse::<Allowlist>() {
        Ok(list) => list,
        Err(AllowlistError::Item { item }) => {
            assert!(entries.is_none(), "{list:?} was refused");
            assert!(item.chars().count() <= 64, "a refusal repeats {item:?}");
            return;
        }
        Err(AllowlistError::TooMany) => {
            assert!(list.split(',').count() > limits::ALLOWLIST_ENTRIES_MAX, "{list:?} was refused");
            return;
        }
    };
    let entries = entries.unwrap_or_else(|| panic!("{list} was taken"));
    assert_eq!(list.networks().len(), entries.len());
    let shown = list.to_string();
    assert_eq!(shown.parse(), Ok(list.clone()), "{shown:?} does not read back");
    assert_eq!(Allowlist::of(list.networks().to_vec()), Ok(list.clone()));
    assert_eq!(list.allows(None), entries.is_empty(), "an unknown address is on no list");
    for client in clients.lines().filter_map(|line| line.parse().ok()).chain(neighbours(&list)) {
        let expected = entries.is_empty() || entries.iter().any(|entry| entry.has(client));
        assert_eq!(list.allows(Some(client)), expected, "{client} and {shown}");
    }
}

/// One entry as a number and how many of its leading bits count.
struct Entry {
    bits: u128,
    width: u32,
    length: u32,
}

impl Entry {
    /// IPv4 in its IPv6 form is IPv4, in allowlists and in addresses.
    fn of(address: IpAddr, length: Option<u32>) -> Option<Self> {
        match address {
            IpAddr::V4(four) => {
                let length = length.unwrap_or(32);
                (length <= 32).then_some(Self { bits: u32::from(four).into(), width: 32, length })
            }
            IpAddr::V6(six) => {
                let (bits, length) = (u128::from(six), length.unwrap_or(128));
                let mapped = bits >> 32 == 0xFFFF && length >= 96;
                (length <= 128).then_some(if mapped {
                    Self { bits: bits & 0xFFFF_FFFF, width: 32, length: length - 96 }
                } else {
                    Self { bits, width: 128, length }
                })
            }
        }
    }

    fn has(&self, client: IpAddr) -> bool {
        let client = Self::of(client, None).unwrap();
        let bit = |number: u128, at: u32| number >> (self.width - 1 - at) & 1;
        client.width == self.width && (0..self.length).all(|at| bit(self.bits, at) == bit(client.bits, at))
    }
}

/// The entries of a list in the documented form, `None` when it is not in that form.
fn entries(list: &str) -> Option<Vec<Entry>> {
    let blank = |c: char| c == ' ' || c == '\t';
    if list.chars().all(blank) {
        return Some(Vec::new());
    }
    let all: Option<Vec<Entry>> =
        list.split(',').map(|entry| self::entry(entry.trim_matches(blank))).collect();
    all.filter(|all| all.len() <= limits::ALLOWLIST_ENTRIES_MAX)
}

fn entry(text: &str) -> Option<Entry> {
    let (address, length) = match text.split_once('/') {
        None => (text, None),
        Some((address, length)) => {
            let number: u32 = length.parse().ok()?;
            (address, Some(number).filter(|number| number.to_string() == length).map(Some)?)
        }
    };
    Entry::of(self::address(address)?, length)
}

fn address(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let octets: Option<Vec<u8>> = text
        .split('.')
        .map(|part| part.parse::<u8>().ok().filter(|octet| octet.to_string() == part))
        .collect();
    <[u8; 4]>::try_from(octets?).ok().map(IpAddr::from)
}

/// The address of each of the first entries, those that differ from it in one bit, and all of them in the form of
/// the other family.
fn neighbours(list: &Allowlist) -> impl Iterator<Item = IpAddr> {
    list.networks().iter().take(PROBED).flat_map(|network| {
        let address = match network {
            Network::Address(address) => *address,
            Network::Range(net) => net.addr(),
        };
        let near: Vec<IpAddr> = match address {
            IpAddr::V4(four) => {
                let flipped = (0..32).map(|bit| u32::from(four) ^ 1 << bit);
                flipped.chain([four.into()]).map(|bits| IpAddr::from(bits.to_be_bytes())).collect()
            }
            IpAddr::V6(six) => {
                let flipped = (0..128).map(|bit| u128::from(six) ^ 1 << bit);
                flipped.chain([six.into()]).map(|bits| IpAddr::from(bits.to_be_bytes())).collect()
            }
        };
        near.into_iter().flat_map(|client| {
            let other = match client {
                IpAddr::V4(four) => {
                    [IpAddr::V6(four.to_ipv6_mapped()), IpAddr::V6(four.to_ipv6_compatible())]
                }
                IpAddr::V6(six) => [client.to_canonical(), six.to_ipv4().map_or(client, IpAddr::V4)],
            };
            [client].into_iter().chain(other)
        })
    })
}
