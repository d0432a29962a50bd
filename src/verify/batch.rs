//! Verify of many keys at once: the memory for the next keys is fetched while one key is judged.

use super::request::VerifyRequest;
use super::verdict::{DenyReason, Verdict};
use super::verifier::Verifier;
use crate::engine::EngineError;
use crate::key::PresentedKey;
use crate::limits;

impl Verifier {
    /// Decides about many keys in their order, each as [`Verifier::verify`] does, in less time: while one key is judged,
    /// the processor fetches the memory for the next ones.
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

    /// Prefetches the buckets of the key and parses its text; `None` when the text is no key.
    fn begin<'a>(&self, request: &VerifyRequest<'a>) -> Option<PresentedKey<'a>> {
        let format = request.keyspace.format();
        self.reader.bucket(format.locator(request.text), |bucket| bucket.prefetch());
        format.parse(request.text).ok()
    }
}

/// Iterator over the verdicts on a list of requests, in the order of the requests.
struct BatchVerify<'a> {
    verifier: &'a Verifier,
    requests: &'a [VerifyRequest<'a>],
    /// Index of the next request to decide.
    at: usize,
    /// Keys of the next requests, each at its index modulo the length.
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
            self.verifier.reader.bucket(presented.locator(), |bucket| {
                self.verifier.judge_into(&bucket, request, &presented, &mut verdict);
            });
        }
        self.verifier.try_imported(request, &mut verdict);
        self.verifier.counted(&verdict);
        Some(verdict)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.requests.len() - self.at;
        (left, Some(left))
    }
}

impl ExactSizeIterator for BatchVerify<'_> {}
