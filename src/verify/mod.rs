//! The read path: is this key good, here and now? No write, no lock held across I/O.

#![deny(clippy::wildcard_enum_match_arm)]

mod judge;
mod verdict;

pub use judge::judge;
pub use verdict::{DenyReason, Identity, Verdict};

use std::fmt;
use std::net::IpAddr;

use crate::engine::{EngineError, Reader};
use crate::key::{Keyspace, Level};

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
}

impl fmt::Debug for VerifyRequest<'_> {
    /// Everything but the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("VerifyRequest");
        shown
            .field("keyspace", self.keyspace.name())
            .field("client", &self.client)
            .field("level", &self.level);
        shown.finish_non_exhaustive()
    }
}

/// Decides about presented keys.
#[derive(Clone)]
pub struct Verifier {
    reader: Reader,
}

impl Verifier {
    /// A verifier over what `reader` sees.
    pub const fn new(reader: Reader) -> Self {
        Self { reader }
    }

    /// Decides whether the presented key may be used as asked, now.
    ///
    /// # Errors
    /// [`EngineError`] means "could not decide" and must never be read as allow: answer with a server error.
    ///
    /// # Security
    /// A key of the right form costs the same whether it is known or not; tell callers outside no more than
    /// allowed or refused.
    pub fn verify(&self, request: &VerifyRequest<'_>) -> Result<Verdict, EngineError> {
        let Ok(presented) = request.keyspace.format().parse(request.text) else {
            return Ok(Verdict::Deny(DenyReason::Malformed));
        };
        let Some(record) = self.reader.hot_record(&presented)? else {
            return Ok(Verdict::Deny(DenyReason::Unknown));
        };
        let Some(owner) = self.reader.user(record.owner)? else {
            return Ok(Verdict::Deny(DenyReason::OwnerGone));
        };
        let verdict = judge(&record, &owner, request, self.reader.now());
        if let Verdict::Allow(identity) = &verdict {
            self.reader.note_use(identity.key, request.client);
        }
        Ok(verdict)
    }
}
