//! Threads that change users and keys, and threads that verify.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use keyward::clock::Clock as _;
use keyward::engine::{KeyChange, UserChange};
use keyward::key::{Allowlist, Expiry, Keyspace, Level, RevokeReason, Role, UserStatus};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::history::{
    Ask, KeyTrack, Look, Register, Secret, Span, Standing, TextTrack, TrackedStatus, UserTrack,
};
use crate::world::{BY, Outcome, SEATS, World};

/// Looks that each verifying thread takes for every change.
const LOOKS_A_CHANGE: usize = 6;
const NETWORK: &str = "10.0.0.0/8";

/// Changes what sits in the seats, so many times, and looks at each change as soon as it was answered.
pub(crate) fn change_all(world: &World<'_>, seed: u64, changes: usize) -> Vec<Look> {
    let mut actor = Actor { world, random: StdRng::seed_from_u64(seed), looks: Vec::new() };
    (0..changes).for_each(|_| actor.act());
    actor.looks
}

/// Verifies texts at the pace of `changes` changes.
pub(crate) fn verify_all(world: &World<'_>, seed: u64, changes: usize) -> Vec<Look> {
    let mut actor = Actor { world, random: StdRng::seed_from_u64(seed), looks: Vec::new() };
    while actor.looks.len() < changes * LOOKS_A_CHANGE && !world.ended.load(Ordering::SeqCst) {
        if actor.looks.len() > (world.changes.load(Ordering::SeqCst) + 1) * LOOKS_A_CHANGE {
            std::thread::yield_now();
        } else if let Some(key) = actor.some_key() {
            actor.look_at(&key);
        }
    }
    actor.looks
}

struct Actor<'a> {
    world: &'a World<'a>,
    random: StdRng,
    looks: Vec<Look>,
}

