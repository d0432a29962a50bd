//! An engine and what is known of its users and keys.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use keyward::clock::{Clock as _, ManualClock};
use keyward::engine::{Engine, EngineError, IndexState, NewKey, NewUser};
use keyward::key::{Actor, Expiry, Keyspace, Level, Role};
use keyward::store::StoreError;
use keyward::verify::{Verdict, Verifier, VerifyRequest};

use crate::history::{
    Ask, KeyTrack, Look, Register, Secret, Seen, Span, Stamps, Standing, TextTrack, TrackedStatus, UserTrack,
};
use crate::store::Paced;

pub(crate) const BY: Actor = Actor::Operator;
/// Keys that are changed at a time: few, so that changes and looks meet.
pub(crate) const SEATS: usize = 8;

/// Every user and key there ever was; outlives the engines.
#[derive(Default)]
pub(crate) struct Pool {
    names: AtomicUsize,
    pub(crate) users: RwLock<Vec<Arc<UserTrack>>>,
    pub(crate) keys: RwLock<Vec<Arc<KeyTrack>>>,
    /// The keys that are changed.
    pub(crate) seats: [Mutex<Option<Arc<KeyTrack>>>; SEATS],
}

/// One life of the engine.
pub(crate) struct World<'a> {
    pub(crate) engine: Engine,
    pub(crate) verifier: Verifier,
    pub(crate) clock: ManualClock,
    pub(crate) stamps: Arc<Stamps>,
    pub(crate) store: Arc<Paced>,
    pub(crate) pool: &'a Pool,
    /// Changes that were answered.
    pub(crate) changes: AtomicUsize,
    pub(crate) ended: AtomicBool,
    /// Looks that the hot index answered, and those that the store did.
    pub(crate) indexed: AtomicU64,
    pub(crate) stored: AtomicU64,
}

/// What became of a change.
pub(crate) enum Outcome<T> {
    Done(Span, T),
    /// There is no such key or user, or the key is revoked.
    Refused(Span, Seen),
    /// Nothing was changed.
    Failed,
}

impl World<'_> {
    /// Makes a change and takes down when.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&Engine) -> Result<T, EngineError>) -> Outcome<T> {
        let start = self.stamps.next();
        let answer = change(&self.engine);
        let end = self.stamps.next();
        self.changes.fetch_add(1, Ordering::SeqCst);
        match answer {
            Ok(answer) => Outcome::Done(Span { start: self.store.first_commit_after(start), end }, answer),
            Err(EngineError::NoSuchKey) => Outcome::Refused(Span { start, end }, Seen::NoSuchKey),
            Err(EngineError::KeyRevoked) => Outcome::Refused(Span { start, end }, Seen::KeyRevoked),
            Err(EngineError::NoSuchUser | EngineError::Store(StoreError::Corrupt { .. })) => Outcome::Failed,
            Err(other) => panic!("{other}"),
        }
    }

    pub(crate) fn add_user(&self) -> Option<Arc<UserTrack>> {
        let name = format!("user{}", self.pool.names.fetch_add(1, Ordering::SeqCst)).parse().unwrap();
        let new = NewUser::person(name, Role::User, None);
        let Outcome::Done(span, user) = self.change(|engine| engine.add_user(BY, new)) else { return None };
        let track = Arc::new(UserTrack {
            id: user.id,
            status: Register::new(span, TrackedStatus::Active),
            level: Register::new(span, Role::User.level()),
            removed: RwLock::new(false),
        });
        self.pool.users.write().unwrap().push(Arc::clone(&track));
        Some(track)
    }

    pub(crate) fn create(&self, owner: &Arc<UserTrack>, keyspace: Keyspace) -> Option<Arc<KeyTrack>> {
        let removed = owner.removed.read().unwrap();
        if *removed {
            return None;
        }
        let new = NewKey::new(*keyspace.name(), owner.id, Level::OWN);
        let Outcome::Done(span, (key, text)) = self.change(|engine| engine.create_key(BY, new)) else {
            return None;
        };
        let text =
            TextTrack { text: text.reveal().to_string(), secret: Register::new(span, Secret::Current) };
        let track = Arc::new(KeyTrack {
            id: key.id,
            keyspace,
            owner: Arc::clone(owner),
            standing: Register::new(span, Standing::Active),
            level: Register::new(span, Level::OWN),
            expiry: Register::new(span, Expiry::Never),
            allowlist: Register::new(span, key.allowlist),
            texts: Mutex::new(vec![Arc::new(text)]),
            allowed: AtomicU64::new(0),
        });
        self.pool.keys.write().unwrap().push(Arc::clone(&track));
        Some(track)
    }

    /// Verifies a text and takes down what came back, and when.
    pub(crate) fn look(&self, key: &Arc<KeyTrack>, text: &Arc<TextTrack>, ask: Ask) -> Look {
        let request = VerifyRequest {
            client: ask.client,
            level: ask.level,
            ..VerifyRequest::new(&key.keyspace, &text.text)
        };
        let ready = self.engine.index_state() == IndexState::Ready;
        let by = if ready { &self.indexed } else { &self.stored };
        by.fetch_add(1, Ordering::Relaxed);
        let before = self.clock.now();
        let start = self.stamps.next();
        let verdict = self.verifier.verify(&request).unwrap();
        let end = self.stamps.next();
        let seen = match verdict {
            Verdict::Allow(identity) => {
                assert_eq!(identity.key, key.id);
                key.allowed.fetch_add(1, Ordering::SeqCst);
                Seen::Allowed(identity.level)
            }
            Verdict::Deny(reason) => Seen::Denied(reason.code()),
        };
        let (key, text) = (Arc::clone(key), Arc::clone(text));
        Look { key, text, span: Span { start, end }, clock: (before, self.clock.now()), ask, seen }
    }
}
