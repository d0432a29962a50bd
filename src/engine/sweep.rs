//! What is written behind: uses of keys, and hashes under the current pepper.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::index::HotIndex;
use crate::key::PepperRing;
use crate::limits;

use super::operation::Operation;
use super::rehash::Rehashes;
use super::usage::Pending;
use super::{EngineError, rehash, usage};

/// Collects what is to be written, a bounded piece at a time, so that no caller waits long behind it.
pub(super) struct Sweep {
    pub(super) index: Arc<HotIndex>,
    pub(super) uses: Arc<Pending>,
    pub(super) rates: Arc<crate::index::Rates>,
    pub(super) rehashes: Arc<Rehashes>,
    pub(super) peppers: Arc<PepperRing>,
    pub(super) entropy: Arc<dyn Entropy>,
    /// When everything was last collected.
    pub(super) last: Timestamp,
}

/// One piece of it, to be run as an operation.
pub(super) type Piece = Box<dyn FnMut(&mut Operation<'_>) -> Result<(), EngineError> + Send>;

impl Sweep {
    /// Whether it is time to collect.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        // A clock that went back does not put it off.
        now >= self.last.plus_ms(limits::USAGE_SWEEP_SECONDS * 1_000)
            || now < self.last
            || self.uses.are_many()
    }

    /// The next piece; `None` when everything is collected.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Piece> {
        let hashes = self.rehashes.take(limits::USES_WRITTEN_MAX);
        if !hashes.is_empty() {
            let (peppers, entropy) = (Arc::clone(&self.peppers), Arc::clone(&self.entropy));
            return Some(Box::new(move |operation| {
                rehash::write(operation, &hashes, &peppers, entropy.as_ref())
            }));
        }
        let mut used = self.uses.take(limits::USES_WRITTEN_MAX);
        if used.is_empty() {
            used = self.index.take_uses(now, limits::USES_WRITTEN_MAX);
        }
        if used.is_empty() {
            self.last = now;
            self.rates.sweep(now);
            return None;
        }
        Some(Box::new(move |operation| usage::write(operation, &used)))
    }
}