impl Actor<'_> {
    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.random.random_range(0..choices.len())]
    }

    /// Mostly one that is being changed, now and then any.
    fn some_key(&mut self) -> Option<Arc<KeyTrack>> {
        if self.random.random_range(0..5) > 0 {
            return self.world.pool.seats[self.random.random_range(0..SEATS)].lock().unwrap().clone();
        }
        let keys = self.world.pool.keys.read().unwrap();
        (!keys.is_empty()).then(|| keys[self.random.random_range(0..keys.len())].clone())
    }

    fn ask(&mut self) -> Ask {
        let client = self.one_of(&["10.1.2.3", "192.0.2.7", "::ffff:10.1.2.3", "2001:db8::1", ""]);
        Ask {
            client: client.parse().ok(),
            level: self.one_of(&[Level::AUTHENTICATE, Level::READ, Level::OWN]),
        }
    }

    /// Looks at the newest text of a key or, as often, at any.
    fn look_at(&mut self, key: &Arc<KeyTrack>) {
        let texts = key.texts.lock().unwrap().clone();
        let any = self.random.random_range(0..texts.len());
        let text = self.one_of(&[texts.len() - 1, any]);
        self.look_at_text(key, &texts[text]);
    }

    fn look_at_text(&mut self, key: &Arc<KeyTrack>, text: &Arc<TextTrack>) {
        let ask = self.ask();
        self.looks.push(self.world.look(key, text, ask));
    }

    /// Makes one change, and looks at its key at once.
    fn act(&mut self) {
        let seat = self.random.random_range(0..SEATS);
        let seated = self.world.pool.seats[seat].lock().unwrap().clone();
        let Some(key) = seated.filter(|key| !ended(key)) else {
            if let Some(key) = self.create() {
                *self.world.pool.seats[seat].lock().unwrap() = Some(Arc::clone(&key));
                self.look_at(&key);
            }
            return;
        };
        match self.random.random_range(0..24) {
            0..5 => self.set_active(&key),
            5..7 => self.set_level(&key),
            7..9 => self.set_expiry(&key),
            9..11 => self.set_allowlist(&key),
            11..17 => self.rotate(&key),
            17 => self.set_role(&key.owner),
            18..20 => self.set_status(&key.owner),
            20 => self.revoke(&key),
            21 => self.delete(&key),
            22 => self.remove(&key.owner),
            _ => self.world.clock.advance_ms(self.random.random_range(0..8_000)),
        }
        let texts = key.texts.lock().unwrap().clone();
        texts.iter().rev().take(3).for_each(|text| self.look_at_text(&key, text));
    }

    fn create(&mut self) -> Option<Arc<KeyTrack>> {
        let present: Vec<_> = {
            let users = self.world.pool.users.read().unwrap();
            users.iter().filter(|user| !*user.removed.read().unwrap()).cloned().collect()
        };
        let keyspace = self.one_of(&[Keyspace::NATIVE, Keyspace::NATIVE, Keyspace::FILEBIN]);
        let owner = match self.random.random_range(0..4) {
            at if at < present.len() => Arc::clone(&present[at]),
            _ => self.world.add_user()?,
        };
        self.world.create(&owner, keyspace)
    }

    /// Takes down what a refusal says of the key.
    fn refused<T>(&mut self, key: &Arc<KeyTrack>, outcome: Outcome<T>) -> Option<(Span, T)> {
        match outcome {
            Outcome::Done(span, answer) => Some((span, answer)),
            Outcome::Refused(span, seen) => {
                let (ask, now) = (self.ask(), self.world.clock.now());
                let text = Arc::clone(&key.texts.lock().unwrap()[0]);
                let key = Arc::clone(key);
                self.looks.push(Look { key, text, span, clock: (now, now), ask, seen });
                None
            }
            Outcome::Failed => None,
        }
    }

    fn update(&mut self, key: &Arc<KeyTrack>, change: KeyChange) -> Option<Span> {
        let outcome = self.world.change(|engine| engine.update_key(BY, key.id, change));
        self.refused(key, outcome).map(|(span, _)| span)
    }

    fn set_active(&mut self, key: &Arc<KeyTrack>) {
        let active = self.random.random();
        let change = KeyChange { active: Some(active), ..KeyChange::default() };
        if let Some(span) = self.update(key, change) {
            key.standing.write(span, if active { Standing::Active } else { Standing::Suspended });
        }
    }

    fn set_level(&mut self, key: &Arc<KeyTrack>) {
        let level = self.one_of(&[Level::AUTHENTICATE, Level::READ, Level::OWN]);
        let change = KeyChange { level: Some(level), ..KeyChange::default() };
        if let Some(span) = self.update(key, change) {
            key.level.write(span, level);
        }
    }

    fn set_expiry(&mut self, key: &Arc<KeyTrack>) {
        // Far enough ahead not to be reached while the change waits.
        let end = self.world.clock.now().plus_ms(1_000_000 + self.random.random_range(0..60_000));
        let near = self.world.clock.now().plus_ms(100_000);
        let expiry = self.one_of(&[Expiry::Never, Expiry::At(end), Expiry::At(near)]);
        let change = KeyChange { expiry: Some(expiry), ..KeyChange::default() };
        if let Some(span) = self.update(key, change) {
            key.expiry.write(span, expiry);
        }
    }

    fn set_allowlist(&mut self, key: &Arc<KeyTrack>) {
        let allowlist: Allowlist = self.one_of(&[NETWORK, "", ""]).parse().unwrap();
        let change = KeyChange { allowlist: Some(allowlist.clone()), ..KeyChange::default() };
        if let Some(span) = self.update(key, change) {
            key.allowlist.write(span, allowlist);
        }
    }

    fn rotate(&mut self, key: &Arc<KeyTrack>) {
        // One rotation of a key at a time: only so is it known which text each of them replaced.
        let mut texts = key.texts.lock().unwrap();
        let grace = self.one_of(&[0, 5_000, 40_000]);
        let outcome = self.world.change(|engine| engine.rotate_key(BY, key.id, grace));
        let (span, (rotated, text)) = match outcome {
            Outcome::Done(span, answer) => (span, answer),
            other => {
                drop(texts);
                let _ = self.refused(key, other);
                return;
            }
        };
        if let [before @ .., newest] = &texts[..] {
            let replaced = rotated.secrets.previous.as_ref();
            newest.secret.write(span, replaced.map_or(Secret::Replaced, |(_, end)| Secret::Retiring(*end)));
            if let Some(previous) = before.last() {
                previous.secret.write(span, Secret::Replaced);
            }
        }
        let secret = Register::new(span, Secret::Current);
        texts.push(Arc::new(TextTrack { text: text.reveal().to_string(), secret }));
    }

    fn set_role(&mut self, owner: &UserTrack) {
        let role = self.one_of(&[Role::ReadSome, Role::User, Role::User]);
        let change = UserChange { role: Some(role), ..UserChange::default() };
        if let Outcome::Done(span, _) = self.world.change(|engine| engine.update_user(BY, owner.id, change)) {
            owner.level.write(span, role.level());
        }
    }

    fn set_status(&mut self, owner: &UserTrack) {
        let (status, noted) = self.one_of(&[
            (UserStatus::Active, TrackedStatus::Active),
            (UserStatus::Active, TrackedStatus::Active),
            (UserStatus::Blocked, TrackedStatus::Blocked),
        ]);
        let change = UserChange { status: Some(status), ..UserChange::default() };
        if let Outcome::Done(span, _) = self.world.change(|engine| engine.update_user(BY, owner.id, change)) {
            owner.status.write(span, noted);
        }
    }

    fn revoke(&mut self, key: &Arc<KeyTrack>) {
        let outcome = self.world.change(|engine| engine.revoke_key(BY, key.id, RevokeReason::Unspecified));
        if let Some((span, _)) = self.refused(key, outcome) {
            key.standing.write(span, Standing::Revoked);
        }
    }

    fn delete(&mut self, key: &Arc<KeyTrack>) {
        let outcome = self.world.change(|engine| engine.delete_key(BY, key.id));
        if let Some((span, ())) = self.refused(key, outcome) {
            key.standing.write(span, Standing::Deleted);
        }
    }

    fn remove(&mut self, owner: &Arc<UserTrack>) {
        let mut removed = owner.removed.write().unwrap();
        if *removed {
            return;
        }
        if let Outcome::Done(span, ()) = self.world.change(|engine| engine.remove_user(BY, owner.id)) {
            *removed = true;
            owner.status.write(span, TrackedStatus::Removed);
            let keys = self.world.pool.keys.read().unwrap();
            let theirs = keys.iter().filter(|key| key.owner.id == owner.id);
            theirs.for_each(|key| key.standing.write(span, Standing::Deleted));
        }
    }
}

/// Revoked or deleted: nothing brings it back.
pub(crate) fn ended(key: &KeyTrack) -> bool {
    let writes = key.standing.0.lock().unwrap();
    writes.iter().any(|write| matches!(write.value, Standing::Revoked | Standing::Deleted))
}
