//! Any sequence of operations on an engine whose store fails now and then, with reopening in between, leads to what
//! the model says: nothing answered is lost, nothing refused or failed shows before the next open, and after it a
//! failed operation is there whole or not at all.

use std::sync::Arc;

use keyward::clock::{Clock, ManualClock, Timestamp};
use keyward::engine::{Engine, EngineError, KeyChange, NewKey, NewKind, NewUser, Parts, UserChange};
use keyward::entropy::SeededEntropy;
use keyward::key::{
    Actor, Email, Expiry, KeyId, KeyState, Keyspace, Level, Patch, Pepper, PepperNumber, PepperRing,
    RevokeReason, Role, Spend, UserId, UserStatus,
};
use keyward::store::{MemoryStore, StoreError};
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};

use super::faulty::Faulty;
use super::model::{CLIENT, Credential, Model, NETWORKS, Person, State};
use super::rates::rate_limits;

const STEPS_MAX: usize = 48;
const PEPPERS_MAX: u8 = 3;

/// Carries out steps of four bytes: what, on whom, and two arguments.
pub fn run(bytes: &[u8]) {
    let mut world = World::new();
    for step in bytes.chunks_exact(4).take(STEPS_MAX) {
        world.step([step[0], step[1], step[2], step[3]]);
        world.verdicts_agree();
    }
    world.reopen();
    world.verdicts_agree();
    world.records_agree();
}

struct World {
    store: Arc<Faulty>,
    engine: Option<Engine>,
    clock: ManualClock,
    entropy: Arc<SeededEntropy>,
    peppers: u8,
    model: Model,
    /// What the next open finds, when that is not the model: a failed operation that landed.
    landed: Option<Model>,
}

