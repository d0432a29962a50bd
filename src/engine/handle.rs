//! The engine's handle: opened over a store, stopped in good order.

use std::sync::Arc;

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::engine::background::{
    ClockDoubt, HotState, IndexLoader, PasswordHasher, Scrub, WriteBehind, accept_clock,
};
use crate::engine::commit::{Lane, Transaction};
use crate::engine::imported_hashes::SaltedHashChecker;
use crate::engine::operations::StagedRotations;
use crate::entropy::{Entropy, OsEntropy};
use crate::index::{HotIndex, ScanCursor};
use crate::key::{Password, PepperRing, User};
use crate::limits;
use crate::store::codec::PepperChecks;
use crate::store::{Store, StoreError, schema};

use super::{EngineError, IndexState, Reader};

/// What an engine is made of.
#[derive(Clone)]
pub struct Parts {
    /// Durable truth.
    pub store: Arc<dyn Store>,
    /// The server's secrets.
    pub peppers: PepperRing,
    /// Where it reads the time.
    pub clock: Arc<dyn Clock>,
    /// Where secrets come from.
    pub entropy: Arc<dyn Entropy>,
    /// Slots that the hot index may have, 57 bytes each. With more keys verifying asks the store.
    pub index_slots_max: usize,
}

impl Parts {
    /// A store and its secrets, with the system's clock and random generator.
    pub fn new(store: impl Store, peppers: PepperRing) -> Self {
        Self::over(Arc::new(store), peppers)
    }

    /// As [`Parts::new`], over a store that others look at as well.
    pub fn over(store: Arc<dyn Store>, peppers: PepperRing) -> Self {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
        Self { store, peppers, clock, entropy, index_slots_max: limits::INDEX_SLOTS_MAX }
    }
}

/// The only writer of a store. Clones share it; the last one to be dropped stops it.
///
/// Synchronous: an operation that changes something blocks its caller until the change is durable and visible.
///
/// ```
/// use keyward::engine::{Engine, NewKey, NewUser, Parts};
/// use keyward::entropy::OsEntropy;
/// use keyward::key::{Actor, Level, PepperRing, Role};
/// use keyward::store::MemoryStore;
///
/// let engine = Engine::open(Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy)?))?;
/// let flo = engine.add_user(Actor::Operator, NewUser::person("flo".parse()?, Role::User, None))?;
/// let (key, text) = engine.create_key(Actor::Operator, NewKey::new("native".parse()?, flo.id, Level::OWN))?;
/// assert!(text.reveal().starts_with(key.secrets.current.prefix.as_str()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    reader: Reader,
    entropy: Arc<dyn Entropy>,
    lane: Arc<Lane>,
    loader: Arc<IndexLoader>,
    scrub: Scrub,
    staged_rotations: StagedRotations,
}

