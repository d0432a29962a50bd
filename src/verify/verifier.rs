//! One verify from the key text to the verdict.
//!
//! The steps in [`Verifier::verify`]: prefetch the buckets that the key's prefix names, parse the text, hash it, look
//! the hash up (`engine/read/lookup.rs`), judge the record (`judge.rs`), spend from its rate limits and count the use. A
//! text that no key issued here has is then looked up among keys of other systems, if there are any.
//!
//! Verdicts are written where the caller reads them (`&mut Result<Verdict, _>`) and not moved: a move of what was
//! written a moment ago, in smaller pieces, makes the processor wait and keeps it from beginning the next key.

use std::sync::Arc;

use super::judge::judge;
use super::request::VerifyRequest;
use super::verdict::{DenyReason, Verdict};
use super::verdict_counters::{VerdictCounters, Verdicts};
use crate::clock::Timestamp;
use crate::engine::{EngineError, Reader};
use crate::index::{Bucket, Found, LookupVisitor};
use crate::key::{Owner, PresentedKey, UserId};

/// Verifier of presented keys. Clones share the counters of verdicts.
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
    pub(super) reader: Reader,
    counters: Arc<VerdictCounters>,
}

impl Verifier {
    /// Returns a verifier over the keys of `reader`.
    pub fn new(reader: Reader) -> Self {
        Self { reader, counters: Arc::new(VerdictCounters::new()) }
    }

    /// Number of verdicts so far, of this verifier and its clones.
    pub fn verdicts(&self) -> Verdicts {
        self.counters.read()
    }

    /// Reader that the verifier looks keys up with.
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Decides whether the presented key may be used as asked, now. An allowed use is counted, and spent from the
    /// key's rate limits; a denied one is neither.
    ///
    /// Does not wait once [`Engine::index_state`](crate::engine::Engine::index_state) is ready; before that it
    /// reads the store. Where [`Verifier::may_wait`] says so, a text that begins like an imported key waits for a salted
    /// hash to be computed, or for several.
    ///
    /// # Errors
    /// [`EngineError`] means "could not decide" and must never be read as allow: answer with a server error.
    ///
    /// # Security
    /// A text of the right form that is no key costs as much as an allowed key. Tell clients no more than allowed or
    /// denied.
    #[inline(always)]
    pub fn verify(&self, request: &VerifyRequest<'_>) -> Result<Verdict, EngineError> {
        let format = request.keyspace.format();
        let mut verdict = Ok(Verdict::Deny(DenyReason::Malformed));
        self.reader.bucket(format.locator(request.text), |bucket| {
            // Before the text is parsed: waiting for memory takes as long as all the rest, or longer.
            bucket.prefetch();
            if let Ok(presented) = format.parse(request.text) {
                self.judge_into(&bucket, request, &presented, &mut verdict);
            }
        });
        self.try_imported(request, &mut verdict);
        self.counted(&verdict);
        verdict
    }

    /// Whether the verdict may have to wait for a salted hash of another system to be computed.
    ///
    /// # Security
    /// With [`WaitPolicy::NoWait`](crate::engine::WaitPolicy::NoWait) a verify never waits, even if the answer here is outdated by then.
    pub fn may_wait(&self, request: &VerifyRequest<'_>) -> bool {
        self.reader.may_wait_for(request.text, request.client) && !self.is_own(request)
    }

    /// Whether the text is a key that was issued here.
    fn is_own(&self, request: &VerifyRequest<'_>) -> bool {
        let mut is_own = false;
        if let Ok(presented) = request.keyspace.format().parse(request.text) {
            let looked = self.reader.look_up(&presented, &mut |_: &Found<'_>| is_own = true);
            is_own &= looked.is_ok();
        }
        is_own
    }

    #[inline(always)]
    pub(super) fn counted(&self, verdict: &Result<Verdict, EngineError>) {
        if let Ok(verdict) = verdict {
            self.counters.count(verdict);
        }
    }

    /// Looks the text up among keys of other systems, if no key issued here has it and any were imported.
    #[inline(always)]
    pub(super) fn try_imported(
        &self,
        request: &VerifyRequest<'_>,
        verdict: &mut Result<Verdict, EngineError>,
    ) {
        if matches!(verdict, Ok(Verdict::Deny(DenyReason::Malformed | DenyReason::Unknown)))
            && self.reader.has_imported_hashes()
        {
            self.judge_imported(request, verdict);
        }
    }

    #[cold]
    fn judge_imported(&self, request: &VerifyRequest<'_>, verdict: &mut Result<Verdict, EngineError>) {
        let (reader, now) = (&self.reader, self.reader.now());
        let mut decision = Decision { reader, request, now, verdict };
        let looked = reader.look_up_imported(request.text, request.client, request.patience, &mut decision);
        if let Err(error) = looked {
            *verdict = Err(error);
        }
    }

    /// Looks the key up and writes the verdict about it to `verdict`.
    #[inline(always)]
    pub(super) fn judge_into(
        &self,
        bucket: &Bucket<'_>,
        request: &VerifyRequest<'_>,
        presented: &PresentedKey<'_>,
        verdict: &mut Result<Verdict, EngineError>,
    ) {
        let (reader, now) = (&self.reader, self.reader.now());
        *verdict = Ok(Verdict::Deny(DenyReason::Unknown));
        let looked = reader.look_up_at(bucket, presented, &mut Decision { reader, request, now, verdict });
        if let Err(error) = looked {
            *verdict = Err(error);
        }
    }

    /// Returns the owner of an allowed key; `None` when that user was removed since the verdict.
    ///
    /// # Errors
    /// [`EngineError`] when the owner could not be read.
    pub fn owner(&self, id: UserId) -> Result<Option<Arc<Owner>>, EngineError> {
        self.reader.owner(id)
    }
}

/// Visitor that judges the key which a look-up finds, spends from its rate limits and counts the use.
struct Decision<'a> {
    reader: &'a Reader,
    request: &'a VerifyRequest<'a>,
    now: Timestamp,
    /// Output slot: a verdict is written in place and not copied on its way out.
    verdict: &'a mut Result<Verdict, EngineError>,
}

impl LookupVisitor for Decision<'_> {
    #[inline(always)]
    fn visit(&mut self, found: &Found<'_>) {
        let Self { reader, request, now, ref mut verdict } = *self;
        **verdict = Ok(judge(found.record, found.owner, request, now));
        let identity = match verdict {
            Ok(Verdict::Allow(identity)) => identity,
            Ok(Verdict::Deny(reason)) => {
                reader.hot().record_denial(found.record.id, reason.code(), request.client);
                return;
            }
            Err(_) => return,
        };
        match reader.hot().spend(found.record, request.spend, now) {
            Ok(quota) => {
                identity.quota = quota;
                reader.hot().count_use(found, now, request.client.as_ref());
            }
            Err(over) => {
                let reason = DenyReason::from(over);
                reader.hot().record_denial(found.record.id, reason.code(), request.client);
                **verdict = Ok(Verdict::Deny(reason));
            }
        }
    }
}
