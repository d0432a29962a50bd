//! Checks of key texts against salted hashes of other systems, on a thread of their own, so that neither logins nor
//! verifies wait for them.
//!
//! Any number of salted hashes may share a prefix, so the work per text has no bound. The bound is on the waiting: a
//! caller waits for a few seconds and then gets [`EngineError::Undecided`]. The check continues meanwhile, and the next
//! try finds it further on. Denied texts are remembered. The order of the checks, and which text makes room for
//! another, is in `queue.rs`.
//!
//! Alternative: a limit on keys per prefix. It would refuse an import that another system accepted.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use papaya::HashSet;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::engine::EngineError;
use crate::engine::background::HotState;
use crate::key::{Key, KeyId, KeyedHash, Prefix, SaltedHash, UncheckedKey};
use crate::limits;
use crate::store::codec::Record as _;
use crate::store::{Store, StoreError, schema};

use super::queue::{Origin, Queue, Room, TextId, Waiter};

/// Whether a verify may wait while a text is compared with salted hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitPolicy {
    /// Waits for up to a few seconds.
    #[default]
    MayWait,
    /// Does not wait: a text that needs a check stays undecided.
    NoWait,
}

/// Handle of the thread.
pub(in crate::engine) struct SaltedHashChecker {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    news: Condvar,
    /// Whether any key has a salted hash.
    any: AtomicBool,
    /// Locators of the prefixes of such keys. An entry whose keys are gone does no harm.
    beginnings: HashSet<u32>,
}

struct State {
    queue: Queue<Job, Client>,
    /// Incremented when keys are imported: an earlier result may not hold then.
    keys: u64,
    stopped: bool,
}

/// Key that was found by its salted hash, as it was then.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Match {
    pub(in crate::engine) key: KeyId,
    /// Keyed hash of its secret.
    pub(in crate::engine) secret: KeyedHash,
}

struct Client {
    answer: SyncSender<Option<Match>>,
    there: Weak<()>,
}

impl Waiter for Client {
    fn is_there(&self) -> bool {
        self.there.strong_count() > 0
    }
}

/// Key text and the progress of its check.
struct Job {
    text: Zeroizing<String>,
    /// Prefixes of the text that keys have; the current one is last.
    beginnings: Vec<Prefix>,
    /// Store key of the last compared hash.
    after: Option<Vec<u8>>,
    /// Hashes to compare next.
    candidates: VecDeque<(Match, SaltedHash)>,
    keys: u64,
}

/// Hashes to compare, and the store key of the last one.
type Page = (VecDeque<(Match, SaltedHash)>, Vec<u8>);

/// Result of one step of a check.
enum Step {
    /// The check is not finished.
    More(Duration),
    Found(Match),
    Nobody,
}

/// Key text to check.
pub(in crate::engine) struct Asked<'a> {
    pub(in crate::engine) id: TextId,
    pub(in crate::engine) text: &'a str,
    pub(in crate::engine) beginnings: Vec<Prefix>,
    pub(in crate::engine) client: Option<IpAddr>,
}

impl Drop for SaltedHashChecker {
    /// Runs also when the engine did not open, so that its store is released.
    fn drop(&mut self) {
        self.stop();
    }
}

