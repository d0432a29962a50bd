//! The child: several threads that change users and keys without end, each its own.

use std::path::Path;
use std::sync::Arc;

use keyward::clock::{ManualClock, Timestamp};
use keyward::engine::{Engine, EngineError, KeyChange, NewKey, NewUser, Parts, UserChange};
use keyward::key::{
    Actor, AuditHead, Demotion, Issuing, Key, KeyId, KeyState, Keyspace, Level, Patch, Pepper, PepperNumber,
    PepperRing, RevokeReason, Role, User, UserId, UserStatus,
};
use keyward::store::codec::Record as _;
use keyward::store::sled::OpenOptions;
use keyward::store::{SledStore, Store, StoreError, schema};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::history::{Answer, Line, Operation};

pub(crate) const WRITERS: usize = 4;
/// The one time of every operation, so that a grace period never ends.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);

/// Opens the store and the engine below `root`; always with the same secret.
pub(crate) fn open(root: &Path) -> Result<(Arc<SledStore>, Engine), EngineError> {
    let (store, _) = SledStore::open(&root.join("data"), OpenOptions::default())?;
    let store = Arc::new(store);
    let peppers = PepperRing::new([(PepperNumber(1), Pepper::from_bytes([7; 32]))].into())?;
    let clock = Arc::new(ManualClock::at(NOW));
    let engine = Engine::open(Parts { clock, ..Parts::over(store.clone(), peppers) })?;
    Ok((store, engine))
}

/// Writes below `root` until the process is killed.
pub(crate) fn run(root: &Path, seed: u64) -> Result<(), EngineError> {
    Line::Open {}.say();
    let (store, engine) = open(root)?;
    std::thread::scope(|scope| {
        for number in 0..WRITERS {
            let engine = &engine;
            scope.spawn(move || Writer::new(engine, number, seed).run());
        }
        watch(store.as_ref())
    })?;
    Ok(())
}

/// Says which audit event is the newest that shows, in any way, whenever that changes.
fn watch(store: &dyn Store) -> Result<(), StoreError> {
    let mut seen = 0;
    loop {
        let head = store.get(schema::AUDIT_HEAD)?.map(|entry| AuditHead::from_entry(&entry)).transpose()?;
        // The head is written over with every event, the event itself is a new entry.
        let next = store.get(&schema::audit(seen + 1))?.map(|_| seen + 1);
        let event = next.unwrap_or_else(|| head.unwrap_or_default().sequence);
        if event != seen {
            Line::See { event }.say();
        }
        seen = event;
        std::thread::yield_now();
    }
}

struct Writer<'a> {
    engine: &'a Engine,
    number: usize,
    random: StdRng,
    users: Vec<User>,
    keys: Vec<Key>,
}

impl<'a> Writer<'a> {
    /// Takes over what the writer of this number left.
    fn new(engine: &'a Engine, number: usize, seed: u64) -> Self {
        let reader = engine.reader();
        let mut users = reader.users(None, usize::MAX).unwrap();
        users.retain(|user| user.username.as_str().starts_with(&format!("writer{number}.")));
        let keys = users
            .iter()
            .flat_map(|user| reader.keys_of(user.id, None, None, usize::MAX).unwrap().0)
            .collect();
        let random = StdRng::seed_from_u64(seed.wrapping_mul(WRITERS as u64).wrapping_add(number as u64));
        Self { engine, number, random, users, keys }
    }

    fn run(&mut self) {
        loop {
            let operation = self.choose();
            Line::Intend { writer: self.number, operation: operation.clone() }.say();
            let answer = self.perform(operation).unwrap();
            Line::Answer { writer: self.number, answer }.say();
        }
    }

    /// An operation that will be taken and will change something.
    fn choose(&mut self) -> Operation {
        let fresh: u64 = self.random.random();
        let Some(user) = self.users.choose(&mut self.random).map(|user| user.id.0) else {
            return self.add_user(fresh);
        };
        match self.random.random_range(0..100) {
            0..3 if self.users.len() < 4 => self.add_user(fresh),
            3..6 => Operation::RemoveUser { user },
            6..12 => {
                let email = format!("{fresh}@example.org");
                let role = self.random.random_range(0..Role::ALL.len() - 1);
                Operation::UpdateUser { user, email, role, blocked: fresh.is_multiple_of(4) }
            }
            12..45 if self.keys.len() < 40 => self.create_key(user, fresh),
            _ => match self.keys.choose(&mut self.random).cloned() {
                Some(key) => self.change(&key, fresh),
                None => self.create_key(user, fresh),
            },
        }
    }

