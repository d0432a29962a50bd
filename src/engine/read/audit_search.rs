//! Backward search of the audit: newest first, filtered, with the chain proved on the way.
//!
//! Events have rising numbers, so a search needs no index: it scans back from the newest event, and proves each link of
//! the chain that it passes. Alternative: an index per user and key. Each change would write more entries, for a list
//! that is read rarely.

use std::collections::HashSet;

use crate::clock::Timestamp;
use crate::engine::commit::event_hash;
use crate::engine::{EngineError, Reader};
use crate::key::{
    AuditAction, AuditEvent, AuditField, AuditHead, EventHash, FieldChange, KeyId, Subject, UserId,
};
use crate::limits;
use crate::store::codec::Record as _;
use crate::store::{paged, paged_by, schema};

use super::audit_chain::{Chain, look_back};

/// Filter of audit events. Fields that are `None` match every event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Events about this user, about a key that the user has or had, or by this user.
    pub user: Option<UserId>,
    /// Events about this key, or by it.
    pub key: Option<KeyId>,
    /// Events with this action.
    pub action: Option<AuditAction>,
    /// Events by this user.
    pub actor: Option<UserId>,
    /// Events at this time or later.
    pub from: Option<Timestamp>,
    /// Events before this time.
    pub until: Option<Timestamp>,
}

/// Page of audit events, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// Events of the page.
    pub events: Vec<AuditEvent>,
    /// Event before which the next page begins; `None` at the end.
    pub next: Option<u64>,
    /// State of the chain, as far as the page reached.
    pub chain: Chain,
}

