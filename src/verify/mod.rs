//! The read path: is this key good, here and now? No write, no lock held across I/O.

#![deny(clippy::wildcard_enum_match_arm)]

mod judge;
mod verdict;

pub use judge::judge;
pub use verdict::{DenyReason, Identity, Verdict};

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::engine::{EngineError, Found, Reader};
use crate::key::{Keyspace, Level, Owner, Spend, UserId};

/// What is asked of a presented key.
#[derive(Clone)]
pub struct VerifyRequest<'a> {
    /// The set of keys it has to belong to.
    pub keyspace: &'a Keyspace,
    /// The key text as presented; untrusted.
    pub text: &'a str,
    /// Where it was used from, if known.
    pub client: Option<IpAddr>,
    /// The level it has to have.
    pub level: Level,
    /// What the use costs, where the key has rate limits.
    pub spend: Spend,
}

impl<'a> VerifyRequest<'a> {
    /// Whether `text` is a good key of `keyspace` at all, used once from nobody knows where.
    pub fn new(keyspace: &'a Keyspace, text: &'a str) -> Self {
        Self { keyspace, text, client: None, level: Level::AUTHENTICATE, spend: Spend::default() }
    }
}

impl fmt::Debug for VerifyRequest<'_> {
    /// Everything but the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("VerifyRequest");
        shown
            .field("keyspace", self.keyspace.name())
            .field("client", &self.client)
            .field("level", &self.level)
            .field("spend", &self.spend);
        shown.finish_non_exhaustive()
    }
}

/// Decides about presented keys. Clones share what they know.
///
/// ```
/// use keyward::engine::{Engine, NewKey, NewUser, Parts};
/// use keyward::entropy::OsEntropy;
/// use keyward::key::{Actor, Keyspace, Level, PepperRing, Role};
/// use keyward::store::MemoryStore;
/// use keyward::verify::{Verdict, Verifier, VerifyRequest};
///
/// let engine = Engine::open(Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy)?))?;
/// let flo = engine.add_user(Actor::Operator, NewUser::person("flo".parse()?, Role::User, None))?;
/// let new = NewKey::new(*Keyspace::NATIVE.name(), flo.id, Level::READ);
/// let (_, text) = engine.create_key(Actor::Operator, new)?;
///
/// let verifier = Verifier::new(engine.reader());
/// let request = VerifyRequest { level: Level::READ, ..VerifyRequest::new(&Keyspace::NATIVE, &text.reveal()) };
/// assert!(matches!(verifier.verify(&request)?, Verdict::Allow(identity) if identity.user == flo.id));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    reader: Reader,
}

impl Verifier {
    /// A verifier over what `reader` sees.
    pub const fn new(reader: Reader) -> Self {
        Self { reader }
    }

    /// Decides whether the presented key may be used as asked, now. An allowed use is counted, and spent from the
    /// key's rate limits; a denied one is neither.
    ///
    /// Waits for nothing once [`Engine::index_state`](crate::engine::Engine::index_state) is ready; before that it
    /// reads the store.
    ///
    /// # Errors
    /// [`EngineError`] means "could not decide" and must never be read as allow: answer with a server error.
    ///
    /// # Security
    /// A key of the right form that nobody has costs no more than a good one; tell callers outside no more than
    /// allowed or refused.
    pub fn verify(&self, request: &VerifyRequest<'_>) -> Result<Verdict, EngineError> {
        let Ok(presented) = request.keyspace.format().parse(request.text) else {
            return Ok(Verdict::Deny(DenyReason::Malformed));
        };
        let now = self.reader.now();
        self.reader.look_up(&presented, |found| {
            let Some(found) = found else { return Verdict::Deny(DenyReason::Unknown) };
            match judge(found.record, found.owner, request, now) {
                Verdict::Allow(identity) => spend(&found, identity, request, now),
                denied @ Verdict::Deny(_) => denied,
            }
        })
    }

    /// What is known of the owner of an allowed key; `None` when that user was removed in between.
    ///
    /// # Errors
    /// [`EngineError`] when it could not be read.
    pub fn owner(&self, id: UserId) -> Result<Option<Arc<Owner>>, EngineError> {
        self.reader.owner(id)
    }
}

/// Counts the use of a key that is good for it, if its rate limits have room.
fn spend(found: &Found<'_>, identity: Identity, request: &VerifyRequest<'_>, now: Timestamp) -> Verdict {
    match found.spend(request.spend, now) {
        Ok(quota) => {
            found.note_use(now, request.client);
            Verdict::Allow(Identity { quota, ..identity })
        }
        Err(over) => Verdict::Deny(DenyReason::RateLimited { quota: over.quota, retry_ms: over.retry_ms }),
    }
}
