//! IPv6 addresses of latest uses, until they are written: they do not fit into a slot.

use std::net::Ipv6Addr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::slot::Fingerprint;

/// Keys whose addresses are kept at once; two that meet keep the later one's.
const PLACES: usize = 1 << 14;

/// The address in two words, and a check that is right only for a whole entry of the key that asks.
type Entry = [AtomicU64; 3];

/// A place for each fingerprint, shared by chance. Reading and writing take no lock: an entry that two threads wrote
/// at once fails its check and counts as not there.
#[derive(Default)]
pub(super) struct Addresses(OnceLock<Box<[Entry]>>);

impl Addresses {
    /// Remembers where a key was used from.
    pub(super) fn note(&self, key: Fingerprint, from: Ipv6Addr) {
        let entries = self.0.get_or_init(|| std::iter::repeat_with(Entry::default).take(PLACES).collect());
        if let Some([high, low, check]) = entries.get(place(key)) {
            let (a, b) = halves(from);
            high.store(a, Ordering::Relaxed);
            low.store(b, Ordering::Relaxed);
            check.store(a ^ b ^ key.words().1, Ordering::Relaxed);
        }
    }

    /// Where the key was used from, if it is still known.
    pub(super) fn of(&self, key: Fingerprint) -> Option<Ipv6Addr> {
        let [high, low, check] = self.0.get()?.get(place(key))?;
        let (a, b) = (high.load(Ordering::Relaxed), low.load(Ordering::Relaxed));
        let whole = check.load(Ordering::Relaxed) == a ^ b ^ key.words().1;
        whole.then(|| Ipv6Addr::from_bits(u128::from(a) << 64 | u128::from(b)))
    }
}

fn halves(address: Ipv6Addr) -> (u64, u64) {
    let bits = address.to_bits();
    ((bits >> 64) as u64, bits as u64)
}

const fn place(key: Fingerprint) -> usize {
    key.words().0 as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyedHash;

    #[test]
    fn an_address_is_known_to_its_own_key_only() {
        let addresses = Addresses::default();
        let mut bytes = [7; 32];
        let key = Fingerprint::of(&KeyedHash::from_bytes(bytes));
        bytes[9] = 8;
        let neighbour = Fingerprint::of(&KeyedHash::from_bytes(bytes));
        assert_eq!(addresses.of(key), None);
        let from = "2001:db8::1".parse().unwrap();
        addresses.note(key, from);
        assert_eq!((addresses.of(key), addresses.of(neighbour)), (Some(from), None));
    }
}
