//! Stored values: any bytes are a record or damage, what was read writes and reads back the same, and an engine over
//! a store with one such value answers or refuses, but never allows what the value does not.

use std::fmt::Debug;
use std::sync::Arc;

use keyward::engine::{Engine, EngineError, KeyChange, NewKey, NewKind, NewUser, UserChange};
use keyward::key::{
    Actor, AuditEvent, AuditHead, Comment, HotRecord, Key, KeyId, Keyspace, Level, Role, User, UserId,
};
use keyward::limits;
use keyward::store::codec::{Damage, PepperChecks, Record};
use keyward::store::{Batch, Entry, MemoryStore, Revision, Store, StoreError, schema};
use keyward::verify::{Verdict, Verifier, VerifyRequest, judge};

use super::world::World;

struct Base {
    world: World,
    entries: Vec<Entry>,
}

thread_local! {
    static BASE: Base = base();
}

fn base() -> Base {
    let world = World::new("filebin", &[("full", "test", 4), ("other", "other", 2)]);
    let entries = world.store.scan(b"", None, usize::MAX).unwrap();
    Base { world, entries }
}

/// Where the hot record of a key's current secret is.
fn hot_place(key: &Key) -> Vec<u8> {
    let trace = key.secrets.current.lookup_key();
    schema::hot(trace.hash.as_bytes(), trace.locator.number())
}

/// Reads all but the first byte as the kind of record that the first byte names, then has an engine meet it.
pub fn run(bytes: &[u8]) {
    let Some((kind, value)) =
        bytes.split_first().filter(|(_, value)| value.len() <= limits::STORE_VALUE_BYTES_MAX)
    else {
        return;
    };
    BASE.with(|base| {
        let key = base.key(base.world.keys[0].1);
        let (place, record) = match kind % 7 {
            0 => (
                schema::key(&key.id.to_bytes()),
                comes_back::<Key>(value, |key| schema::key(&key.id.to_bytes())).inspect(derives).is_some(),
            ),
            1 => (hot_place(&key), comes_back::<HotRecord>(value, somewhere).is_some()),
            2 => (
                schema::user(key.owner.0),
                comes_back::<User>(value, |user| schema::user(user.id.0)).is_some(),
            ),
            3 => (schema::audit(1), comes_back::<AuditEvent>(value, somewhere).is_some()),
            4 => (schema::AUDIT_HEAD.to_vec(), comes_back::<AuditHead>(value, somewhere).is_some()),
            5 => (schema::USER_COUNTER.to_vec(), comes_back::<UserId>(value, somewhere).is_some()),
            _ => (schema::PEPPERS.to_vec(), comes_back::<PepperChecks>(value, somewhere).is_some()),
        };
        // To an engine, one value that is no record is like another.
        if record || value.len() < 4 {
            base.meets(&place, value);
        }
    });
}

/// What a key is made into comes back as well.
fn derives(key: &Key) {
    for (_, hot) in key.hot_records() {
        assert_eq!(comes_back(&hot.encode().unwrap(), somewhere), Some(hot));
    }
    assert_eq!(key.allowlist.to_string().parse().as_ref(), Ok(&key.allowlist));
}

/// For records that do not say where they belong.
fn somewhere<T>(_: &T) -> Vec<u8> {
    b"k/x".to_vec()
}

/// The record of these bytes, if they are one: it writes in no more bytes, and from those comes the same record.
fn comes_back<T: Record + Debug + PartialEq>(value: &[u8], place: impl Fn(&T) -> Vec<u8>) -> Option<T> {
    let decoded = T::decode(value);
    let key = decoded.as_ref().map_or_else(|_| b"k/x".to_vec(), place);
    let entry = Entry { key, value: value.to_vec(), version: Revision(1) };
    let record = match (decoded, T::from_entry(&entry)) {
        (Ok(record), Ok(_)) => record,
        (Err(Damage::Shape), Err(StoreError::Corrupt { .. })) => return None,
        (Err(Damage::Level), Err(StoreError::UnknownLevel { .. })) => return None,
        (decoded, read) => panic!("{decoded:?}, but from the store {read:?}"),
    };
    let again = record.encode().unwrap();
    assert!(again.len() <= value.len(), "{} bytes became {}", value.len(), again.len());
    assert_eq!(T::decode(&again).as_ref(), Ok(&record));
    assert!(T::decode(&again[..again.len() - 1]).is_err(), "cut short");
    assert!(T::decode(&[again.as_slice(), b"\0"].concat()).is_err(), "with a byte behind it");
    Some(record)
}

