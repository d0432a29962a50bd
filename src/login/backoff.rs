//! Backoff after wrong passwords.
//!
//! Wrong passwords are counted by login name and network together, and by network alone, never by login name alone: a
//! client that guesses passwords cannot lock the owner out. The price is that a guesser with many networks has more
//! tries. Behind a proxy that `--trust-proxy` does not name, all clients count as one network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Timestamp;
use crate::key::network;
use crate::limits;

/// Counts of wrong passwords, by login name and network, and by network alone.
#[derive(Default)]
pub(super) struct Backoff(Mutex<HashMap<Source, Failures>>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Source {
    /// Hash of the login name as typed; `None` counts all names of the network.
    login: Option<[u8; 32]>,
    network: Option<IpAddr>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Source {
    fn both(login: &str, client: Option<IpAddr>) -> [(Self, u32); 2] {
        let network = client.map(network);
        let login = Some(*blake3::hash(login.as_bytes()).as_bytes());
        [
            (Self { login, network }, limits::LOGIN_TRIES),
            (Self { login: None, network }, limits::LOGIN_TRIES_BY_NETWORK),
        ]
    }
}

impl Failures {
    /// Seconds until the next try; the wait doubles with each wrong password.
    fn wait(self, tries: u32, now: Timestamp) -> u32 {
        let Some(beyond) = self.count.checked_sub(tries) else { return 0 };
        let wait = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX).min(limits::LOGIN_WAIT_SECONDS_MAX);
        let until = self.last.plus_ms(u64::from(wait) * 1_000);
        let left = until.unix_ms().saturating_sub(now.unix_ms()).div_ceil(1_000);
        u32::try_from(left).unwrap_or(u32::MAX).min(wait)
    }

    fn forgotten(self, now: Timestamp) -> bool {
        self.last.plus_ms(limits::LOGIN_TRIES_KEPT_MS) <= now
    }
}

impl Backoff {
    fn failures(&self) -> MutexGuard<'_, HashMap<Source, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seconds that a client must wait before it may try this login; 0 when it may try now.
    pub(super) fn wait(&self, login: &str, client: Option<IpAddr>, now: Timestamp) -> u32 {
        let failures = self.failures();
        let wait = |(source, tries): (Source, u32)| {
            let known = failures.get(&source).filter(|known| !known.forgotten(now));
            known.map_or(0, |known| known.wait(tries, now))
        };
        Source::both(login, client).map(wait).into_iter().max().unwrap_or_default()
    }

    /// Counts a wrong password.
    pub(super) fn failed(&self, login: &str, client: Option<IpAddr>, now: Timestamp) {
        let mut failures = self.failures();
        for (source, _) in Source::both(login, client) {
            make_room(&mut failures, now);
            let known = failures.entry(source).or_insert(Failures { count: 0, last: now });
            let before = if known.forgotten(now) { 0 } else { known.count };
            *known = Failures { count: before.saturating_add(1), last: now };
        }
    }

    /// Forgets the wrong passwords of a login after a right one.
    pub(super) fn succeeded(&self, login: &str, client: Option<IpAddr>) {
        let [(source, _), _] = Source::both(login, client);
        self.failures().remove(&source);
    }
}

fn make_room(failures: &mut HashMap<Source, Failures>, now: Timestamp) {
    if failures.len() < limits::LOGIN_TRIES_MAX {
        return;
    }
    failures.retain(|_, known| !known.forgotten(now));
    if failures.len() < limits::LOGIN_TRIES_MAX {
        return;
    }
    // Removing the older half at once keeps this rare.
    let mut times: Vec<_> = failures.values().map(|known| known.last).collect();
    let (_, middle, _) = times.select_nth_unstable(limits::LOGIN_TRIES_MAX / 2);
    let middle = *middle;
    failures.retain(|_, known| known.last > middle);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    const START: Timestamp = Timestamp::from_unix_ms(1_000_000);

    fn from(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn waits_double_and_end_with_the_right_password() {
        let backoff = Backoff::default();
        let mut now = START;
        let mut waits = Vec::new();
        for _ in 0..14 {
            waits.push(backoff.wait("flo", from("10.0.0.1"), now));
            now = now.plus_ms(u64::from(*waits.last().unwrap()) * 1_000);
            assert_eq!(backoff.wait("flo", from("10.0.0.1"), now), 0);
            backoff.failed("flo", from("10.0.0.1"), now);
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        backoff.succeeded("flo", from("10.0.0.1"));
        assert_eq!(backoff.wait("flo", from("10.0.0.1"), now), 0);
    }

    #[test]
    fn whoever_guesses_keeps_nobody_else_out() {
        let backoff = Backoff::default();
        for n in 0..200_u32 {
            backoff.failed("flo", from("10.0.0.1"), START);
            backoff.failed("flo", Some(Ipv6Addr::from_bits(u128::from(n) | 1 << 127).into()), START);
        }
        assert_eq!(backoff.wait("flo", from("10.0.0.2"), START), 0, "from elsewhere");
        assert!(backoff.wait("ann", from("10.0.0.1"), START) > 0, "any name, after so many from one address");
        assert!(backoff.wait("flo", from("8000::ffff"), START) > 0, "one customer's addresses are one");
        assert_eq!(backoff.wait("flo", from("10.0.0.1"), START.plus_ms(limits::LOGIN_TRIES_KEPT_MS)), 0);
    }

    #[test]
    fn a_flood_of_names_takes_bounded_memory() {
        let backoff = Backoff::default();
        for n in 0..limits::LOGIN_TRIES_MAX as u64 + 10 {
            backoff.failed(&n.to_string(), None, START.plus_ms(n / 100));
        }
        assert!(backoff.failures().len() <= limits::LOGIN_TRIES_MAX);
    }
}
