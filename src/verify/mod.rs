//! The read path: is this key good, here and now? No write, no lock held across I/O.

#![deny(clippy::wildcard_enum_match_arm)]

mod explain;
mod judge;
#[cfg(test)]
mod tests;
mod verdict;
mod verdict_counters;

pub use explain::Explanation;
pub use judge::{Check, checks, judge};
pub use verdict::{DenyReason, Identity, Verdict};
pub use verdict_counters::Verdicts;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use verdict_counters::VerdictCounters;

use crate::clock::Timestamp;
use crate::engine::{EngineError, Reader, WaitPolicy};
use crate::index::{Found, Look, Spot};
use crate::key::{Keyspace, Level, Owner, PresentedKey, Spend, UserId};
use crate::limits;

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
    /// Whether there is time to wait, where it takes that to know a key of another system.
    pub patience: WaitPolicy,
}

impl<'a> VerifyRequest<'a> {
    /// Whether `text` is a good key of `keyspace` at all, used once from nobody knows where.
    pub fn new(keyspace: &'a Keyspace, text: &'a str) -> Self {
        Self {
            keyspace,
            text,
            client: None,
            level: Level::AUTHENTICATE,
            spend: Spend::default(),
            patience: WaitPolicy::MayWait,
        }
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
/// let (verifier, text) = (Verifier::new(engine.reader()), text.reveal());
/// let request = VerifyRequest { level: Level::READ, ..VerifyRequest::new(&Keyspace::NATIVE, &text) };
/// assert!(matches!(verifier.verify(&request)?, Verdict::Allow(identity) if identity.user == flo.id));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    reader: Reader,
    counters: Arc<VerdictCounters>,
}

impl Verifier {
    /// A verifier over what `reader` sees.
    pub fn new(reader: Reader) -> Self {
        Self { reader, counters: Arc::new(VerdictCounters::new()) }
    }

    /// The verdicts so far, of this verifier and its clones.
    pub fn verdicts(&self) -> Verdicts {
        self.counters.read()
    }

    /// What it sees.
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Decides whether the presented key may be used as asked, now. An allowed use is counted, and spent from the
    /// key's rate limits; a denied one is neither.
    ///
    /// Waits for nothing once [`Engine::index_state`](crate::engine::Engine::index_state) is ready; before that it
    /// reads the store. Where [`Verifier::may_wait`] says so, a text that begins like an imported key waits for a salted
    /// hash to be computed, or for several.
    ///
    /// # Errors
    /// [`EngineError`] means "could not decide" and must never be read as allow: answer with a server error.
    ///
    /// # Security
    /// A key of the right form that nobody has costs no more than a good one; tell callers outside no more than
    /// allowed or refused.
    #[inline(always)]
    pub fn verify(&self, request: &VerifyRequest<'_>) -> Result<Verdict, EngineError> {
        let format = request.keyspace.format();
        let mut verdict = Ok(Verdict::Deny(DenyReason::Malformed));
        self.reader.spot(format.locator(request.text), |spot| {
            // Before the text is looked at more closely: it takes as long as all the rest, or longer.
            spot.prefetch();
            if let Ok(presented) = format.parse(request.text) {
                self.decide(&spot, request, &presented, &mut verdict);
            }
        });
        self.or_foreign(request, &mut verdict);
        self.counted(&verdict);
        verdict
    }

    /// Whether deciding takes waiting for a salted hash of another system to be computed. Otherwise it takes none once the
    /// index is ready.
    ///
    /// # Security
    /// With [`WaitPolicy::NoWait`] deciding never waits, whatever became of the text meanwhile.
    pub fn may_wait(&self, request: &VerifyRequest<'_>) -> bool {
        self.reader.may_wait_for(request.text, request.client) && !self.is_own(request)
    }

    /// Whether the text is one that was issued here.
    fn is_own(&self, request: &VerifyRequest<'_>) -> bool {
        let mut is_own = false;
        if let Ok(presented) = request.keyspace.format().parse(request.text) {
            let looked = self.reader.look_up(&presented, &mut |_: &Found<'_>| is_own = true);
            is_own &= looked.is_ok();
        }
        is_own
    }

    #[inline(always)]
    fn counted(&self, verdict: &Result<Verdict, EngineError>) {
        if let Ok(verdict) = verdict {
            self.counters.count(verdict);
        }
    }

    /// Where the text is nobody's and there are keys of other systems, it may be one of theirs. In place: a verdict is not
    /// copied on its way out.
    #[inline(always)]
    fn or_foreign(&self, request: &VerifyRequest<'_>, verdict: &mut Result<Verdict, EngineError>) {
        if matches!(verdict, Ok(Verdict::Deny(DenyReason::Malformed | DenyReason::Unknown)))
            && self.reader.has_imported_hashes()
        {
            self.decide_foreign(request, verdict);
        }
    }

    #[cold]
    fn decide_foreign(&self, request: &VerifyRequest<'_>, verdict: &mut Result<Verdict, EngineError>) {
        let (reader, now) = (&self.reader, self.reader.now());
        let mut decision = Decision { reader, request, now, verdict };
        let looked = reader.look_up_imported(request.text, request.client, request.patience, &mut decision);
        if let Err(error) = looked {
            *verdict = Err(error);
        }
    }

    /// Decides about many keys, one after the other, each as [`Verifier::verify`] does, in less time: the processor
    /// fetches what it needs for the next ones meanwhile.
    ///
    /// ```
    /// # use keyward::engine::{Engine, Parts};
    /// # use keyward::entropy::OsEntropy;
    /// # use keyward::key::{Keyspace, PepperRing};
    /// # use keyward::store::MemoryStore;
    /// # use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};
    /// # let engine = Engine::open(Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy)?))?;
    /// # let verifier = Verifier::new(engine.reader());
    /// let texts = ["kw_1", "kw_2"];
    /// let requests = texts.map(|text| VerifyRequest::new(&Keyspace::NATIVE, text));
    /// let verdicts = verifier.verify_all(&requests).collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(verdicts, [Verdict::Deny(DenyReason::Malformed); 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Of each as [`Verifier::verify`].
    pub fn verify_all<'a>(
        &'a self,
        requests: &'a [VerifyRequest<'a>],
    ) -> impl ExactSizeIterator<Item = Result<Verdict, EngineError>> {
        BatchVerify::new(self, requests)
    }