impl Engine {
    /// Starts an engine over `parts`.
    ///
    /// # Errors
    /// [`EngineError::WrongSecret`] when the store was made under other peppers; [`EngineError::Store`].
    pub fn open(parts: Parts) -> Result<Self, EngineError> {
        let Parts { store, peppers, clock, entropy, index_slots_max } = parts;
        let index = HotIndex::new(index_slots_max).map_err(|error| StoreError::Io {
            what: "making the hot index",
            source: std::io::Error::other(error),
        })?;
        let index = Arc::new(index);
        let hot = Arc::new(HotState::new(Arc::clone(&index)));
        let salted = SaltedHashChecker::start(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&hot))?;
        let reader = Reader {
            store: Arc::clone(&store),
            peppers: Arc::new(peppers),
            clock: Arc::clone(&clock),
            index,
            hot: Arc::clone(&hot),
            imported: Arc::default(),
            passwords: PasswordHasher::start(Arc::clone(&entropy))?,
            salted: Arc::new(salted),
        };
        let doubt = ClockDoubt::begin(Arc::clone(&store), clock.as_ref());
        let loader = Arc::new(IndexLoader::new(Arc::clone(&store), Arc::clone(&reader.index)));
        let write_behind = WriteBehind {
            hot,
            peppers: Arc::clone(&reader.peppers),
            entropy: Arc::clone(&entropy),
            store: Arc::clone(&store),
            doubt,
            pass: ScanCursor::default(),
            last: clock.now(),
            ends: false,
            failed: false,
        };
        let lane = Arc::new(Lane::start(store, clock, Arc::clone(&loader), write_behind)?);
        let ring = Arc::clone(&reader.peppers);
        lane.write(move |tx| check_peppers(tx, &ring))?;
        let waker = Arc::downgrade(&lane);
        reader.hot.rehashes.wake_by(move || {
            if let Some(lane) = waker.upgrade() {
                lane.look();
            }
        });
        reader.load_schemes()?;
        reader.load_salted_prefixes()?;
        loader.start()?;
        let scrub = Scrub::start(Arc::clone(&reader.store), Arc::clone(&reader.index))?;
        let staged_rotations = StagedRotations::default();
        Ok(Self(Arc::new(Shared { reader, entropy, lane, loader, scrub, staged_rotations })))
    }

    /// A read-only view.
    pub fn reader(&self) -> Reader {
        self.0.reader.clone()
    }

    /// Why no changes are taken, if they are not.
    pub fn closed(&self) -> Option<String> {
        let stopped = || (!self.0.lane.runs()).then(|| EngineError::Stopped.to_string());
        self.0.reader.store.closed().or_else(stopped)
    }

    /// How far the hot index is. Verifying is right all the while.
    pub fn index_state(&self) -> IndexState {
        self.0.loader.state()
    }

    /// Whether `password` is the one of `user`. Costs the same for no user, and for one without a password.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when too many others wait.
    pub fn check_password(&self, user: Option<&User>, password: &Password) -> Result<bool, EngineError> {
        self.0.reader.passwords.check(user, password)
    }

    /// Accepts the clock's time: from now on due entries are removed for good, even where the clock is more than a day
    /// ahead of the newest time in the store. Returns that newest time if the clock was in doubt.
    ///
    /// # Durability
    /// Stored within about a second and at a stop. A crash before that brings the doubt back.
    pub fn accept_clock(&self) -> Option<Timestamp> {
        accept_clock(self.0.reader.store.as_ref(), self.0.reader.now())
    }

    /// Finishes the operations under way, writes what waits and closes the store. Later changes are refused.
    ///
    /// # Errors
    /// [`EngineError::Store`] when that failed; the next open checks the store as after a crash.
    pub fn stop(&self) -> Result<(), EngineError> {
        Ok(self.0.stop()?)
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.0.entropy.as_ref()
    }

    pub(super) fn shared_entropy(&self) -> Arc<dyn Entropy> {
        Arc::clone(&self.0.entropy)
    }

    pub(super) fn peppers(&self) -> &PepperRing {
        &self.0.reader.peppers
    }

    pub(super) fn passwords(&self) -> &PasswordHasher {
        &self.0.reader.passwords
    }

    pub(super) fn staged_rotations(&self) -> &StagedRotations {
        &self.0.staged_rotations
    }

    pub(super) fn view(&self) -> &Reader {
        &self.0.reader
    }

    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Transaction<'_>) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.0.lane.write(work)
    }
}

impl Shared {
    fn stop(&self) -> Result<(), StoreError> {
        self.scrub.stop();
        self.loader.stop();
        self.reader.salted.stop();
        self.lane.stop();
        self.loader.write_snapshot();
        self.reader.store.close()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, "the store was not closed in good order");
        }
    }
}

/// Refuses a ring that lacks a pepper the store knows; remembers the ones that are new.
fn check_peppers(tx: &mut Transaction<'_>, ring: &PepperRing) -> Result<(), EngineError> {
    let mut known: PepperChecks = tx.get(schema::PEPPERS)?.unwrap_or_default();
    for (number, check) in &known.0 {
        if ring.get(*number).is_none_or(|pepper| pepper.check_value() != *check) {
            return Err(EngineError::WrongSecret { number: number.0 });
        }
    }
    let before = known.0.len();
    let new = ring.all().filter(|(number, _)| known.0.iter().all(|(old, _)| old != number));
    let new: Vec<_> = new.map(|(number, pepper)| (number, pepper.check_value())).collect();
    known.0.extend(new);
    if known.0.len() > before {
        tx.put(schema::PEPPERS, &known)?;
    }
    Ok(())
}
