//! Auth events: logins, refused logins and denied keys, on their way to the audit.
//!
//! They change nothing, so no caller waits for the write: write-behind stores them with the uses of keys. Every login
//! is written. Refusals are written as a bounded sample, since any client can cause any number of them: so a flood of
//! refusals neither fills the disk nor hides a login. The login name that a client typed is never stored: it may be a
//! password.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::clock::Timestamp;
use crate::engine::EngineError;
use crate::engine::commit::Transaction;
use crate::engine::read::look_back;
use crate::key::network;
use crate::key::{Actor, AuditAction, AuditEvent, EventDetails, KeyId, Subject, UserId};
use crate::limits;
use crate::store::Store;

/// Auth events since the last write-behind: every login, the first refusals of each kind from each network in an hour,
/// and the number of further refusals.
#[derive(Debug, Default)]
pub(in crate::engine) struct AuthEvents {
    logins: Mutex<VecDeque<Login>>,
    refused: Mutex<Refused>,
    logins_refused: AtomicU64,
    keys_denied: AtomicU64,
}

/// Logins of one user from one network since the last write-behind.
#[derive(Debug)]
struct Login {
    user: UserId,
    from: Option<IpAddr>,
    times: u64,
}

#[derive(Debug, Default)]
struct Refused {
    /// Start of the hour; `None` until the audit's events of the last hour were read.
    since: Option<Timestamp>,
    /// Refusals that were recorded in this hour, and are not recorded again in it.
    noted: HashSet<(Refusal, Option<IpAddr>)>,
    logins: usize,
    keys: usize,
    /// Refusals that are not written yet, with the client's network.
    waiting: VecDeque<(Refusal, Option<IpAddr>)>,
}