impl SaltedHashChecker {
    /// Starts the thread. Keys that it finds are rehashed through `hot`.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the system has no thread.
    pub(in crate::engine) fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        hot: Arc<HotState>,
    ) -> Result<Self, EngineError> {
        let state = State { queue: Queue::new(), keys: 0, stopped: false };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            news: Condvar::new(),
            any: AtomicBool::new(false),
            beginnings: HashSet::new(),
        });
        let worker = Worker { shared: Arc::clone(&shared), store, clock: Arc::clone(&clock), hot };
        let thread = std::thread::Builder::new()
            .name("salted hashes".to_owned())
            .spawn(move || worker.run())
            .map_err(|source| StoreError::Io { what: "starting the thread of salted hashes", source })?;
        Ok(Self { shared, clock, thread: Mutex::new(Some(thread)) })
    }

    /// Ends the thread. Waiting callers get [`EngineError::Undecided`].
    pub(in crate::engine) fn stop(&self) {
        let mut state = self.shared.state();
        state.stopped = true;
        state.queue.clear();
        drop(state);
        self.shared.news.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of salted hashes had panicked");
        }
    }

    /// Whether any key may have a salted hash.
    pub(in crate::engine) fn any(&self) -> bool {
        self.shared.any.load(Ordering::Acquire)
    }

    /// Adds prefixes of keys to look for.
    pub(in crate::engine) fn add<'p>(&self, beginnings: impl Iterator<Item = &'p Prefix>) {
        let mut came = false;
        for beginning in beginnings {
            self.shared.beginnings.pin().insert(beginning.locator().number());
            came = true;
        }
        if came {
            let mut state = self.shared.state();
            state.keys += 1;
            state.queue.forget_refused();
            self.shared.any.store(true, Ordering::Release);
        }
    }

    /// Returns the prefixes of the text, of these lengths, that keys with salted hashes have.
    pub(in crate::engine) fn beginnings(&self, text: &str, lengths: &[usize]) -> Vec<Prefix> {
        if !self.any() {
            return Vec::new();
        }
        let known = self.shared.beginnings.pin();
        let beginnings = lengths.iter().filter(|length| text.len() > **length);
        let beginnings = beginnings.filter_map(|length| text.get(..*length)?.parse::<Prefix>().ok());
        beginnings.filter(|beginning| known.contains(&beginning.locator().number())).collect()
    }

    /// Whether a caller that asks would have to wait.
    pub(in crate::engine) fn waits(&self, id: TextId, client: Option<IpAddr>) -> bool {
        self.shared.state().queue.has_room(id, Origin::of(client), self.clock.now())
    }

    /// Returns the key with this text.
    ///
    /// # Errors
    /// [`EngineError::Undecided`] when the queue is full, or the check takes too long: the caller tries again later.
    pub(in crate::engine) fn ask(
        &self,
        asked: Asked<'_>,
        patience: WaitPolicy,
    ) -> Result<Option<Match>, EngineError> {
        let Asked { id, text, beginnings, client } = asked;
        let undecided =
            || EngineError::Undecided { retry_after_seconds: limits::UNDECIDED_RETRY_AFTER_SECONDS };
        let (origin, now) = (Origin::of(client), self.clock.now());
        let there = Arc::new(());
        let (answer, answered) = sync_channel(1);
        let client = Client { answer, there: Arc::downgrade(&there) };
        let mut state = self.shared.state();
        if state.stopped {
            return Err(EngineError::Stopped);
        }
        if patience == WaitPolicy::NoWait && state.queue.has_room(id, origin, now) {
            return Err(undecided());
        }
        let keys = state.keys;
        let room = state.queue.ask(id, origin, now, client, || Job {
            text: Zeroizing::new(text.to_owned()),
            beginnings,
            after: None,
            candidates: VecDeque::new(),
            keys,
        });
        drop(state);
        match room {
            Room::Refused => Ok(None),
            Room::None => Err(undecided()),
            Room::Taken => {
                self.shared.news.notify_one();
                let answer = answered.recv_timeout(limits::CHECK_WAIT);
                // The queue counts this caller as waiting until here.
                drop(there);
                answer.map_err(|_| undecided())
            }
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Worker {
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    hot: Arc<HotState>,
}

impl Worker {
    fn run(&self) {
        stand_back();
        while let Some((id, mut job)) = self.next() {
            let step = self.step(&mut job);
            let now = self.clock.now();
            if let Ok(Step::Found(found)) = step {
                let text = UncheckedKey::new(job.text.as_str().to_owned());
                self.hot.rehashes.adopt(found.key, found.secret, text);
            }
            let mut state = self.shared.state();
            let (waiters, answer) = match step {
                Ok(Step::More(worked)) => {
                    state.queue.back(id, job, worked, now);
                    continue;
                }
                Ok(Step::Found(found)) => (state.queue.done(id, now), Some(found)),
                Ok(Step::Nobody) if state.keys == job.keys => (state.queue.refuse(id, now), None),
                // The text may be of a key that was imported meanwhile; the next try finds it.
                Ok(Step::Nobody) => {
                    state.queue.done(id, now);
                    continue;
                }
                Err(error) => {
                    state.queue.done(id, now);
                    tracing::error!(%error, "a text could not be compared with salted hashes");
                    continue;
                }
            };
            drop(state);
            // A caller that gave up does not need the result.
            for waiter in waiters {
                let _ = waiter.answer.send(answer);
            }
        }
    }

    /// Waits for the next check; `None` after a stop.
    fn next(&self) -> Option<(TextId, Job)> {
        let mut state = self.shared.state();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(next) = state.queue.next(self.clock.now()) {
                return Some(next);
            }
            state = self.shared.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Does one step of a check: short, unless a single comparison is long.
    fn step(&self, job: &mut Job) -> Result<Step, EngineError> {
        let mut worked = Duration::ZERO;
        while worked < limits::CHECK_STEP {
            let Some((found, hash)) = job.candidates.pop_front() else {
                let Some(beginning) = job.beginnings.last() else { return Ok(Step::Nobody) };
                match self.candidates(beginning, job.after.as_deref())? {
                    Some((candidates, last)) => (job.candidates, job.after) = (candidates, Some(last)),
                    None => {
                        job.beginnings.pop();
                        job.after = None;
                    }
                }
                worked += limits::CHECK_PAGE_TAKES;
                continue;
            };
            worked += hash.takes();
            if hash.is_of(&job.text) {
                return Ok(Step::Found(found));
            }
        }
        Ok(Step::More(worked))
    }

    /// Returns the next hashes with this prefix, and the store key of the last one. Skips revoked keys, which never
    /// verify.
    fn candidates(&self, beginning: &Prefix, after: Option<&[u8]>) -> Result<Option<Page>, EngineError> {
        let entries = self.store.scan(&schema::slow_of(beginning.as_str()), after, limits::CHECK_PAGE)?;
        let mut candidates = VecDeque::new();
        for id in entries.iter().filter_map(|entry| schema::indexed_id(&entry.key)) {
            let Some(entry) = self.store.get(&schema::key(&id))? else { continue };
            let key = Key::from_entry(&entry)?;
            let secrets = key.secrets.all().filter(|secret| key.is_live() && secret.prefix == *beginning);
            candidates.extend(secrets.filter_map(|secret| {
                Some((Match { key: key.id, secret: secret.hash }, secret.imported_hash.clone()?))
            }));
        }
        Ok(entries.into_iter().last().map(|last| (candidates, last.key)))
    }
}

/// Lowers the priority of the thread below serving and logins. If it fails, checks still work, at the cost of serving.
fn stand_back() {
    if let Err(error) = rustix::process::setpriority_process(None, limits::NICENESS_MAX) {
        tracing::warn!(%error, "salted hashes are checked at normal priority");
    }
}
