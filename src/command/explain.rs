//! Dry runs of keys: what verifying would answer, with the reasons.

use crate::login::Caller;
use crate::verify::{Explanation, Verdict};

/// Answer of a dry run, as far as the caller may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// Whether the key would be allowed, rate limits aside.
    pub allowed: bool,
    /// Reasons and owner; for administrators only.
    pub explanation: Option<Explanation>,
}

impl DryRun {
    /// Leaves out of `explanation` what `caller` may not know.
    pub(super) fn for_caller(caller: &Caller, explanation: Explanation) -> Self {
        let allowed = matches!(explanation.verdict, Verdict::Allow(_));
        Self { allowed, explanation: caller.sees_everything().then_some(explanation) }
    }
}
