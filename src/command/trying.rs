//! Trying keys out, without using them.

use super::{Caller, CommandError, Service};
use crate::verify::{Trial, Verdict, VerifyRequest};

/// What a caller may know of a key that was tried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Whether it would be allowed, rate limits aside.
    pub allowed: bool,
    /// Why, and whose it is; for administrators.
    pub trial: Option<Trial>,
}

impl Service {
    /// Tries a key out: nothing is counted, spent or changed.
    ///
    /// # Errors
    /// [`CommandError::Engine`] when it could not be decided.
    ///
    /// # Security
    /// Whoever is no administrator learns what they would by using the key.
    pub fn try_key(&self, caller: &Caller, request: &VerifyRequest<'_>) -> Result<Tried, CommandError> {
        let trial = self.verifier.try_out(request)?;
        let allowed = matches!(trial.verdict, Verdict::Allow(_));
        Ok(Tried { allowed, trial: caller.sees_everything().then_some(trial) })
    }
}
