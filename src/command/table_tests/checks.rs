//! What must never have come of a command, whatever it was.

use super::world::{Narrow, Snapshot, Way, World};
use crate::key::{Expiry, Key, KeyId, KeyState, RateLimit, User, UserKind};

/// Whether a key may do no more than another: nothing of it is used here that the rules are made of.
pub(super) fn is_within(key: &Key, bound: &Key) -> bool {
    let end = |key: &Key| match key.expiry {
        Expiry::Never => u64::MAX,
        Expiry::At(end) => end.unix_ms(),
    };
    let clients = ["192.0.2.7", "192.0.3.1", "198.51.100.9", "203.0.113.1", "2001:db8::1"];
    let allows = |key: &Key, client: &str| key.allowlist.allows(Some(client.parse().unwrap()));
    let rate = |limit: &RateLimit| f64::from(limit.count.get()) / f64::from(limit.seconds.get());
    let slower = |limit: &RateLimit| {
        key.rate_limits
            .all()
            .iter()
            .any(|own| own.name == limit.name && own.burst <= limit.burst && rate(own) <= rate(limit))
    };
    key.level <= bound.level
        && end(key) <= end(bound)
        && clients.into_iter().all(|client| allows(bound, client) || !allows(key, client))
        && bound.rate_limits.all().iter().all(slower)
}

/// What a bot of a company must never have done: touch another company, or make what acts beyond its own.
fn check_bot(world: &World, before: &Snapshot, after: &Snapshot, texts: &[(KeyId, String)]) {
    let owner = |key: &Key| after.users.get(&key.owner.0);
    let acts_beyond =
        |key: &Key| key.level.number() == 8 && owner(key).is_some_and(|owner| owner.kind != UserKind::Bot);
    for user in after.users.values().filter(|user| before.users.get(&user.id.0) != Some(user)) {
        assert_eq!(user.company, Some(world.own), "a user outside the company: {user:?}");
        assert!(user.kind == UserKind::Bot || user.role.level().number() < 8, "an administrator: {user:?}");
    }
    for id in before.users.keys().filter(|id| !after.users.contains_key(id)) {
        assert_eq!(before.users[id].company, Some(world.own), "a removed user outside the company");
    }
    for (id, key) in &after.keys {
        let is_told = texts.iter().any(|(told, _)| told.to_bytes() == *id);
        if before.keys.get(id) != Some(key) || is_told {
            let company = owner(key).and_then(|owner| owner.company);
            assert_eq!(company, Some(world.own), "a key outside the company: {key:?}");
            assert!(!acts_beyond(key), "a key that acts beyond the company: {key:?}");
        }
    }
}

/// What must never have come of a command, whatever it was.
pub(super) fn check(world: &World, way: Way, before: &Snapshot, texts: &[(KeyId, String)]) {
    let after = world.held();
    let caller = &world.caller;
    let own = |key: &Key| caller.id() == Some(key.owner);
    if matches!(way, Way::Bot(_)) {
        check_bot(world, before, &after, texts);
    }
    for (id, _) in texts {
        let Some(key) = after.keys.get(&id.to_bytes()) else { panic!("a text of no key") };
        match &world.shown {
            Some(shown) => assert!(is_within(key, shown), "a text that may do more: {key:?}"),
            None => assert!(own(key) || key.level <= caller.level(), "a text above the caller: {key:?}"),
        }
    }
    for (id, key) in &after.keys {
        let old = before.keys.get(id);
        let is_revoked = matches!(key.state, KeyState::Revoked { .. });
        if old == Some(key) || is_revoked {
            continue;
        }
        if let Some(shown) = &world.shown {
            assert!(is_within(key, shown), "it came of a key that may do less: {key:?}");
        }
        let is_raised = old.is_none_or(|old| key.level > old.level);
        assert!(!is_raised || key.level <= caller.level(), "a level above the caller's: {key:?}");
    }
    if way.level() < 8 {
        let narrowed = world.narrowed.to_bytes();
        if let (Some(old), Some(new)) = (before.keys.get(&narrowed), after.keys.get(&narrowed)) {
            assert!(is_within(new, old) && new.state != KeyState::Active, "it got wider: {new:?}");
        }
        assert!(!after.keys.contains_key(&world.taken.to_bytes()), "a key that was taken away came back");
    }
    for (id, user) in &after.users {
        let old = before.users.get(id);
        assert!(old.is_none_or(|old| user.role.level() <= old.role.level() || way.level() == 8));
        let password = |user: &User| match &user.kind {
            UserKind::Person { password } => password.clone(),
            UserKind::Bot => None,
        };
        if password(user).is_none() || old.is_some_and(|old| password(old) == password(user)) {
            continue;
        }
        let is_own = caller.id() == Some(user.id);
        let may = match way {
            Way::Operator => true,
            Way::Password(_) if is_own => true,
            Way::Session(_) | Way::Token(_) if is_own => false,
            Way::Key(_, narrow) if narrow != Narrow::Plain => false,
            Way::Password(_) | Way::Session(_) | Way::Token(_) | Way::Key(..) | Way::Bot(_) => {
                caller.level() >= user.role.level()
            }
        };
        assert!(may, "the password of {}", user.username);
    }
}
