//! How many of the connections each network has, so that none takes all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::key::network;

/// The connections of every network that has any.
#[derive(Default)]
pub(super) struct Shares(Mutex<HashMap<IpAddr, usize>>);

/// One connection's part in it, until it is dropped.
pub(super) struct Share {
    shares: Arc<Shares>,
    network: IpAddr,
}

impl Shares {
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more connection of the peer's network, or `None` when it has `most`.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr, most: usize) -> Option<Share> {
        let network = network(peer);
        let mut counts = self.counts();
        let count = counts.entry(network).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Share { shares: Arc::clone(self), network })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.shares.counts().entry(self.network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_share_and_no_more_until_it_gives_some_back() {
        let shares = Arc::new(Shares::default());
        let take = |peer: &str| shares.take(peer.parse().unwrap(), 2);
        let (first, second) = (take("192.0.2.1"), take("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(take("192.0.2.1").is_none());
        assert!(take("192.0.2.2").is_some(), "another's is another's");
        let one_customer = (take("2001:db8::1"), take("2001:db8::2"));
        assert!(take("2001:db8::3").is_none() && take("2001:db8:0:1::3").is_some());
        drop(first);
        assert!(take("192.0.2.1").is_some());
        drop((second, one_customer));
        assert!(shares.counts().is_empty(), "nobody is remembered");
    }
}
