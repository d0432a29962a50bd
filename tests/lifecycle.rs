//! Any sequence of operations, with reopening in between, leads to what a plain model says: every text that was
//! ever issued is allowed or denied as the model expects, listings are in order, and the store's check is clean.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use keyward::clock::{Clock, ManualClock, Timestamp};
use keyward::command::{Caller, Command, Outcome, Service, UserRef};
use keyward::engine::{Engine, EngineError, KeyChange, NewKey, NewUser, Parts, UserChange};
use keyward::entropy::OsEntropy;
use keyward::key::{
    Actor, Expiry, KeyId, KeyState, Keyspace, Level, PepperRing, RevokeReason, Role, Status, UserId,
};
use keyward::store::sled::OpenOptions;
use keyward::store::{MemoryStore, SledStore};
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    AddUser { name: u8 },
    SetUser { user: usize, role: u8, status: u8 },
    RemoveUser { user: usize },
    Create { user: usize, keyspace: usize, level: u8, life: Option<u16> },
    Update { key: usize, level: u8, network: u8 },
    Suspend { key: usize },
    Resume { key: usize },
    Rotate { key: usize, grace: u16 },
    Revoke { key: usize },
    Delete { key: usize },
    Wait { ms: u16 },
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = 0..8_usize;
    let step = prop_oneof![
        2 => (0..5_u8).prop_map(|name| Step::AddUser { name }),
        2 => (index.clone(), 0..9_u8, 0..3_u8).prop_map(|(user, role, status)| Step::SetUser { user, role, status }),
        1 => index.clone().prop_map(|user| Step::RemoveUser { user }),
        6 => (index.clone(), 0..3_usize, 0..9_u8, prop::option::of(1..2_000_u16))
            .prop_map(|(user, keyspace, level, life)| Step::Create { user, keyspace, level, life }),
        2 => (index.clone(), 0..9_u8, 0..3_u8)
            .prop_map(|(key, level, network)| Step::Update { key, level, network }),
        1 => index.clone().prop_map(|key| Step::Suspend { key }),
        1 => index.clone().prop_map(|key| Step::Resume { key }),
        2 => (index.clone(), 0..1_000_u16).prop_map(|(key, grace)| Step::Rotate { key, grace }),
        1 => index.clone().prop_map(|key| Step::Revoke { key }),
        1 => index.prop_map(|key| Step::Delete { key }),
        2 => (1..1_000_u16).prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

#[derive(Clone, Debug, PartialEq)]
struct ModelUser {
    name: String,
    role: Role,
    status: Status,
}

#[derive(Clone, Debug)]
struct ModelKey {
    owner: UserId,
    keyspace: Keyspace,
    level: Level,
    network: u8,
    suspended: bool,
    revoked: bool,
    expiry: Expiry,
    text: String,
    previous: Option<(String, Timestamp)>,
}

/// A world and the model of it, changed side by side.
struct World {
    open: Box<dyn Fn(&ManualClock) -> Engine>,
    /// Away only while it is opened again.
    engine: Option<Engine>,
    clock: ManualClock,
    users: BTreeMap<UserId, ModelUser>,
    /// In order of creation.
    keys: Vec<(KeyId, ModelKey)>,
    /// Texts that must never be allowed again.
    dead: Vec<(Keyspace, String)>,
}

const NETWORKS: [&str; 3] = ["", "10.0.0.0/8", "192.168.1.1,10.1.0.0/16"];
const CLIENT: &str = "192.168.1.1";

impl World {
    fn new(open: Box<dyn Fn(&ManualClock) -> Engine>) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_700_000_000_000));
        let engine = Some(open(&clock));
        Self { open, engine, clock, users: BTreeMap::new(), keys: Vec::new(), dead: Vec::new() }
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    fn user(&self, index: usize) -> Option<UserId> {
        self.users.keys().nth(index % self.users.len().max(1)).copied()
    }

    fn key(&self, index: usize) -> Option<usize> {
        (!self.keys.is_empty()).then(|| index % self.keys.len())
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::AddUser { name } => self.add_user(name),
            Step::SetUser { user, role, status } => self.set_user(user, role, status),
            Step::RemoveUser { user } => self.remove_user(user),
            Step::Create { user, keyspace, level, life } => self.create(user, keyspace, level, life),
            Step::Update { key, level, network } => {
                let change = KeyChange {
                    level: Some(Level::new(level).unwrap()),
                    allowlist: Some(NETWORKS[usize::from(network)].parse().unwrap()),
                    ..KeyChange::default()
                };
                self.change(key, change, |model| {
                    model.level = Level::new(level).unwrap();
                    model.network = network;
                });
            }
            Step::Suspend { key } => {
                let change = KeyChange { active: Some(false), ..KeyChange::default() };
                self.change(key, change, |model| model.suspended = true);
            }
            Step::Resume { key } => {
                let change = KeyChange { active: Some(true), ..KeyChange::default() };
                self.change(key, change, |model| model.suspended = false);
            }
            Step::Rotate { key, grace } => self.rotate(key, grace),
            Step::Revoke { key } => {
                let Some(at) = self.key(key) else { return };
                let id = self.keys[at].0;
                let key = self.engine().revoke_key(Actor::Operator, id, RevokeReason::Superseded).unwrap();
                assert!(matches!(key.state, KeyState::Revoked { .. }));
                self.keys[at].1.revoked = true;
            }
            Step::Delete { key } => {
                let Some(at) = self.key(key) else { return };
                let (id, _) = self.keys[at];
                self.engine().delete_key(Actor::Operator, id).unwrap();
                assert!(matches!(self.engine().delete_key(Actor::Operator, id), Err(EngineError::NoSuchKey)));
                self.bury(|(key, _)| *key == id);
            }
            Step::Wait { ms } => self.clock.advance_ms(ms.into()),
            Step::Reopen => {
                let engine = self.engine.take().unwrap();
                engine.stop().unwrap();
                drop(engine);
                self.engine = Some((self.open)(&self.clock));
            }
        }
    }

    fn add_user(&mut self, name: u8) {
        let name = format!("user{name}");
        let added =
            self.engine().add_user(Actor::Operator, NewUser::person(name.parse().unwrap(), Role::User, None));
        if self.users.values().any(|user| user.name == name) {
            assert!(matches!(added, Err(EngineError::UsernameTaken)));
        } else {
            let user = added.unwrap();
            assert!(self.users.keys().all(|id| *id < user.id), "a number is never given twice");
            self.users.insert(user.id, ModelUser { name, role: Role::User, status: Status::Active });
        }
    }

    fn set_user(&mut self, user: usize, role: u8, status: u8) {
        let Some(id) = self.user(user) else { return };
        let (role, status) = (Role::ALL[usize::from(role)], Status::ALL[usize::from(status)]);
        let change = UserChange { role: Some(role), status: Some(status), ..UserChange::default() };
        let last = self.is_last_administrator(id) && (role, status) != (Role::Administrator, Status::Active);
        match self.engine().update_user(Actor::Operator, id, change) {
            Ok(_) if !last => {
                let user = self.users.get_mut(&id).unwrap();
                (user.role, user.status) = (role, status);
            }
            Err(EngineError::LastAdministrator) if last => {}
            other => panic!("updating user {id}: {other:?}"),
        }
    }

    fn remove_user(&mut self, user: usize) {
        let Some(id) = self.user(user) else { return };
        match self.engine().remove_user(Actor::Operator, id) {
            Ok(()) if !self.is_last_administrator(id) => {
                self.users.remove(&id);
                self.bury(|(_, key)| key.owner == id);
            }
            Err(EngineError::LastAdministrator) if self.is_last_administrator(id) => {}
            other => panic!("removing user {id}: {other:?}"),
        }
    }

    fn is_last_administrator(&self, id: UserId) -> bool {
        let administers =
            |user: &ModelUser| user.role == Role::Administrator && user.status == Status::Active;
        administers(&self.users[&id]) && self.users.values().filter(|user| administers(user)).count() == 1
    }

    fn create(&mut self, user: usize, keyspace: usize, level: u8, life: Option<u16>) {
        let Some(owner) = self.user(user) else { return };
        // Of the others a user has one key at most, or loses them with a demotion.
        let keyspace = [Keyspace::FILEBIN, Keyspace::BOKAMERA, Keyspace::NATIVE][keyspace];
        let level = Level::new(level).unwrap();
        let expiry = life.map_or(Expiry::Never, |ms| Expiry::At(self.clock.now().plus_ms(ms.into())));
        let new = NewKey { expiry, ..NewKey::new(*keyspace.name(), owner, level) };
        let (key, text) = self.engine().create_key(Actor::Operator, new).unwrap();
        let text = text.reveal().to_string();
        let model = ModelKey {
            owner,
            keyspace,
            level,
            network: 0,
            suspended: false,
            revoked: false,
            expiry,
            text,
            previous: None,
        };
        self.keys.push((key.id, model));
    }

    fn change(&mut self, key: usize, change: KeyChange, model: impl FnOnce(&mut ModelKey)) {
        let Some(at) = self.key(key) else { return };
        let id = self.keys[at].0;
        let updated = self.engine().update_key(Actor::Operator, id, change);
        let (_, key) = &mut self.keys[at];
        match updated {
            Ok(_) if !key.revoked => model(key),
            Err(EngineError::KeyRevoked) if key.revoked => {}
            other => panic!("updating key {id}: {other:?}"),
        }
    }

    fn rotate(&mut self, key: usize, grace: u16) {
        let Some(at) = self.key(key) else { return };
        let id = self.keys[at].0;
        let rotated = self.engine().rotate_key(Actor::Operator, id, grace.into());
        let (_, key) = &mut self.keys[at];
        match rotated {
            Ok((rotated, text)) if !key.revoked => {
                assert_eq!(rotated.id, id, "the id stays");
                let old = std::mem::replace(&mut key.text, text.reveal().to_string());
                let space = key.keyspace;
                self.dead.extend(key.previous.take().map(|(text, _)| (space, text)));
                match grace {
                    0 => self.dead.push((space, old)),
                    ms => key.previous = Some((old, self.clock.now().plus_ms(ms.into()))),
                }
            }
            Err(EngineError::KeyRevoked) if key.revoked => {}
            other => panic!("rotating key {id}: {other:?}"),
        }
    }

    fn bury(&mut self, gone: impl Fn(&(KeyId, ModelKey)) -> bool) {
        let (gone, left) = std::mem::take(&mut self.keys).into_iter().partition(gone);
        self.keys = left;
        for (_, key) in gone {
            let previous = key.previous.map(|(text, _)| text);
            self.dead
                .extend([Some(key.text), previous].into_iter().flatten().map(|text| (key.keyspace, text)));
        }
    }

    fn verify(&self, keyspace: &Keyspace, text: &str) -> Verdict {
        let client = Some(CLIENT.parse().unwrap());
        let request = VerifyRequest { client, ..VerifyRequest::new(keyspace, text) };
        Verifier::new(self.engine().reader()).verify(&request).unwrap()
    }

    fn expected(&self, key: &ModelKey, until: Option<Timestamp>) -> Result<Level, DenyReason> {
        let owner = &self.users[&key.owner];
        let now = self.clock.now();
        match key {
            key if key.revoked => Err(DenyReason::Revoked),
            key if key.suspended => Err(DenyReason::Suspended),
            _ if until.is_some_and(|until| now >= until) => Err(DenyReason::RotatedOut),
            _ if owner.status != Status::Active => Err(DenyReason::OwnerNotActive),
            key if matches!(key.expiry, Expiry::At(end) if now >= end) => Err(DenyReason::Expired),
            key if key.network == 1 => Err(DenyReason::AddressNotAllowed),
            key => Ok(key.level.min(owner.role.level())),
        }
    }

    fn agree(&self) {
        for (id, key) in &self.keys {
            let previous = key.previous.iter().map(|(text, until)| (text, Some(*until)));
            for (text, until) in [(&key.text, None)].into_iter().chain(previous) {
                match (self.verify(&key.keyspace, text), self.expected(key, until)) {
                    (Verdict::Allow(identity), Ok(level)) => {
                        assert_eq!((identity.key, identity.user, identity.level), (*id, key.owner, level));
                    }
                    (Verdict::Deny(found), Err(reason)) => assert_eq!(found, reason),
                    (found, expected) => panic!("{found:?} instead of {expected:?} for {key:?}"),
                }
            }
        }
        for (keyspace, text) in &self.dead {
            assert_eq!(self.verify(keyspace, text), Verdict::Deny(DenyReason::Unknown));
        }
    }

    fn listings_agree(&self) {
        let service = Service::new(self.engine().clone());
        for owner in self.users.keys() {
            for keyspace in Keyspace::all() {
                let newest_first = self.keys.iter().rev();
                let expected: Vec<_> = newest_first
                    .filter(|(_, key)| key.owner == *owner && key.keyspace == keyspace)
                    .map(|(id, _)| *id)
                    .collect();
                let mut listed = Vec::new();
                let mut after = None;
                loop {
                    let command = Command::ListKeys {
                        owner: UserRef::Id(*owner),
                        keyspace: Some(*keyspace.name()),
                        after,
                        limit: Some(2),
                        texts: false,
                    };
                    let Ok(Outcome::Keys(page, next)) = service.dispatch(&Caller::operator(), command) else {
                        panic!("listing failed");
                    };
                    listed.extend(page.into_iter().map(|(key, _)| key.id));
                    after = next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(listed, expected, "newest first, each once");
            }
        }
    }
}

