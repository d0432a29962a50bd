//! An engine with people and keys in it, the same every time.

#![allow(dead_code, reason = "each target uses its own part of it")]

use std::sync::Arc;

use keyward::clock::{ManualClock, Timestamp};
use keyward::command::Service;
use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::entropy::SeededEntropy;
use keyward::key::{Actor, KeyId, KeyspaceName, Level, PepperRing, Role};
use keyward::store::{MemoryStore, Revision, Store as _};

/// The people `test` and `other`, and their keys.
pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) store: Arc<MemoryStore>,
    peppers: PepperRing,
    /// Every key's name, id and text.
    pub(crate) keys: Vec<(&'static str, KeyId, String)>,
}

impl World {
    /// With these keys: name, owner, level.
    pub(crate) fn new(keyspace: &str, keys: &[(&'static str, &str, u8)]) -> Self {
        let store = Arc::new(MemoryStore::new());
        let peppers = PepperRing::generate(&SeededEntropy::new(6)).unwrap();
        let engine = Engine::open(parts(store.clone(), &peppers)).unwrap();
        let keyspace: KeyspaceName = keyspace.parse().unwrap();
        let people = ["test", "other"].map(|name| {
            let person = NewUser::person(name.parse().unwrap(), Role::User, None);
            (name, engine.add_user(Actor::Operator, person).unwrap().id)
        });
        let made = keys.iter().map(|(name, owner, level)| {
            let (_, owner) = people.iter().find(|(person, _)| person == owner).unwrap();
            let new = NewKey::new(keyspace, *owner, Level::new(*level).unwrap());
            let (key, text) = engine.create_key(Actor::Operator, new).unwrap();
            (*name, key.id, text.reveal().to_string())
        });
        let keys = made.collect();
        Self { service: Service::new(engine), store, peppers, keys }
    }

    /// What an engine over a copy of the store is made of.
    pub(crate) fn parts(&self, store: Arc<MemoryStore>) -> Parts {
        parts(store, &self.peppers)
    }

    pub(crate) fn revision(&self) -> Revision {
        self.store.revision()
    }
}

fn parts(store: Arc<MemoryStore>, peppers: &PepperRing) -> Parts {
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_ms(1_378_389_775_190)));
    let entropy = Arc::new(SeededEntropy::new(7));
    Parts { clock, entropy, index_slots_max: 4_096, ..Parts::over(store, peppers.clone()) }
}