impl Base {
    /// Opens an engine over the store with `value` at `place`, and asks it this and that.
    fn meets(&self, place: &[u8], value: &[u8]) {
        let store = MemoryStore::new();
        let mut batch = Batch::default();
        for entry in &self.entries {
            batch.put(entry.key.clone(), if entry.key == place { value } else { &entry.value });
        }
        store.commit(batch).unwrap();
        let store = Arc::new(store);
        let engine = match Engine::open(self.world.parts(store.clone())) {
            Ok(engine) => engine,
            Err(error) => return assert!(refused(&error), "{error}"),
        };
        self.verdicts_come_from(&engine, &store);
        self.nobody_is_overwritten(&engine, &store);
        let (_, id, _) = self.world.keys[0];
        let new = NewKey::new(*Keyspace::FILEBIN.name(), UserId(2), Level::OWN);
        let comment: Comment = "new".parse().unwrap();
        let change = KeyChange { comment: Some(comment), ..KeyChange::default() };
        let user = UserChange { api_access: Some(true), ..UserChange::default() };
        let actor = Actor::Operator;
        let answers = [
            engine.check().map(drop),
            engine.reader().keys_of(UserId(1), None, None, 10).map(drop),
            engine.create_key(actor, new).map(drop),
            engine.update_key(actor, id, change).map(drop),
            engine.rotate_key(actor, id, 1_000).map(drop),
            engine.update_user(actor, UserId(1), user).map(drop),
            engine.remove_user(actor, UserId(1)),
            engine.delete_key(actor, id),
            engine.check().map(drop),
        ];
        for answer in answers {
            assert!(answer.as_ref().err().is_none_or(refused), "{answer:?}");
        }
        assert_eq!(engine.closed(), None, "the write lane goes on");
    }

    /// Every key is allowed exactly when its hot record, its owner and the judge say so.
    fn verdicts_come_from(&self, engine: &Engine, store: &MemoryStore) {
        let verifier = Verifier::new(engine.reader());
        for (_, id, text) in &self.world.keys {
            let request = VerifyRequest::new(&Keyspace::FILEBIN, text);
            let hot = HotRecord::from_entry(&store.get(&hot_place(&self.key(*id))).unwrap().unwrap());
            let owner = hot.as_ref().ok().map(|hot| store.get(&schema::user(hot.owner.0)).unwrap());
            let owner = owner.flatten().map(|entry| User::from_entry(&entry)).transpose();
            let allowed = match (&hot, &owner) {
                (Ok(hot), Ok(owner)) => {
                    let rights = owner.as_ref().map(|user| user.owner().rights);
                    matches!(judge(hot.view(), rights, &request, engine.reader().now()), Verdict::Allow(_))
                }
                _ => false,
            };
            let verdict = verifier.verify(&request);
            assert_eq!(
                matches!(verdict, Ok(Verdict::Allow(_))),
                allowed,
                "{verdict:?} of {hot:?} and {owner:?}"
            );
        }
    }

    /// A new user gets a number that no user has.
    fn nobody_is_overwritten(&self, engine: &Engine, store: &MemoryStore) {
        let users = || store.scan(schema::USERS, None, usize::MAX).unwrap();
        let before = users();
        let bot = NewUser { kind: NewKind::Bot, ..NewUser::person("new".parse().unwrap(), Role::User, None) };
        match engine.add_user(Actor::Operator, bot) {
            Ok(added) => assert!(before.iter().all(|user| user.key != schema::user(added.id.0))),
            Err(error) => assert!(refused(&error), "{error}"),
        }
        assert!(before.iter().all(|user| users().contains(user)), "a user was overwritten");
    }

    fn key(&self, id: KeyId) -> Key {
        let place = schema::key(&id.to_bytes());
        Key::from_entry(self.entries.iter().find(|entry| entry.key == place).unwrap()).unwrap()
    }
}

/// Whether it is a refusal that one stored value can lead to.
fn refused(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::Store(
            StoreError::Corrupt { .. } | StoreError::UnknownLevel { .. } | StoreError::Conflict { .. }
        ) | EngineError::WrongSecret { .. }
            | EngineError::NoSuchKeyspace
            | EngineError::NoSuchKey
            | EngineError::NoSuchUser
            | EngineError::KeyRevoked
            | EngineError::LastAdministrator
            | EngineError::UsernameTaken
            | EngineError::EmailTaken
    )
}