    /// Decides into `verdict`, which is not copied on its way out then.
    #[inline(always)]
    fn decide(
        &self,
        spot: &Spot<'_>,
        request: &VerifyRequest<'_>,
        presented: &PresentedKey<'_>,
        verdict: &mut Result<Verdict, EngineError>,
    ) {
        let (reader, now) = (&self.reader, self.reader.now());
        *verdict = Ok(Verdict::Deny(DenyReason::Unknown));
        let looked = reader.look_up_at(spot, presented, &mut Decision { reader, request, now, verdict });
        if let Err(error) = looked {
            *verdict = Err(error);
        }
    }

    /// Reads the key text, if it can be one, and has the processor fetch what decides about it.
    fn begin<'a>(&self, request: &VerifyRequest<'a>) -> Option<PresentedKey<'a>> {
        let format = request.keyspace.format();
        self.reader.spot(format.locator(request.text), |spot| spot.prefetch());
        format.parse(request.text).ok()
    }

    /// What is known of the owner of an allowed key; `None` when that user was removed in between.
    ///
    /// # Errors
    /// [`EngineError`] when it could not be read.
    pub fn owner(&self, id: UserId) -> Result<Option<Arc<Owner>>, EngineError> {
        self.reader.owner(id)
    }
}

/// A decision that is being made.
struct Decision<'a> {
    reader: &'a Reader,
    request: &'a VerifyRequest<'a>,
    now: Timestamp,
    /// Where it is written, so that it is not copied on its way out.
    verdict: &'a mut Result<Verdict, EngineError>,
}

impl Look for Decision<'_> {
    #[inline(always)]
    fn look(&mut self, found: &Found<'_>) {
        let Self { reader, request, now, ref mut verdict } = *self;
        **verdict = Ok(judge(found.record, found.owner, request, now));
        let identity = match verdict {
            Ok(Verdict::Allow(identity)) => identity,
            Ok(Verdict::Deny(reason)) => {
                reader.note_denied(found.record.id, reason.code(), request.client);
                return;
            }
            Err(_) => return,
        };
        match reader.spend(found.record, request.spend, now) {
            Ok(quota) => {
                identity.quota = quota;
                reader.note_use(found, now, request.client.as_ref());
            }
            Err(over) => {
                let reason = DenyReason::from(over);
                reader.note_denied(found.record.id, reason.code(), request.client);
                **verdict = Ok(Verdict::Deny(reason));
            }
        }
    }
}

/// The verdicts on a list of requests, in their order.
struct BatchVerify<'a> {
    verifier: &'a Verifier,
    requests: &'a [VerifyRequest<'a>],
    /// The next to decide.
    at: usize,
    /// The keys of the next ones, each at its place modulo the length.
    begun: [Option<PresentedKey<'a>>; limits::PREFETCHED_KEYS_MAX],
}

impl<'a> BatchVerify<'a> {
    fn new(verifier: &'a Verifier, requests: &'a [VerifyRequest<'a>]) -> Self {
        let begun = std::array::from_fn(|at| requests.get(at).and_then(|request| verifier.begin(request)));
        Self { verifier, requests, at: 0, begun }
    }
}

impl Iterator for BatchVerify<'_> {
    type Item = Result<Verdict, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let request = self.requests.get(self.at)?;
        let begun = self.begun.get_mut(self.at % limits::PREFETCHED_KEYS_MAX)?;
        let following = self.requests.get(self.at + limits::PREFETCHED_KEYS_MAX);
        let following = following.and_then(|request| self.verifier.begin(request));
        self.at += 1;
        let mut verdict = Ok(Verdict::Deny(DenyReason::Malformed));
        if let Some(presented) = std::mem::replace(begun, following) {
            self.verifier.reader.spot(presented.locator(), |spot| {
                self.verifier.decide(&spot, request, &presented, &mut verdict);
            });
        }
        self.verifier.or_foreign(request, &mut verdict);
        self.verifier.counted(&verdict);
        Some(verdict)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.requests.len() - self.at;
        (left, Some(left))
    }
}

impl ExactSizeIterator for BatchVerify<'_> {}
