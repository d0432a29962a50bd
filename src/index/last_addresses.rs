//! Client addresses of latest uses until they are written: they do not fit into a slot.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::prefetch::prefetch;
use super::slot::Fingerprint;
use super::table::mix;
use crate::key::Locator;

/// Number of addresses kept at once; of two keys with the same entry the later use is kept.
const PLACES: usize = 1 << 16;

/// Address in two words, and a check word that fits only a whole entry of the same key. Within one cache line.
#[derive(Default)]
#[repr(align(32))]
struct Entry([AtomicU64; 3]);

/// Entries by locator; keys may share one by chance. Reading and writing take no lock: an entry that two threads wrote at
/// once fails its check and is read as absent.
#[derive(Default)]
pub(super) struct LastAddresses(OnceLock<Box<[Entry]>>);

impl LastAddresses {
    /// Asks the processor to fetch the entry that a use of the key writes.
    pub(super) fn prefetch(&self, locator: Locator) {
        if let Some(entry) = self.0.get().and_then(|entries| entries.get(place(locator))) {
            prefetch(entry);
        }
    }

    /// Stores the client address of a use.
    pub(super) fn note(&self, key: Fingerprint, from: IpAddr) {
        let entries = self.0.get_or_init(|| std::iter::repeat_with(Entry::default).take(PLACES).collect());
        if let Some(Entry([high, low, check])) = entries.get(place(key.locator())) {
            let (a, b) = halves(from);
            high.store(a, Ordering::Relaxed);
            low.store(b, Ordering::Relaxed);
            check.store(a ^ b ^ key.words().1, Ordering::Relaxed);
        }
    }

    /// Returns the client address of the latest use, if it is still stored.
    pub(super) fn of(&self, key: Fingerprint) -> Option<IpAddr> {
        let Entry([high, low, check]) = self.0.get()?.get(place(key.locator()))?;
        let (a, b) = (high.load(Ordering::Relaxed), low.load(Ordering::Relaxed));
        let whole = check.load(Ordering::Relaxed) == a ^ b ^ key.words().1;
        whole.then(|| Ipv6Addr::from_bits(u128::from(a) << 64 | u128::from(b)).to_canonical())
    }
}

/// Returns an address as two words, IPv4 mapped to IPv6.
fn halves(address: IpAddr) -> (u64, u64) {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    ((bits >> 64) as u64, bits as u64)
}

const fn place(locator: Locator) -> usize {
    mix(locator) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeyedHash, Locator};

    #[test]
    fn an_address_is_known_to_its_own_key_only() {
        let addresses = LastAddresses::default();
        let mut bytes = [7; 32];
        let fingerprint = |hash| Fingerprint::of(Locator::from_number(3), &KeyedHash::from_bytes(hash));
        let key = fingerprint(bytes);
        bytes[2] = 8;
        let neighbour = fingerprint(bytes);
        assert_eq!(addresses.of(key), None);
        for from in ["2001:db8::1", "10.1.2.3"] {
            let from = from.parse().unwrap();
            addresses.note(key, from);
            assert_eq!((addresses.of(key), addresses.of(neighbour)), (Some(from), None));
        }
    }
}