/// Placeholder of a user or a key whose number the model does not know yet.
const NEW_USER: UserId = UserId(0);
const NEW_KEY: KeyId = KeyId::from_bytes([0; 16]);

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_700_000_000_000));
        let (store, entropy) =
            (Arc::new(Faulty::over(Arc::new(MemoryStore::new()))), Arc::new(SeededEntropy::new(1)));
        let (model, landed) = (Model::default(), None);
        let mut world = Self { store, engine: None, clock, entropy, peppers: 1, model, landed };
        world.open();
        world
    }

    fn open(&mut self) {
        let peppers = (1..=self.peppers).map(|n| (PepperNumber(n), Pepper::from_bytes([n; 32])));
        let parts = Parts {
            clock: Arc::new(self.clock.clone()),
            entropy: Arc::<SeededEntropy>::clone(&self.entropy),
            index_slots_max: 4_096,
            ..Parts::over(Arc::<Faulty>::clone(&self.store), PepperRing::new(peppers.collect()).unwrap())
        };
        self.engine = Some(Engine::open(parts).unwrap());
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    fn now(&self) -> u64 {
        self.clock.now().unix_ms()
    }

    fn step(&mut self, [what, who, a, b]: [u8; 4]) {
        match what % 16 {
            0 => self.add_user(who, a),
            1 => self.update_user(who, a, b),
            2 => self.remove_user(who),
            3..=5 => self.create_key(who, a, b),
            6 => self.update_key(who, a, b),
            7 => self.switch_key(who, a & 1 == 0),
            8 => self.rotate_key(who, u64::from(a) * 100),
            9 => self.revoke_key(who),
            10 => self.delete_key(who),
            11 => self.clock.advance_ms(u64::from(who) * u64::from(a) + 1),
            12 => self.reopen(),
            13 => {
                self.peppers = (self.peppers + 1).min(PEPPERS_MAX);
                self.reopen();
            }
            14 => self.store.fail_after(who % 4, a & 1 == 0),
            _ => self.use_key(who, u32::from(a % 7)),
        }
    }

    /// Carries out one operation, which the model refuses as told or after which it is `next`.
    fn attempt<T>(
        &mut self,
        refused: Option<EngineError>,
        next: Model,
        operation: impl FnOnce(&Engine) -> Result<T, EngineError>,
    ) -> Option<T> {
        let failed = self.store.has_failed();
        match operation(self.engine()) {
            Ok(answer) => {
                assert!(!failed && refused.is_none(), "instead of {refused:?}");
                self.model = next;
                return Some(answer);
            }
            Err(EngineError::Store(StoreError::Io { .. })) => {
                assert!(!failed && self.store.has_failed() && refused.is_none(), "instead of {refused:?}");
                self.landed = self.store.will_land().then_some(next);
            }
            Err(EngineError::Store(StoreError::Closed { .. })) => {
                assert!(self.store.has_failed() && self.engine().closed().is_some());
            }
            Err(error) => {
                let kind = refused.as_ref().map(std::mem::discriminant);
                assert_eq!(kind, Some(std::mem::discriminant(&error)), "{error:?} instead of {refused:?}");
            }
        }
        None
    }

    fn add_user(&mut self, who: u8, a: u8) {
        let name = format!("user{}", who % 5);
        let email = (a / 2 % 4).checked_sub(1);
        let refused = if self.model.has_name(&name, None) {
            Some(EngineError::UsernameTaken)
        } else {
            self.model.has_email(email, None).then_some(EngineError::EmailTaken)
        };
        let mut next = self.model.clone();
        next.people
            .insert(NEW_USER, Person { name: name.clone(), email, role: 4, status: UserStatus::Active });
        let kind = if a & 1 == 0 { NewKind::Bot } else { NewKind::Person { password: None } };
        let new = NewUser::person(name.parse().unwrap(), Role::User, None);
        let new = NewUser { kind, email: email.map(|nth| address(nth, who)), ..new };
        if let Some(user) = self.attempt(refused, next, |engine| engine.add_user(Actor::Operator, new)) {
            assert!(self.model.people.keys().all(|id| *id < user.id), "numbers rise");
            self.model.found_user(user.id);
        }
    }

    fn update_user(&mut self, who: u8, a: u8, b: u8) {
        let Some(id) = self.model.person(who) else { return };
        let (role, status) = (a % 9, UserStatus::ALL[usize::from(a / 9 % 3)]);
        let old = self.model.people[&id].clone();
        let name = Some(b % 8).filter(|nth| *nth < 5).map(|nth| format!("user{nth}"));
        let (email, change) = match b / 8 % 6 {
            0 => (old.email, Patch::Keep),
            1 => (None, Patch::Clear),
            nth => (Some(nth - 2), Patch::Set(address(nth - 2, who))),
        };
        let new = Person { name: name.clone().unwrap_or(old.name), email, role, status };
        let refused = if self.model.is_last_administrator(id, Some((role, status))) {
            Some(EngineError::LastAdministrator)
        } else if self.model.has_name(&new.name, Some(id)) {
            Some(EngineError::UsernameTaken)
        } else {
            self.model.has_email(email, Some(id)).then_some(EngineError::EmailTaken)
        };
        let change = UserChange {
            username: name.map(|name| name.parse().unwrap()),
            email: change,
            role: Some(Role::ALL[usize::from(role)]),
            status: Some(status),
            ..UserChange::default()
        };
        let mut next = self.model.clone();
        next.people.insert(id, new);
        self.attempt(refused, next, |engine| engine.update_user(Actor::Operator, id, change));
    }

    fn remove_user(&mut self, who: u8) {
        let Some(id) = self.model.person(who) else { return };
        let last = self.model.is_last_administrator(id, None);
        let mut next = self.model.clone();
        next.bury(|_, key| key.owner == id);
        next.people.remove(&id);
        let refused = last.then_some(EngineError::LastAdministrator);
        self.attempt(refused, next, |engine| engine.remove_user(Actor::Operator, id));
    }

    fn create_key(&mut self, who: u8, a: u8, b: u8) {
        let owner = self.model.person(who).unwrap_or(UserId(u64::MAX));
        // Of the others a user has one key at most, or loses them with a demotion.
        let keyspace = [Keyspace::FILEBIN, Keyspace::BOKAMERA, Keyspace::NATIVE][usize::from(a % 3)];
        let (level, limits, network) = (a / 6 % 9, b % 4, usize::from(b / 4 % 4));
        let end = match b / 16 {
            0 => None,
            15 => Some(self.now()),
            steps => Some(self.now() + u64::from(steps) * 500),
        };
        let refused = if end == Some(self.now()) {
            Some(EngineError::ExpiryOutOfRange)
        } else {
            (!self.model.people.contains_key(&owner)).then_some(EngineError::NoSuchUser)
        };
        let new = NewKey {
            allowlist: Some(NETWORKS[network].0.parse().unwrap()),
            rate_limits: Some(rate_limits(limits)),
            expiry: Some(expiry(end)),
            ..NewKey::new(*keyspace.name(), owner, Level::new(level).unwrap())
        };
        let (state, previous, spent) = (State::Active, None, None);
        let key = Credential {
            owner,
            keyspace,
            level,
            network,
            limits,
            state,
            end,
            text: None,
            previous,
            uses: 0,
            spent,
        };
        let mut next = self.model.clone();
        next.keys.push((NEW_KEY, key));
        if let Some((key, text)) =
            self.attempt(refused, next, |engine| engine.create_key(Actor::Operator, new))
        {
            self.model.found_key(key.id, Some(text.reveal().to_string()));
        }
    }

    /// Changes one key, which the model does with `change`.
    fn change_key<T>(
        &mut self,
        who: u8,
        refused: Option<EngineError>,
        change: impl FnOnce(&mut Model, usize),
        operation: impl FnOnce(&Engine, KeyId) -> Result<T, EngineError>,
    ) -> Option<(usize, T)> {
        let at = self.model.key(who)?;
        let (id, key) = &self.model.keys[at];
        let (id, revoked) = (*id, key.state == State::Revoked);
        let mut next = self.model.clone();
        change(&mut next, at);
        let refused = if revoked { Some(EngineError::KeyRevoked) } else { refused };
        Some((at, self.attempt(refused, next, |engine| operation(engine, id))?))
    }

    fn update_key(&mut self, who: u8, a: u8, b: u8) {
        let (level, limits, network) = (a % 9, a / 9 % 4, usize::from(b % 4));
        let end = match b / 4 {
            0 => None,
            1 => Some(None),
            63 => Some(Some(self.now())),
            steps => Some(Some(self.now() + u64::from(steps) * 100)),
        };
        let refused = (b / 4 == 63).then_some(EngineError::ExpiryOutOfRange);
        let change = KeyChange {
            level: Some(Level::new(level).unwrap()),
            allowlist: Some(NETWORKS[network].0.parse().unwrap()),
            rate_limits: Some(rate_limits(limits)),
            expiry: end.map(expiry),
            ..KeyChange::default()
        };
        let model = |model: &mut Model, at: usize| {
            let key = &mut model.keys[at].1;
            (key.level, key.limits, key.network, key.end) = (level, limits, network, end.unwrap_or(key.end));
        };
        self.change_key(who, refused, model, |engine, id| engine.update_key(Actor::Operator, id, change));
    }

    fn switch_key(&mut self, who: u8, active: bool) {
        let change = KeyChange { active: Some(active), ..KeyChange::default() };
        let state = if active { State::Active } else { State::Suspended };
        let model = |model: &mut Model, at: usize| model.keys[at].1.state = state;
        self.change_key(who, None, model, |engine, id| engine.update_key(Actor::Operator, id, change));
    }

    fn rotate_key(&mut self, who: u8, grace_ms: u64) {
        let now = self.now();
        let model = |model: &mut Model, at| model.rotate(at, now, grace_ms);
        let rotated =
            self.change_key(who, None, model, |engine, id| engine.rotate_key(Actor::Operator, id, grace_ms));
        if let Some((at, (_, text))) = rotated {
            self.model.keys[at].1.text = Some(text.reveal().to_string());
        }
    }

    fn revoke_key(&mut self, who: u8) {
        let Some(at) = self.model.key(who) else { return };
        let id = self.model.keys[at].0;
        let mut next = self.model.clone();
        next.keys[at].1.state = State::Revoked;
        let reason = RevokeReason::Superseded;
        self.attempt(None, next, |engine| engine.revoke_key(Actor::Operator, id, reason));
    }

    fn delete_key(&mut self, who: u8) {
        let Some(at) = self.model.key(who) else { return };
        let id = self.model.keys[at].0;
        let mut next = self.model.clone();
        next.bury(|key, _| key == id);
        self.attempt(None, next, |engine| engine.delete_key(Actor::Operator, id));
    }

    /// Ends the engine and starts the next one over what is on the disk.
    fn reopen(&mut self) {
        let engine = self.engine.take().unwrap();
        let stopped = engine.stop();
        drop(engine);
        let failed = self.store.has_failed();
        assert_eq!(stopped.is_err(), failed, "a stop after a failure is not in good order");
        self.store = Arc::new(self.store.reopened());
        if let Some(landed) = self.landed.take() {
            let before = std::mem::replace(&mut self.model, landed);
            self.model.count_as(&before);
        }
        self.open();
        self.find_out(failed);
    }

    /// Learns what the answer that was lost would have told, and how many uses were written.
    fn find_out(&mut self, failed: bool) {
        let reader = self.engine().reader();
        if let Some(person) = self.model.people.get(&NEW_USER) {
            let user = reader.user_named(&person.name.parse().unwrap()).unwrap().unwrap();
            self.model.found_user(user.id);
        }
        let stored =
            self.model.people.keys().flat_map(|owner| reader.keys_of(*owner, None, None, 1_000).unwrap().0);
        for key in stored.collect::<Vec<_>>() {
            if self.model.keys.iter().all(|(id, _)| *id != key.id) {
                self.model.found_key(key.id, None);
            }
            let (_, model) = self.model.keys.iter_mut().find(|(id, _)| *id == key.id).unwrap();
            assert!(key.usage.count <= model.uses, "a use was counted twice");
            assert!(
                failed || key.usage.count == model.uses,
                "{} of {} uses are counted",
                key.usage.count,
                model.uses
            );
            (model.uses, model.spent) = (key.usage.count, None);
            let shown = reader.text(&key).unwrap().map(|text| text.reveal().to_string());
            if model.text.is_none() {
                model.text = shown;
            } else if shown.is_some() {
                assert_eq!(shown, model.text);
            }
        }
    }

    fn verify(&self, keyspace: &Keyspace, text: &str, cost: u32) -> Verdict {
        let (client, spend) = (Some(CLIENT.parse().unwrap()), Spend { limit: None, cost });
        let request = VerifyRequest { client, spend, ..VerifyRequest::new(keyspace, text) };
        Verifier::new(self.engine().reader()).verify(&request).unwrap()
    }

    /// Uses the current secret of a key, and compares what its rate limits say.
    fn use_key(&mut self, who: u8, cost: u32) {
        let Some(at) = self.model.key(who) else { return };
        let now = self.now();
        let (_, key) = self.model.keys[at].clone();
        let (Some(text), Ok(_)) = (&key.text, self.model.verdict(&key, None, now)) else { return };
        let verdict = self.verify(&key.keyspace, text, cost);
        let fits = self.model.keys[at].1.spend(cost, now);
        match verdict {
            Verdict::Allow(identity) => {
                assert!(fits, "used too often");
                assert_eq!(identity.quota.is_some(), key.limits > 0);
                self.model.keys[at].1.uses += 1;
            }
            Verdict::Deny(DenyReason::RateLimited { quota, retry_ms }) => {
                assert!(!fits, "not used too often");
                let fits_after = |ms| key.arrival(&quota.limit, cost, now + ms).is_some();
                match retry_ms {
                    None => assert!(cost > quota.limit.burst.get()),
                    Some(ms) => assert!(fits_after(ms) && !fits_after(ms - 1), "{ms} ms is not when it fits"),
                }
            }
            Verdict::Deny(reason) => panic!("{reason:?}"),
        }
    }

    /// Every text that was ever given out is allowed or denied as the model says.
    fn verdicts_agree(&mut self) {
        let now = self.now();
        for at in 0..self.model.keys.len() {
            let (id, key) = self.model.keys[at].clone();
            let previous = key.previous.clone().map(|(text, until)| (text, Some(until)));
            for (text, until) in [(key.text.clone(), None)].into_iter().chain(previous) {
                let Some(text) = text else { continue };
                match (self.verify(&key.keyspace, &text, 0), self.model.verdict(&key, until, now)) {
                    (Verdict::Allow(identity), Ok(level)) => {
                        assert_eq!((identity.key, identity.user, identity.level), (id, key.owner, level));
                        let (_, key) = &mut self.model.keys[at];
                        assert!(key.spend(0, now));
                        key.uses += 1;
                    }
                    (Verdict::Deny(found), Err(reason)) => assert_eq!(found, reason),
                    (found, expected) => panic!("{found:?} instead of {expected:?}"),
                }
            }
        }
        for (keyspace, text) in &self.model.dead {
            assert_eq!(self.verify(keyspace, text, 1), Verdict::Deny(DenyReason::Unknown));
        }
    }

    /// The store is sound, and its records and listings are the model's.
    fn records_agree(&self) {
        let report = self.engine().check().unwrap();
        assert_eq!(report.findings, Vec::new());
        assert_eq!(
            (report.users, report.keys),
            (self.model.people.len() as u64, self.model.keys.len() as u64)
        );
        let reader = self.engine().reader();
        for (id, person) in &self.model.people {
            let user = reader.user(*id).unwrap().unwrap();
            assert_eq!(
                (user.username.as_str(), user.role.level().number()),
                (person.name.as_str(), person.role)
            );
            assert_eq!(
                user.email.map(|email| email.folded()),
                person.email.map(|nth| address(nth, 0).folded())
            );
            for keyspace in Keyspace::all() {
                let (listed, more) = reader.keys_of(*id, Some(keyspace.name()), None, 1_000).unwrap();
                let own = |(_, key): &&(KeyId, Credential)| key.owner == *id && key.keyspace == keyspace;
                let expected: Vec<_> = self.model.keys.iter().rev().filter(own).map(|(id, _)| *id).collect();
                assert_eq!(listed.iter().map(|key| key.id).collect::<Vec<_>>(), expected, "newest first");
                assert!(more.is_none());
            }
        }
        for (id, key) in &self.model.keys {
            let stored = reader.key(*id).unwrap().unwrap();
            let state = match stored.state {
                KeyState::Active => State::Active,
                KeyState::Suspended => State::Suspended,
                KeyState::Revoked { .. } => State::Revoked,
            };
            assert_eq!(
                (state, stored.level.number(), stored.expiry),
                (key.state, key.level, expiry(key.end))
            );
            assert_eq!(stored.allowlist.to_string(), NETWORKS[key.network].0);
            assert_eq!(stored.rate_limits, rate_limits(key.limits));
        }
    }
}

/// One of a few addresses, in one of its spellings.
fn address(nth: u8, spelling: u8) -> Email {
    let text = format!("Flo{nth}@Example.org");
    if spelling & 1 == 0 { text } else { text.to_lowercase() }.parse().unwrap()
}

fn expiry(end: Option<u64>) -> Expiry {
    end.map_or(Expiry::Never, |end| Expiry::At(Timestamp::from_unix_ms(end)))
}
