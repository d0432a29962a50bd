//! Dry runs of keys: what verifying would answer, with the reasons.

use crate::login::Caller;
use crate::verify::{Trial, Verdict};

/// Answer of a dry run, as far as the caller may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// Whether the key would be allowed, rate limits aside.
    pub allowed: bool,
    /// Reasons and owner; for administrators only.
    pub trial: Option<Trial>,
}

impl DryRun {
    /// Leaves out of `trial` what `caller` may not know.
    pub(super) fn for_caller(caller: &Caller, trial: Trial) -> Self {
        let allowed = matches!(trial.verdict, Verdict::Allow(_));
        Self { allowed, trial: caller.sees_everything().then_some(trial) }
    }
}
