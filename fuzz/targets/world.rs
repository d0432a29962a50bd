//! An engine with people and keys in it, the same every time.

#![allow(dead_code, reason = "each target uses its own part of it")]

use std::sync::Arc;

use keyward::clock::{ManualClock, Timestamp};
use keyward::command::{Login, Service};
use keyward::engine::{Engine, NewCompany, NewKey, NewKind, NewUser, Parts};
use keyward::entropy::SeededEntropy;
use keyward::key::{Actor, Company, CompanyId, KeyId, Level, PepperRing, Role, UserId};
use keyward::store::{MemoryStore, Revision, Store as _, schema};

/// People and their keys.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) service: Service,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: ManualClock,
    peppers: PepperRing,
    /// Everyone's name and number.
    pub(crate) people: Vec<(&'static str, UserId)>,
    /// Every key's name, id and text.
    pub(crate) keys: Vec<(&'static str, KeyId, String)>,
}

impl World {
    /// When it begins.
    pub(crate) const START_MS: u64 = 1_378_389_775_190;

    /// A world without users.
    pub(crate) fn empty() -> Self {
        let store = Arc::new(MemoryStore::new());
        let peppers = PepperRing::generate(&SeededEntropy::new(6)).unwrap();
        let clock = ManualClock::at(Timestamp::from_unix_ms(Self::START_MS));
        let engine = Engine::open(parts(store.clone(), &peppers, &clock)).unwrap();
        let service = Service::new(engine.clone());
        Self { engine, service, store, clock, peppers, people: Vec::new(), keys: Vec::new() }
    }

    /// With the people `test` and `other`, and these keys: name, owner, level.
    pub(crate) fn new(keyspace: &str, keys: &[(&'static str, &'static str, u8)]) -> Self {
        let mut world = Self::empty();
        for name in ["test", "other"] {
            world.person(name, Role::User);
        }
        for (name, owner, level) in keys {
            let owner = world.person(owner, Role::User);
            world.issue(name, Self::key(keyspace, owner, *level));
        }
        world
    }

    /// A key to issue.
    pub(crate) fn key(keyspace: &str, owner: UserId, level: u8) -> NewKey {
        NewKey::new(keyspace.parse().unwrap(), owner, Level::new(level).unwrap())
    }

    /// The person of this name, or the bot if it ends in `bot`, who is added if need be.
    pub(crate) fn person(&mut self, name: &'static str, role: Role) -> UserId {
        self.member(name, role, None)
    }

    /// The same, of a company.
    pub(crate) fn member(&mut self, name: &'static str, role: Role, company: Option<CompanyId>) -> UserId {
        if let Some((_, id)) = self.people.iter().find(|(person, _)| *person == name) {
            return *id;
        }
        let mut person = NewUser::person(name.parse().unwrap(), role, None);
        person.company = company;
        if name.ends_with("bot") {
            person.kind = NewKind::Bot;
        }
        let id = self.engine.add_user(Actor::Operator, person).unwrap().id;
        self.people.push((name, id));
        id
    }

    pub(crate) fn company(&self, name: &str) -> Company {
        let new = NewCompany { id: None, name: name.parse().unwrap() };
        self.engine.add_company(Actor::Operator, new).unwrap()
    }

    /// This person, logged in; without a password, since that takes time.
    pub(crate) fn login(&self, name: &str) -> Login {
        let (_, id) = self.people.iter().find(|(person, _)| *person == name).unwrap();
        self.service.authenticator().vouch_for(*id, None).unwrap()
    }

    /// Makes a key.
    pub(crate) fn issue(&mut self, name: &'static str, new: NewKey) -> (KeyId, String) {
        let (key, text) = self.engine.create_key(Actor::Operator, new).unwrap();
        let text = text.reveal().to_string();
        self.keys.push((name, key.id, text.clone()));
        (key.id, text)
    }

    /// What an engine over a copy of the store is made of.
    pub(crate) fn parts(&self, store: Arc<MemoryStore>) -> Parts {
        let clock = ManualClock::at(Timestamp::from_unix_ms(Self::START_MS));
        parts(store, &self.peppers, &clock)
    }

    pub(crate) fn revision(&self) -> Revision {
        self.store.revision()
    }

    /// Whether anything was changed since, but for uses: they are written behind, at any time, and have no event.
    pub(crate) fn changed_since(&self, before: Revision) -> bool {
        let changes = self.store.changes(before, usize::MAX).unwrap();
        changes.iter().flat_map(|change| &change.writes).any(|(place, _)| !place.starts_with(schema::KEYS))
    }
}

fn parts(store: Arc<MemoryStore>, peppers: &PepperRing, clock: &ManualClock) -> Parts {
    let entropy = Arc::new(SeededEntropy::new(7));
    let clock = Arc::new(clock.clone());
    Parts { clock, entropy, index_slots_max: 4_096, ..Parts::over(store, peppers.clone()) }
}
