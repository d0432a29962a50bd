//! Limit on the connections of each network, so that none takes all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::key::network;

/// Counts of open connections by network.
#[derive(Default)]
pub(in crate::server) struct PerNetworkLimit(Mutex<HashMap<IpAddr, usize>>);

/// One counted connection, until it is dropped.
pub(in crate::server) struct NetworkPermit {
    limit: Arc<PerNetworkLimit>,
    network: IpAddr,
}

impl PerNetworkLimit {
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more connection of the peer's network. Returns `None` when it has `most`.
    pub(in crate::server) fn take(self: &Arc<Self>, peer: IpAddr, most: usize) -> Option<NetworkPermit> {
        let network = network(peer);
        let mut counts = self.counts();
        let count = counts.entry(network).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(NetworkPermit { limit: Arc::clone(self), network })
    }
}

impl Drop for NetworkPermit {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.limit.counts().entry(self.network) {
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
    fn a_network_has_as_many_connections_as_it_may_until_it_closes_one() {
        let per_network = Arc::new(PerNetworkLimit::default());
        let take = |peer: &str| per_network.take(peer.parse().unwrap(), 2);
        let (first, second) = (take("192.0.2.1"), take("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(take("192.0.2.1").is_none());
        assert!(take("192.0.2.2").is_some(), "networks are counted apart");
        let one_customer = (take("2001:db8::1"), take("2001:db8::2"));
        assert!(take("2001:db8::3").is_none() && take("2001:db8:0:1::3").is_some());
        drop(first);
        assert!(take("192.0.2.1").is_some());
        drop((second, one_customer));
        assert!(per_network.counts().is_empty(), "no closed connection is counted");
    }
}
