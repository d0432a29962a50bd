//! Handle of the engine: opened over a store, and stopped in good order.

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

/// Parts that an engine is opened with.
#[derive(Clone)]
pub struct Parts {
    /// Store of all records.
    pub store: Arc<dyn Store>,
    /// Peppers of the server.
    pub peppers: PepperRing,
    /// Clock that the engine reads.
    pub clock: Arc<dyn Clock>,
    /// Source of randomness for secrets.
    pub entropy: Arc<dyn Entropy>,
    /// Maximum number of slots of the hot index, 57 bytes each. With more keys, verify reads the store.
    pub index_slots_max: usize,
}

impl Parts {
    /// Parts over a store and its peppers, with the system's clock and random generator.
    pub fn new(store: impl Store, peppers: PepperRing) -> Self {
        Self::over(Arc::new(store), peppers)
    }

    /// As [`Parts::new`], over a store that other code has a reference to as well.
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
    /// Opens an engine over `parts`, and loads the hot index: at once for a small store, else in the background.
    ///
    /// # Errors
    /// [`EngineError::WrongSecret`] when the secret file lacks a pepper of the store: put the right file in its place.
    /// [`EngineError::Seal`] when a secret of an imported scheme cannot be opened. [`EngineError::Store`] when the
    /// store cannot be read or written, or the system has no thread or memory.
    ///
    /// # Durability
    /// The check values of new peppers survive a power cut before the engine hashes anything under them.
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

    /// Read-only view of the store and the hot index.
    pub fn reader(&self) -> Reader {
        self.0.reader.clone()
    }

    /// Reason why the engine takes no changes; `None` while it takes them.
    pub fn closed(&self) -> Option<String> {
        let stopped = || (!self.0.lane.runs()).then(|| EngineError::Stopped.to_string());
        self.0.reader.store.closed().or_else(stopped)
    }

    /// State of the hot index. Verdicts are right in every state.
    pub fn index_state(&self) -> IndexState {
        self.0.loader.state()
    }

    /// Whether `password` is the password of `user`. Takes the same time for no user, and for a user without a
    /// password.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when too many checks wait: the caller tries again later. [`EngineError::Stopped`].
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

    /// Finishes the waiting operations, writes everything of the write-behind, and closes the store. Later changes are
    /// refused.
    ///
    /// # Errors
    /// [`EngineError::Store`] when that failed: the next open checks the store as after a crash.
    ///
    /// # Durability
    /// After this returns, uses and auth events survive a power cut too.
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