    fn add_user(&self, fresh: u64) -> Operation {
        Operation::AddUser { name: format!("writer{}.{fresh}", self.number) }
    }

    fn create_key(&mut self, owner: u64, fresh: u64) -> Operation {
        // Of the others a user has one key at most, or loses them with a demotion.
        let plain =
            |space: &Keyspace| space.issuing() == Issuing::Freely && space.demotion() == Demotion::Caps;
        let spaces: Vec<_> = Keyspace::all().filter(plain).collect();
        let keyspace = spaces.choose(&mut self.random).unwrap().name().to_string();
        Operation::CreateKey { owner, keyspace, comment: fresh.to_string() }
    }

    fn change(&mut self, key: &Key, fresh: u64) -> Operation {
        let id = key.id.to_string();
        let revoked = matches!(key.state, KeyState::Revoked { .. });
        match self.random.random_range(0..100) {
            0..20 => Operation::DeleteKey { key: id },
            // A revoked key can only be deleted.
            _ if revoked => Operation::DeleteKey { key: id },
            20..30 => Operation::RevokeKey { key: id },
            30..55 => Operation::SetActive { key: id, active: key.state != KeyState::Active },
            55..80 => {
                let grace_ms = if fresh.is_multiple_of(2) { 0 } else { 1_000 };
                Operation::RotateKey { key: id, grace_ms }
            }
            _ => Operation::UpdateKey { key: id, comment: fresh.to_string(), level: (fresh % 9) as u8 },
        }
    }

    fn perform(&mut self, operation: Operation) -> Result<Answer, EngineError> {
        let (engine, by) = (self.engine, Actor::Operator);
        let id = |key: String| key.parse::<KeyId>().unwrap();
        match operation {
            Operation::AddUser { name } => {
                let user = engine.add_user(by, NewUser::person(name.parse()?, Role::User, None))?;
                Ok(self.keep_user(user))
            }
            Operation::UpdateUser { user, email, role, blocked } => {
                let status = if blocked { UserStatus::Blocked } else { UserStatus::Active };
                let (email, role) = (Patch::Set(email.parse()?), Some(Role::ALL[role]));
                let change = UserChange { email, role, status: Some(status), ..UserChange::default() };
                let user = engine.update_user(by, UserId(user), change)?;
                Ok(self.keep_user(user))
            }
            Operation::RemoveUser { user } => {
                engine.remove_user(by, UserId(user))?;
                self.users.retain(|kept| kept.id.0 != user);
                self.keys.retain(|kept| kept.owner.0 != user);
                Ok(Answer::default())
            }
            Operation::CreateKey { owner, keyspace, comment } => {
                let new = NewKey::new(keyspace.parse()?, UserId(owner), Level::OWN);
                let (key, text) = engine.create_key(by, NewKey { comment: comment.parse()?, ..new })?;
                Ok(self.keep_key(key, Some(text.reveal().to_string())))
            }
            Operation::UpdateKey { key, comment, level } => {
                let (comment, level) = (Some(comment.parse()?), Some(Level::new(level)?));
                let change = KeyChange { comment, level, ..KeyChange::default() };
                let key = engine.update_key(by, id(key), change)?;
                Ok(self.keep_key(key, None))
            }
            Operation::SetActive { key, active } => {
                let change = KeyChange { active: Some(active), ..KeyChange::default() };
                let key = engine.update_key(by, id(key), change)?;
                Ok(self.keep_key(key, None))
            }
            Operation::RotateKey { key, grace_ms } => {
                let (key, text) = engine.rotate_key(by, id(key), grace_ms)?;
                Ok(self.keep_key(key, Some(text.reveal().to_string())))
            }
            Operation::RevokeKey { key } => {
                let key = engine.revoke_key(by, id(key), RevokeReason::Superseded)?;
                Ok(self.keep_key(key, None))
            }
            Operation::DeleteKey { key } => {
                let key = id(key);
                engine.delete_key(by, key)?;
                self.keys.retain(|kept| kept.id != key);
                Ok(Answer::default())
            }
        }
    }

    fn keep_user(&mut self, user: User) -> Answer {
        let answer = Answer::of(&user, None);
        self.users.retain(|kept| kept.id != user.id);
        self.users.push(user);
        answer
    }

    fn keep_key(&mut self, key: Key, text: Option<String>) -> Answer {
        let answer = Answer::of(&key, text);
        self.keys.retain(|kept| kept.id != key.id);
        self.keys.push(key);
        answer
    }
}
