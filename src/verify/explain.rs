//! Explain: the verdict on a key and every check that leads to it, without using the key.

use super::{Check, DenyReason, Verdict, Verifier, VerifyRequest, checks, judge};
use crate::clock::Timestamp;
use crate::engine::EngineError;
use crate::index::Found;
use crate::key::{KeyId, UserId};

/// Verdict on a key with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Verdict that a verify would reach, rate limits aside.
    pub verdict: Verdict,
    /// Key with this text and its owner, whether allowed or not; `None` when no key has the text.
    pub key: Option<(KeyId, UserId)>,
    /// Every check in order, with its deny reason; empty when no key has the text.
    pub checks: Vec<(Check, Option<DenyReason>)>,
}

impl Explanation {
    fn judge(&mut self, found: &Found<'_>, request: &VerifyRequest<'_>, now: Timestamp) {
        self.verdict = judge(found.record, found.owner, request, now);
        self.key = Some((found.record.id, found.record.owner));
        self.checks = checks(found.record, found.owner, request, now);
    }
}

impl Verifier {
    /// Explains the verdict on a key. Does not count a use, and does not spend from rate limits.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    ///
    /// # Security
    /// Says more about a key than a client may learn; it is for administrators.
    pub fn explain(&self, request: &VerifyRequest<'_>) -> Result<Explanation, EngineError> {
        let (reader, now) = (self.reader(), self.reader().now());
        let mut explanation =
            Explanation { verdict: Verdict::Deny(DenyReason::Malformed), key: None, checks: Vec::new() };
        let presented = request.keyspace.format().parse(request.text).ok();
        if let Some(presented) = &presented {
            reader.look_up(presented, &mut |found: &Found<'_>| explanation.judge(found, request, now))?;
        }
        // As in a verify, a key issued here takes precedence, whatever its state.
        if explanation.key.is_none() && reader.has_imported_hashes() {
            let mut look = |found: &Found<'_>| explanation.judge(found, request, now);
            reader.look_up_imported(request.text, request.client, request.patience, &mut look)?;
        }
        if presented.is_some() && explanation.key.is_none() {
            explanation.verdict = Verdict::Deny(DenyReason::Unknown);
        }
        Ok(explanation)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::*;

    fn time() -> impl Strategy<Value = Timestamp> {
        (0_u64..4).prop_map(Timestamp::from_unix_ms)
    }

    fn standings() -> impl Strategy<Value = SecretState> {
        prop_oneof![
            Just(SecretState::Active),
            time().prop_map(|until| SecretState::Retiring { until }),
            Just(SecretState::Suspended),
            Just(SecretState::Revoked),
        ]
    }

    fn levels() -> impl Strategy<Value = Level> {
        (0..=8_u8).prop_map(|number| Level::new(number).unwrap())
    }

    fn owners() -> impl Strategy<Value = Option<OwnerRights>> {
        let owner = (levels(), proptest::sample::select(&UserStatus::ALL[..]));
        proptest::option::of(owner.prop_map(|(level, status)| OwnerRights { level, status }))
    }

    proptest! {
        #[test]
        fn the_first_check_that_refuses_is_the_verdict(
            (secret_state, owner, level, asked) in (standings(), owners(), levels(), levels()),
            (end, now) in (proptest::option::of(time()), time()),
            (same, list) in (any::<bool>(), proptest::sample::select(vec!["", "10.0.0.1", "10.0.0.2"])),
        ) {
            let record = HotRecord {
                id: KeyId::from_bytes([1; 16]),
                keyspace: *if same { Keyspace::NATIVE } else { Keyspace::FILEBIN }.name(),
                owner: UserId(1),
                level,
                secret_state,
                expiry: end.map_or(Expiry::Never, Expiry::At),
                allowlist: list.parse().unwrap(),
                rate_limits: RateLimits::none(),
            };
            let client = Some("10.0.0.1".parse().unwrap());
            let request = VerifyRequest { client, level: asked, ..VerifyRequest::new(&Keyspace::NATIVE, "") };
            let first = checks(record.view(), owner, &request, now).into_iter().find_map(|(_, refused)| refused);
            match judge(record.view(), owner, &request, now) {
                Verdict::Allow(_) => prop_assert_eq!(first, None),
                Verdict::Deny(reason) => prop_assert_eq!(first, Some(reason)),
            }
        }
    }
}