impl Reader {
    /// Returns up to `limit` events (at most 1,000) before the event `before` that match `filter`, newest first. Every
    /// page but the last is full. The scan reads also events that do not match, a thousand at a time, down to a day
    /// before [`EventFilter::from`]: it takes time in proportion to them.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the events could not be read.
    pub fn search_audit(
        &self,
        filter: &EventFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AuditPage, EngineError> {
        let keys = filter.user.map(|user| self.key_ids_of(user)).transpose()?.unwrap_or_default();
        let limit = limit.clamp(1, limits::PAGE_MAX);
        let (mut events, mut next) = (Vec::<AuditEvent>::new(), None);
        let chain = look_back(self.store.as_ref(), before, &mut |event| {
            if filter.wants(&event, &keys) {
                if events.len() == limit {
                    next = events.last().map(|last| last.sequence);
                    return false;
                }
                events.push(event);
                return true;
            }
            // A clock may have been set back a little.
            filter.from.is_none_or(|from| event.at.plus_ms(limits::CLOCK_SET_BACK_MS) >= from)
        })?;
        Ok(AuditPage { events, next, chain })
    }

    /// Returns up to `limit` events (at most 1,000) that match `filter`, by rising sequence, after the event `after`;
    /// and the event after which the next page begins, `None` at the end. Scans as [`Reader::search_audit`] does.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the events could not be read.
    pub fn events(
        &self,
        filter: &EventFilter,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<AuditEvent>, Option<u64>), EngineError> {
        let keys = filter.user.map(|user| self.key_ids_of(user)).transpose()?.unwrap_or_default();
        let limit = limit.clamp(1, limits::PAGE_MAX);
        let mut events = Vec::<AuditEvent>::new();
        let after = Some(schema::audit(after));
        for entry in paged_by(limit + 1, after, |after, limit| self.store.scan(schema::AUDIT, after, limit)) {
            let event = AuditEvent::from_entry(&entry?)?;
            if !filter.wants(&event, &keys) {
                continue;
            }
            if events.len() == limit {
                let next = events.last().map(|last| last.sequence);
                return Ok((events, next));
            }
            events.push(event);
        }
        Ok((events, None))
    }

    /// Proves every link of the audit's chain, and that the event `kept` belongs to it. Takes time in proportion to the
    /// audit.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the audit could not be read.
    ///
    /// # Security
    /// An attacker who can write the store can write another consistent chain. That chain does not contain a head that
    /// was kept outside the store before.
    pub fn audit_chain(&self, kept: Option<&AuditHead>) -> Result<Chain, EngineError> {
        let kept = kept.map(|kept| self.has_event(kept)).transpose()?;
        Ok(Chain { kept, ..look_back(self.store.as_ref(), None, &mut |_| true)? })
    }

    fn has_event(&self, kept: &AuditHead) -> Result<bool, EngineError> {
        let event = self.store.get(&schema::audit(kept.sequence))?;
        let hash = event.map_or_else(EventHash::default, |event| event_hash(&event.value));
        Ok(hash == kept.hash)
    }

    fn key_ids_of(&self, user: UserId) -> Result<HashSet<KeyId>, EngineError> {
        let listing = schema::owned(user.0);
        let ids = paged(None, |after, limit| self.store.scan(&listing, after, limit)).filter_map(|entry| {
            entry.map(|entry| schema::indexed_id(&entry.key).map(KeyId::from_bytes)).transpose()
        });
        Ok(ids.collect::<Result<_, _>>()?)
    }
}

impl EventFilter {
    fn wants(&self, event: &AuditEvent, keys: &HashSet<KeyId>) -> bool {
        let Self { user, key, action, actor, from, until } = self;
        user.is_none_or(|user| is_about(event, user, keys) || event.by_user() == Some(user))
            && key.is_none_or(|key| names(event, key) || event.by_key() == Some(key))
            && action.is_none_or(|action| event.action == action)
            && actor.is_none_or(|user| event.by_user() == Some(user))
            && from.is_none_or(|from| event.at >= from)
            && until.is_none_or(|until| event.at < until)
    }
}

/// Whether an event is about a key, or names it among the keys that changed with its subject.
fn names(event: &AuditEvent, key: KeyId) -> bool {
    let id = key.to_string();
    let along = |change: &FieldChange| {
        let of_keys = matches!(
            change.field,
            AuditField::KeysCreated | AuditField::KeysChanged | AuditField::KeysRemoved
        );
        of_keys && [&change.old, &change.new].into_iter().flatten().any(|ids| ids.contains(&id))
    };
    event.subject == Subject::Key(key) || event.details.changes.iter().any(along)
}

/// Whether an event is about a user or one of the user's keys. The events of a deleted key name its owner.
fn is_about(event: &AuditEvent, user: UserId, keys: &HashSet<KeyId>) -> bool {
    let owner = user.to_string();
    let was_theirs = |change: &FieldChange| {
        change.field == AuditField::Owner && [&change.old, &change.new].contains(&&Some(owner.clone()))
    };
    match event.subject {
        Subject::User(id) => id == user,
        Subject::Key(id) => keys.contains(&id) || event.details.changes.iter().any(was_theirs),
        Subject::Company(_) | Subject::Keys(_) | Subject::Attempts(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::{Engine, NewKey, NewUser, Parts};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, Keyspace, Level, PepperRing, Role};
    use crate::store::{Batch, MemoryStore};

    /// Two users with keys: events 1 and 2 about the users, then `keys` about keys of theirs in turn.
    fn engine(keys: u64) -> (Engine, [UserId; 2]) {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let add = |name: &str| {
            let new = NewUser::person(name.parse().unwrap(), Role::User, None);
            engine.add_user(Actor::Operator, new).unwrap().id
        };
        let users = [add("ann"), add("bob")];
        for n in 0..keys {
            let actor = Actor::User { user: users[1], key: None, from: None };
            let new = NewKey::new(*Keyspace::NATIVE.name(), users[n as usize % 2], Level::READ);
            engine.create_key(actor, new).unwrap();
        }
        (engine, users)
    }

    fn sequences(trail: &AuditPage) -> Vec<u64> {
        trail.events.iter().map(|event| event.sequence).collect()
    }

    #[test]
    fn events_come_newest_first_in_pages_and_by_filter() {
        let (engine, [ann, bob]) = engine(6);
        let reader = engine.reader();
        let all = reader.search_audit(&EventFilter::default(), None, 3).unwrap();
        assert_eq!((sequences(&all), all.next), (vec![8, 7, 6], Some(6)));
        let rest = reader.search_audit(&EventFilter::default(), all.next, 100).unwrap();
        assert_eq!((sequences(&rest), rest.next), (vec![5, 4, 3, 2, 1], None));
        assert_eq!((all.chain.broken_at, rest.chain.broken_at), (None, None));
        let about = EventFilter { user: Some(ann), ..EventFilter::default() };
        assert_eq!(sequences(&reader.search_audit(&about, None, 100).unwrap()), [7, 5, 3, 1]);
        let by = EventFilter { actor: Some(bob), ..EventFilter::default() };
        assert_eq!(sequences(&reader.search_audit(&by, None, 100).unwrap()), [8, 7, 6, 5, 4, 3]);
        let Subject::Key(key) = all.events[0].subject else { panic!() };
        let of_key = EventFilter { key: Some(key), ..EventFilter::default() };
        assert_eq!(sequences(&reader.search_audit(&of_key, None, 100).unwrap()), [8]);
        let later = EventFilter { from: Some(Timestamp::MAX), ..EventFilter::default() };
        assert_eq!(reader.search_audit(&later, None, 100).unwrap().events, []);
    }

    #[test]
    fn a_removed_an_altered_and_a_swapped_event_break_the_chain() {
        let places = |from, to| (schema::audit(from), schema::audit(to));
        for (case, damage) in
            ["none", "removed", "first removed", "altered", "swapped"].into_iter().enumerate()
        {
            let (engine, _) = engine(1_500);
            let store = Arc::clone(&engine.view().store);
            let (one, other) = places(700, 701);
            let bytes = |place: &[u8]| store.get(place).unwrap().unwrap().value;
            let mut batch = Batch::default();
            match case {
                0 => {}
                1 => batch.delete(one.clone()),
                2 => batch.delete(schema::audit(1)),
                3 => {
                    let mut event = AuditEvent::from_entry(&store.get(&one).unwrap().unwrap()).unwrap();
                    event.at = event.at.plus_ms(1);
                    batch.put(one.clone(), event.encode().unwrap());
                }
                _ => {
                    batch.put(one.clone(), bytes(&other));
                    batch.put(other.clone(), bytes(&one));
                }
            }
            store.commit(batch).unwrap();
            let broken = engine.reader().audit_chain(None).unwrap().broken_at;
            assert_eq!(broken.is_some(), case > 0, "{damage}");
            assert_eq!(engine.check().unwrap().findings.is_empty(), case == 0, "{damage}");
        }
    }

    #[test]
    fn a_head_that_was_kept_tells_whether_the_past_is_the_same() {
        let (engine, _) = engine(3);
        let kept = engine.reader().audit_chain(None).unwrap().head;
        let (others, _) = self::engine(9);
        for (reader, kept, same) in [
            (engine.reader(), kept, true),
            (others.reader(), kept, false),
            (engine.reader(), AuditHead { sequence: 99, ..kept }, false),
            (engine.reader(), AuditHead::default(), true),
        ] {
            let chain = reader.audit_chain(Some(&kept)).unwrap();
            assert_eq!((chain.broken_at, chain.kept), (None, Some(same)), "{kept}");
        }
        for text in ["", "1", "1:ab", "+1:", &format!("+1:{}", "00".repeat(32))] {
            assert!(text.parse::<AuditHead>().is_err(), "{text}");
        }
    }
}