fn engine(store: Arc<dyn keyward::store::Store>, peppers: &PepperRing, clock: &ManualClock) -> Engine {
    let (peppers, clock) = (peppers.clone(), Arc::new(clock.clone()));
    Engine::open(Parts { clock, ..Parts::over(store, peppers) }).unwrap()
}

fn on_disk(dir: &Path) -> Box<dyn Fn(&ManualClock) -> Engine> {
    let dir = dir.to_owned();
    let peppers = PepperRing::generate(&OsEntropy).unwrap();
    Box::new(move |clock| {
        let (store, _) = SledStore::open(&dir, OpenOptions::default()).unwrap();
        engine(Arc::new(store), &peppers, clock)
    })
}

fn play(world: &mut World, steps: &[Step]) {
    for step in steps {
        world.apply(step);
        world.agree();
    }
    world.listings_agree();
    let report = world.engine().check().unwrap();
    assert_eq!(report.findings, Vec::new(), "records, indexes and the audit chain agree");
    assert_eq!((report.users, report.keys), (world.users.len() as u64, world.keys.len() as u64));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_on_disk_does_what_the_model_says(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        play(&mut World::new(on_disk(dir.path())), &steps);
    }

    #[test]
    fn the_engine_in_memory_does_what_the_model_says(steps in steps()) {
        let peppers = PepperRing::generate(&OsEntropy).unwrap();
        let steps: Vec<_> = steps.into_iter().filter(|step| !matches!(step, Step::Reopen)).collect();
        let open = move |clock: &ManualClock| engine(Arc::new(MemoryStore::new()), &peppers, clock);
        play(&mut World::new(Box::new(open)), &steps);
    }
}
