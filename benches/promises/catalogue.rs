//! A store of any number of keys that takes little memory and no time to fill: its hot records are made when they
//! are read. What else is written goes into memory.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keyward::engine::{Engine, IndexState, NewUser, Parts};
use keyward::entropy::{Entropy, EntropyError, OsEntropy};
use keyward::key::{
    Actor, Allowlist, Expiry, HotRecord, KeyFormat, KeyId, Keyspace, Level, PepperRing, PresentedKey,
    RateLimits, Role, SecretState, UserId,
};
use keyward::store::codec::Record as _;
use keyward::store::{Batch, Change, Entry, MemoryStore, Revision, Store, StoreError, schema};

/// Whom the keys belong to, evenly.
const USERS: u64 = 1_000;

/// The n-th key text of the n-th id; of another id or with another secret, the text of no key.
pub(crate) fn text(id: u64, secret: u64) -> String {
    let id = KeyId::from_bytes(*blake3::hash(&id.to_le_bytes()).as_bytes().first_chunk().unwrap());
    let (text, _) =
        KeyFormat::Native.issue(id, &Numbered { number: secret, calls: AtomicU64::new(0) }).unwrap();
    text.reveal().to_string()
}

/// Randomness that a number decides.
struct Numbered {
    number: u64,
    calls: AtomicU64,
}

impl Entropy for Numbered {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.number.to_le_bytes()).update(&call.to_le_bytes());
        hasher.finalize_xof().fill(bytes);
        Ok(())
    }
}

/// The store. Key n has the text `text(n, n)`.
pub(crate) struct Catalogue {
    /// Hash and locator of every key, in order.
    traces: Vec<([u8; 32], u32)>,
    allowlist: Allowlist,
    rest: MemoryStore,
}

impl Catalogue {
    /// The store of `keys` native keys, and the peppers it was made under.
    pub(crate) fn new(keys: u64, allowlist: Allowlist) -> (Self, PepperRing) {
        let peppers = PepperRing::generate(&OsEntropy).unwrap();
        let (_, pepper) = peppers.current();
        let mut traces = vec![([0; 32], 0); usize::try_from(keys).unwrap()];
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = traces.len().div_ceil(threads);
        std::thread::scope(|scope| {
            for (part, traces) in traces.chunks_mut(share).enumerate() {
                scope.spawn(move || {
                    for (trace, number) in traces.iter_mut().zip((part * share) as u64..) {
                        let text = text(number, number);
                        let key = parsed(&text);
                        *trace = (*pepper.hash(&key).as_bytes(), key.locator().number());
                    }
                });
            }
        });
        traces.sort_unstable();
        (Self { traces, allowlist, rest: MemoryStore::new() }, peppers)
    }

    /// What decides about the key of this trace.
    fn entry(&self, (hash, locator): &([u8; 32], u32)) -> Entry {
        let number = u64::from_be_bytes(*hash.first_chunk().unwrap());
        let record = HotRecord {
            id: KeyId::from_bytes(*hash.last_chunk().unwrap()),
            keyspace: *Keyspace::NATIVE.name(),
            owner: UserId(1 + number % USERS),
            level: Level::OWN,
            secret_state: SecretState::Active,
            expiry: Expiry::Never,
            allowlist: self.allowlist.clone(),
            rate_limits: RateLimits::none(),
        };
        Entry { key: schema::hot(hash, *locator), value: record.encode().unwrap(), version: Revision(1) }
    }
}

/// Opens the store and waits until the index is ready.
pub(crate) fn open(store: Catalogue, peppers: PepperRing) -> Engine {
    let engine = Engine::open(Parts::over(Arc::new(store), peppers)).unwrap();
    for number in 1..=USERS {
        let user = NewUser::person(format!("user-{number}").parse().unwrap(), Role::User, None);
        assert_eq!(engine.add_user(Actor::Operator, user).unwrap().id, UserId(number));
    }
    while engine.index_state() != IndexState::Ready {
        std::thread::sleep(Duration::from_millis(1));
    }
    engine
}

/// Where the keys are used from.
pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The text as a caller presented it.
pub(crate) fn parsed(text: &str) -> PresentedKey<'_> {
    Keyspace::NATIVE.format().parse(text).unwrap()
}

impl Store for Catalogue {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        match schema::hot_trace(key) {
            Some(trace) => Ok(self.traces.binary_search(&trace).is_ok().then(|| self.entry(&trace))),
            None => self.rest.get(key),
        }
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let Some(part) = prefix.strip_prefix(schema::HOT) else {
            return self.rest.scan(prefix, after, limit);
        };
        let from = match after.and_then(schema::hot_trace) {
            Some(after) => self.traces.partition_point(|trace| *trace <= after),
            None => self.traces.partition_point(|(hash, _)| hash.as_slice() < part),
        };
        let traces = self.traces.iter().skip(from).take_while(|(hash, _)| hash.starts_with(part));
        Ok(traces.take(limit).map(|trace| self.entry(trace)).collect())
    }

    fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        self.rest.commit(batch)
    }

    fn revision(&self) -> Revision {
        self.rest.revision()
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.rest.changes(after, limit)
    }

    fn closed(&self) -> Option<String> {
        self.rest.closed()
    }

    fn close(&self) -> Result<(), StoreError> {
        self.rest.close()
    }
}
