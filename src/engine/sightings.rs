//! Logins, and logins and keys that were refused: a bounded sample of them, for the audit. They change nothing, so nobody
//! waits for their being written.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::clock::Timestamp;
use crate::exchange::network;
use crate::key::{Action, Actor, KeyId, Subject, UserId};
use crate::limits;

use super::operation::Operation;
use super::{EngineError, Reader};

/// What was seen since the last look: the first of each kind from each network in an hour, and how many more were refused.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    seen: Mutex<Seen>,
    logins_refused: AtomicU64,
    keys_denied: AtomicU64,
}

#[derive(Debug, Default)]
struct Seen {
    /// When the hour began: at the first look.
    since: Option<Timestamp>,
    /// What will not be noted again within it.
    noted: HashSet<(Sight, Option<IpAddr>)>,
    /// What is still to be written, and where it came from.
    waiting: Vec<(Sight, Option<IpAddr>)>,
}

/// What can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sight {
    /// A user proved by a password who they are.
    LoggedIn(UserId),
    /// A password was refused: this user's, or of a login that nobody has.
    LoginRefused(Option<UserId>),
    /// A key that there is was denied.
    KeyDenied(KeyId),
}

/// One event of the audit.
pub(super) type Event = (Actor, Action, Subject);

impl Sightings {
    /// Takes note, unless somebody else is at it: that one then counts as one more.
    fn note(&self, sight: Sight, from: Option<IpAddr>) {
        let noted = match self.seen.try_lock() {
            Ok(seen) => Some(seen),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if noted.is_some_and(|mut seen| seen.note(sight, from)) {
            return;
        }
        match sight {
            Sight::LoggedIn(_) => {}
            Sight::LoginRefused(_) => add(&self.logins_refused),
            Sight::KeyDenied(_) => add(&self.keys_denied),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next event to write. At the end of an hour, or when it is the `last` chance, also how many more there were.
    pub(super) fn take(&self, now: Timestamp, last: bool) -> Option<Event> {
        let mut seen = self.seen();
        if let Some((sight, from)) = seen.waiting.pop() {
            return Some(sight.event(from));
        }
        let over = seen.since.is_none_or(|since| now >= since.plus_ms(limits::SIGHTINGS_MS) || now < since);
        if !over && !last {
            return None;
        }
        let counted = [(&self.logins_refused, Action::LoginRefused), (&self.keys_denied, Action::KeyDenied)];
        for (count, action) in counted {
            let count = count.swap(0, Ordering::Relaxed);
            if count > 0 {
                return Some((Actor::Stranger { from: None }, action, Subject::Attempts(count)));
            }
        }
        if over {
            *seen = Seen { since: Some(now), ..Seen::default() };
        }
        None
    }
}

impl Seen {
    /// Whether it is worth an event of its own: the first of its kind from there, while there is room.
    fn note(&mut self, sight: Sight, from: Option<IpAddr>) -> bool {
        let known = (sight, from.map(network));
        if self.noted.contains(&known) || self.noted.len() >= limits::SIGHTINGS_MAX {
            return false;
        }
        self.noted.insert(known);
        self.waiting.push((sight, from));
        true
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

impl Sight {
    fn event(self, from: Option<IpAddr>) -> Event {
        let stranger = Actor::Stranger { from };
        match self {
            Self::LoggedIn(user) => {
                (Actor::User { user, key: None, from }, Action::LoggedIn, Subject::User(user))
            }
            Self::LoginRefused(Some(user)) => (stranger, Action::LoginRefused, Subject::User(user)),
            Self::LoginRefused(None) => (stranger, Action::LoginRefused, Subject::Attempts(1)),
            Self::KeyDenied(key) => (stranger, Action::KeyDenied, Subject::Key(key)),
        }
    }
}

/// Writes an event that changes nothing else.
pub(super) fn write(operation: &mut Operation<'_>, event: Event) -> Result<(), EngineError> {
    let (actor, action, subject) = event;
    operation.record(actor, action, subject).map(drop)
}

impl Reader {
    /// Takes note that a user logged in, or that a login was refused, for the audit: the first time in an hour from each
    /// network, up to a hundred such in all; how many more were refused is written once an hour.
    ///
    /// # Security
    /// What was typed as a login name is not kept: it may be a password.
    ///
    /// # Durability
    /// Written within a minute, and at a stop; a crash may lose what was not.
    pub fn note_login(&self, user: Option<UserId>, proved: bool, from: Option<IpAddr>) {
        let sight = match user {
            Some(user) if proved => Sight::LoggedIn(user),
            user => Sight::LoginRefused(user),
        };
        self.sightings.note(sight, from);
    }

    /// Takes note that a key was denied, likewise.
    #[cold]
    pub(crate) fn note_denied(&self, key: KeyId, from: Option<IpAddr>) {
        self.sightings.note(Sight::KeyDenied(key), from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix_ms(1_764_100_000_000);

    fn all(sightings: &Sightings, now: Timestamp, last: bool) -> Vec<Event> {
        std::iter::from_fn(|| sightings.take(now, last)).collect()
    }

    fn begun() -> Sightings {
        let sightings = Sightings::default();
        assert_eq!(all(&sightings, START, false), []);
        sightings
    }

    #[test]
    fn the_first_from_each_network_is_an_event_and_the_rest_a_number_once_an_hour() {
        let sightings = begun();
        let from = |text: &str| Some(text.parse().unwrap());
        let refused = Sight::LoginRefused(Some(UserId(7)));
        for address in ["192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2", "192.0.2.1"] {
            sightings.note(refused, from(address));
            sightings.note(Sight::LoggedIn(UserId(7)), from(address));
        }
        let minute = START.plus_ms(60_000);
        let events = all(&sightings, minute, false);
        assert_eq!(events.len(), 4, "{events:?}");
        let one =
            (Actor::Stranger { from: from("192.0.2.1") }, Action::LoginRefused, Subject::User(UserId(7)));
        assert!(events.contains(&one), "{events:?}");
        sightings.note(refused, from("192.0.2.1"));
        assert_eq!(all(&sightings, minute.plus_ms(60_000), false), [], "not again within the hour");
        let hour = START.plus_ms(limits::SIGHTINGS_MS);
        let rest = (Actor::Stranger { from: None }, Action::LoginRefused, Subject::Attempts(4));
        assert_eq!(all(&sightings, hour, false), [rest], "logins that are good are not counted");
        sightings.note(refused, from("192.0.2.1"));
        assert_eq!(all(&sightings, hour, false), [one], "and then anew");
    }

    #[test]
    fn however_many_there_are_the_audit_grows_by_few() {
        let sightings = begun();
        for n in 0..100_000_u32 {
            let key = KeyId::from_bytes(u128::from(n).to_be_bytes());
            sightings.note(Sight::KeyDenied(key), Some(std::net::Ipv4Addr::from_bits(n).into()));
        }
        let events = all(&sightings, START, true);
        assert_eq!(events.len(), limits::SIGHTINGS_MAX + 1);
        let rest = Subject::Attempts(100_000 - limits::SIGHTINGS_MAX as u64);
        assert_eq!(events.last().unwrap().2, rest, "none is lost");
    }
}