/// Kind of a refusal, with the reason if it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Refusal {
    /// A refused login: of this user, or of a login name that does not exist.
    Login(Option<UserId>, Option<Cow<'static, str>>),
    /// A denied key.
    Key(KeyId, Option<Cow<'static, str>>),
}

/// Audit event without its time and sequence.
pub(in crate::engine) type Event = (Actor, AuditAction, Subject, EventDetails);

impl AuthEvents {
    /// Records a refused login.
    pub(super) fn record_login_refused(
        &self,
        user: Option<UserId>,
        why: Option<&'static str>,
        from: Option<IpAddr>,
    ) {
        self.note(Refusal::Login(user, why.map(Cow::Borrowed)), from);
    }

    /// Records a denied key.
    pub(super) fn record_denial(&self, key: KeyId, why: &'static str, from: Option<IpAddr>) {
        self.note(Refusal::Key(key, Some(Cow::Borrowed(why))), from);
    }

    pub(super) fn record_login(&self, user: UserId, from: Option<IpAddr>) {
        let mut logins = lock(&self.logins);
        let place = from.map(network);
        match logins.iter_mut().find(|login| login.user == user && login.from.map(network) == place) {
            Some(login) => login.times = login.times.saturating_add(1),
            None => logins.push_back(Login { user, from, times: 1 }),
        }
    }

    /// Records a refusal. If another thread holds the lock, only a counter is incremented, so this never blocks.
    fn note(&self, refusal: Refusal, from: Option<IpAddr>) {
        let refused = match self.refused.try_lock() {
            Ok(refused) => Some(refused),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let count = self.count(&refusal);
        if !refused.is_some_and(|mut refused| refused.note(refusal, from)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    const fn count(&self, refusal: &Refusal) -> &AtomicU64 {
        match refusal {
            Refusal::Login(..) => &self.logins_refused,
            Refusal::Key(..) => &self.keys_denied,
        }
    }

    /// Reads once which refusals the audit has of the last hour, so that a restart does not start a new hour.
    pub(in crate::engine) fn begin(&self, store: &dyn Store, now: Timestamp) -> Result<(), EngineError> {
        if lock(&self.refused).since.is_some() {
            return Ok(());
        }
        let (mut earlier, mut since, mut looked_at) = (Vec::new(), now, 0);
        look_back(store, None, &mut |event| {
            looked_at += 1;
            let recent = event.at <= now && now < event.at.plus_ms(limits::AUTH_EVENTS_WINDOW_MS);
            if let Some(refused) = Refusal::of(&event).filter(|_| recent) {
                earlier.push(refused);
                since = since.min(event.at);
            }
            recent && looked_at < limits::AUTH_EVENTS_READ_BACK_MAX
        })?;
        let mut refused = lock(&self.refused);
        let waiting = std::mem::take(&mut refused.waiting);
        *refused = Refused { since: Some(since), ..Refused::default() };
        for (refusal, from) in earlier {
            refused.know(refusal, from);
        }
        for (refusal, from) in waiting {
            let count = self.count(&refusal);
            if !refused.note(refusal, from) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Takes the next event to write. At the end of an hour, or when this is the `last` call, also the number of
    /// further refusals.
    pub(in crate::engine) fn take(&self, now: Timestamp, last: bool) -> Option<Event> {
        if let Some(Login { user, from, times }) = lock(&self.logins).pop_front() {
            let (actor, subject) = (Actor::User { user, key: None, from }, Subject::User(user));
            return Some((
                actor,
                AuditAction::LoggedIn,
                subject,
                EventDetails { times, ..EventDetails::default() },
            ));
        }
        let mut refused = lock(&self.refused);
        if let Some((refusal, from)) = refused.waiting.pop_front() {
            return Some(refusal.event(from));
        }
        let over = refused
            .since
            .is_none_or(|since| now >= since.plus_ms(limits::AUTH_EVENTS_WINDOW_MS) || now < since);
        if !over && !last {
            return None;
        }
        let counted =
            [(&self.logins_refused, AuditAction::LoginRefused), (&self.keys_denied, AuditAction::KeyDenied)];
        for (count, action) in counted {
            let count = count.swap(0, Ordering::Relaxed);
            if count > 0 {
                let somebody = Actor::Stranger { from: None };
                return Some((somebody, action, Subject::Attempts(count), EventDetails::default()));
            }
        }
        if over {
            *refused = Refused { since: Some(now), ..Refused::default() };
        }
        None
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Refused {
    /// Whether a refusal has an event of its own: the first of its kind from its network, while its kind has room.
    fn note(&mut self, refusal: Refusal, from: Option<IpAddr>) -> bool {
        let new = self.know(refusal.clone(), from);
        if new {
            self.waiting.push_back((refusal, from));
        }
        new
    }

    fn know(&mut self, refusal: Refusal, from: Option<IpAddr>) -> bool {
        let kind = match refusal {
            Refusal::Login(..) => &mut self.logins,
            Refusal::Key(..) => &mut self.keys,
        };
        let new = *kind < limits::AUTH_EVENTS_MAX && self.noted.insert((refusal, from.map(network)));
        *kind += usize::from(new);
        new
    }
}

impl Refusal {
    fn event(self, from: Option<IpAddr>) -> Event {
        let (action, subject, reason) = match self {
            Self::Login(Some(user), reason) => (AuditAction::LoginRefused, Subject::User(user), reason),
            Self::Login(None, reason) => (AuditAction::LoginRefused, Subject::Attempts(1), reason),
            Self::Key(key, reason) => (AuditAction::KeyDenied, Subject::Key(key), reason),
        };
        let details = EventDetails { reason: reason.map(Cow::into_owned), ..EventDetails::default() };
        (Actor::Stranger { from }, action, subject, details)
    }

    /// Refusal and network of an audit event; `None` for other events, and for events that only have a number.
    fn of(event: &AuditEvent) -> Option<(Self, Option<IpAddr>)> {
        let Actor::Stranger { from } = event.actor else { return None };
        let reason = event.details.reason.clone().map(Cow::Owned);
        let refusal = match (event.action, event.subject) {
            (AuditAction::LoginRefused, Subject::User(user)) => Self::Login(Some(user), reason),
            (AuditAction::LoginRefused, Subject::Attempts(1)) if from.is_some() => Self::Login(None, reason),
            (AuditAction::KeyDenied, Subject::Key(key)) => Self::Key(key, reason),
            _ => return None,
        };
        Some((refusal, from))
    }
}

/// Writes an event that changes nothing else.
pub(in crate::engine) fn write(tx: &mut Transaction<'_>, event: &Event) -> Result<(), EngineError> {
    let (actor, action, subject, details) = event;
    tx.record_with(*actor, *action, *subject, details.clone()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, MemoryStore};

    const START: Timestamp = Timestamp::from_unix_ms(1_764_100_000_000);
    const FLO: UserId = UserId(7);

    fn all(auth_events: &AuthEvents, now: Timestamp, last: bool) -> Vec<Event> {
        std::iter::from_fn(|| auth_events.take(now, last)).collect()
    }

    fn begun() -> AuthEvents {
        let auth_events = AuthEvents::default();
        auth_events.begin(&MemoryStore::new(), START).unwrap();
        auth_events
    }

    fn from(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_first_refusal_from_each_network_is_an_event_and_the_rest_a_number_once_an_hour() {
        let auth_events = begun();
        let refused = || Refusal::Login(Some(FLO), None);
        for address in ["192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2", "192.0.2.1"] {
            auth_events.note(refused(), from(address));
        }
        let minute = START.plus_ms(60_000);
        let events = all(&auth_events, minute, false);
        let one = refused().event(from("192.0.2.1"));
        assert_eq!(events, [one.clone(), refused().event(from("2001:db8::1"))]);
        auth_events.note(refused(), from("192.0.2.1"));
        assert_eq!(all(&auth_events, minute.plus_ms(60_000), false), [], "not again within the hour");
        let hour = START.plus_ms(limits::AUTH_EVENTS_WINDOW_MS);
        let somebody = Actor::Stranger { from: None };
        let rest = (somebody, AuditAction::LoginRefused, Subject::Attempts(4), EventDetails::default());
        assert_eq!(all(&auth_events, hour, false), [rest]);
        auth_events.note(refused(), from("192.0.2.1"));
        assert_eq!(all(&auth_events, hour, false), [one], "and then anew");
    }

    #[test]
    fn however_many_are_refused_every_login_is_an_event() {
        let auth_events = begun();
        for n in 0..100_000_u32 {
            let address = Some(std::net::Ipv4Addr::from_bits(n).into());
            auth_events.note(Refusal::Login(Some(FLO), None), address);
            let key = KeyId::from_bytes(u128::from(n).to_be_bytes());
            auth_events.note(Refusal::Key(key, Some("revoked".into())), address);
        }
        for address in ["192.0.2.1", "192.0.2.1", "198.51.100.1", "2001:db8::1", "2001:db8::2"] {
            auth_events.record_login(FLO, from(address));
        }
        let events = all(&auth_events, START, true);
        let times: Vec<_> = events.iter().take(3).map(|event| (event.1, event.3.times)).collect();
        let logged_in = AuditAction::LoggedIn;
        assert_eq!(times, [(logged_in, 2), (logged_in, 1), (logged_in, 2)], "a network of IPv6 is a /64");
        assert_eq!(events.len(), 3 + 2 * (limits::AUTH_EVENTS_MAX + 1));
        let rest = Subject::Attempts(100_000 - limits::AUTH_EVENTS_MAX as u64);
        assert!(events.iter().rev().take(2).all(|event| event.2 == rest), "none is lost");
    }

    #[test]
    fn the_hour_goes_on_over_restarts() {
        let store = MemoryStore::new();
        // Audit events of a process that sees so many networks.
        let run = |now: Timestamp, networks: u32| {
            let auth_events = AuthEvents::default();
            for n in 0..networks {
                let address = Some(std::net::Ipv4Addr::from_bits(n << 8).into());
                auth_events.note(Refusal::Login(Some(FLO), None), address);
                auth_events.note(Refusal::Key(KeyId::from_bytes([7; 16]), Some("expired".into())), address);
            }
            auth_events.begin(&store, now).unwrap();
            let events = all(&auth_events, now, true);
            for event in &events {
                let before = Batch::default();
                let mut tx = Transaction::new(&store, &before, now);
                write(&mut tx, event).unwrap();
                store.commit(tx.into_batch().unwrap()).unwrap();
            }
            events.len()
        };
        let (most, minute) = (2 * limits::AUTH_EVENTS_MAX, START.plus_ms(60_000));
        assert_eq!(run(START, 60), 2 * 60);
        assert_eq!(run(minute, 60), 2, "all are known, and counted");
        assert_eq!(run(minute, 300), most - 2 * 60 + 2);
        assert_eq!(run(minute, 300), 2);
        assert_eq!(
            run(START.plus_ms(limits::AUTH_EVENTS_WINDOW_MS), 90),
            2 * 60 + 2,
            "those of the first minute are over"
        );
    }
}
