//! The judgement: a pure function of record, owner, request and time.

use super::{DenyReason, Identity, Verdict, VerifyRequest};
use crate::clock::Timestamp;
use crate::key::{HotView, OwnerRights, SecretState, UserStatus};

/// Judges the record of a presented key. The checks, in this order: the owner exists, keyspace, state, the owner's status,
/// expiry, allowlist, level, the named rate limit exists. Does not read the request's text, and does not spend from rate
/// limits: the verifier does after this allows the key.
///
/// ```
/// use keyward::clock::Timestamp;
/// use keyward::key::*;
/// use keyward::verify::{DenyReason, Verdict, VerifyRequest, judge};
/// let record = HotRecord {
///     id: KeyId::from_bytes([1; 16]),
///     keyspace: *Keyspace::NATIVE.name(),
///     owner: UserId(1),
///     level: Level::READ,
///     secret_state: SecretState::Suspended,
///     expiry: Expiry::Never,
///     allowlist: Allowlist::Anyone,
///     rate_limits: RateLimits::none(),
/// };
/// let owner = OwnerRights { level: Level::OWN, status: UserStatus::Active };
/// let request = VerifyRequest::new(&Keyspace::NATIVE, "");
/// let verdict = judge(record.view(), Some(owner), &request, Timestamp::from_unix_ms(0));
/// assert_eq!(verdict, Verdict::Deny(DenyReason::Suspended));
/// ```
#[inline(always)]
pub fn judge(
    record: HotView<'_>,
    owner: Option<OwnerRights>,
    request: &VerifyRequest<'_>,
    now: Timestamp,
) -> Verdict {
    let Some(owner) = owner else { return Verdict::Deny(DenyReason::OwnerGone) };
    let level = record.level.min(owner.level);
    let denied = if *record.keyspace != *request.keyspace.name() {
        Some(DenyReason::WrongKeyspace)
    } else if let Some(reason) = secret_state(record.secret_state, now) {
        Some(reason)
    } else if owner.status != UserStatus::Active {
        Some(DenyReason::OwnerNotActive)
    } else if record.expiry.reached(now) {
        Some(DenyReason::Expired)
    } else if !record.allowlist.allows(request.client) {
        Some(DenyReason::AddressNotAllowed)
    } else if level < request.level {
        Some(DenyReason::LevelTooLow { have: level })
    } else if !record.rate_limits.cover(request.spend) {
        Some(DenyReason::NoSuchLimit)
    } else {
        None
    };
    denied.map_or_else(
        || {
            Verdict::Allow(Identity {
                key: record.id,
                user: record.owner,
                keyspace: *record.keyspace,
                level,
                expiry: record.expiry,
                quota: None,
            })
        },
        Verdict::Deny,
    )
}

/// Returns every check in order, including those after the first that denies. The first deny reason is [`judge`]'s.
pub fn checks(
    record: HotView<'_>,
    owner: Option<OwnerRights>,
    request: &VerifyRequest<'_>,
    now: Timestamp,
) -> Vec<(Check, Option<DenyReason>)> {
    let active = owner.is_some_and(|owner| owner.status == UserStatus::Active);
    let level = owner.map(|owner| record.level.min(owner.level)).unwrap_or(record.level);
    let unless = |holds: bool, reason| (!holds).then_some(reason);
    vec![
        (Check::Owner, unless(owner.is_some(), DenyReason::OwnerGone)),
        (Check::Keyspace, unless(*record.keyspace == *request.keyspace.name(), DenyReason::WrongKeyspace)),
        (Check::State, secret_state(record.secret_state, now)),
        (Check::OwnerStatus, unless(active || owner.is_none(), DenyReason::OwnerNotActive)),
        (Check::Expiry, unless(!record.expiry.reached(now), DenyReason::Expired)),
        (Check::Address, unless(record.allowlist.allows(request.client), DenyReason::AddressNotAllowed)),
        (Check::Level, unless(level >= request.level, DenyReason::LevelTooLow { have: level })),
        (Check::Limit, unless(record.rate_limits.cover(request.spend), DenyReason::NoSuchLimit)),
    ]
}

/// Checks of [`judge`], in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The owner exists.
    Owner,
    /// The key is of the keyspace.
    Keyspace,
    /// The key is neither suspended, revoked nor rotated out.
    State,
    /// The owner is active.
    OwnerStatus,
    /// The key has not expired.
    Expiry,
    /// The allowlist contains the address.
    Address,
    /// The level is high enough.
    Level,
    /// The key has the rate limit that the request names, if it names one.
    Limit,
}

fn secret_state(secret_state: SecretState, now: Timestamp) -> Option<DenyReason> {
    match secret_state {
        SecretState::Active => None,
        SecretState::Retiring { until } => (now >= until).then_some(DenyReason::RotatedOut),
        SecretState::Suspended => Some(DenyReason::Suspended),
        SecretState::Revoked => Some(DenyReason::Revoked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;
    use crate::key::{Allowlist, Expiry, HotRecord, KeyId, Keyspace, Level, RateLimits, Role, UserId};

    const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000);

    fn record() -> HotRecord {
        HotRecord {
            id: KeyId::generate(&OsEntropy).unwrap(),
            keyspace: *Keyspace::FILEBIN.name(),
            owner: UserId(1),
            level: Level::OWN,
            secret_state: SecretState::Active,
            expiry: Expiry::Never,
            allowlist: Allowlist::Anyone,
            rate_limits: RateLimits::none(),
        }
    }

    fn owner() -> OwnerRights {
        OwnerRights { level: Role::User.level(), status: UserStatus::Active }
    }

    fn denied(record: &HotRecord, owner: &OwnerRights) -> Option<DenyReason> {
        let keyspace = Keyspace::FILEBIN;
        let client = Some("10.0.0.1".parse().unwrap());
        let request = VerifyRequest { client, level: Level::READ, ..VerifyRequest::new(&keyspace, "") };
        match judge(record.view(), Some(*owner), &request, NOW) {
            Verdict::Allow(_) => None,
            Verdict::Deny(reason) => Some(reason),
        }
    }

    #[test]
    fn each_fault_alone_denies_with_its_own_reason() {
        let (good, flo) = (record(), owner());
        assert_eq!(denied(&good, &flo), None);
        let wrong = [
            (HotRecord { keyspace: "native".parse().unwrap(), ..good.clone() }, DenyReason::WrongKeyspace),
            (HotRecord { secret_state: SecretState::Suspended, ..good.clone() }, DenyReason::Suspended),
            (HotRecord { secret_state: SecretState::Revoked, ..good.clone() }, DenyReason::Revoked),
            (
                HotRecord { secret_state: SecretState::Retiring { until: NOW }, ..good.clone() },
                DenyReason::RotatedOut,
            ),
            (HotRecord { expiry: Expiry::At(NOW), ..good.clone() }, DenyReason::Expired),
            (
                HotRecord { allowlist: "10.0.0.2".parse().unwrap(), ..good.clone() },
                DenyReason::AddressNotAllowed,
            ),
            (
                HotRecord { level: Level::AUTHENTICATE, ..good.clone() },
                DenyReason::LevelTooLow { have: Level::AUTHENTICATE },
            ),
        ];
        for (record, reason) in wrong {
            assert_eq!(denied(&record, &flo), Some(reason));
        }
        for status in [UserStatus::Inactive, UserStatus::Blocked] {
            assert_eq!(denied(&good, &OwnerRights { status, ..flo }), Some(DenyReason::OwnerNotActive));
        }
    }

    #[test]
    fn the_last_millisecond_before_an_end_still_counts() {
        let (good, flo) = (record(), owner());
        assert_eq!(denied(&HotRecord { expiry: Expiry::At(NOW.plus_ms(1)), ..good.clone() }, &flo), None);
        let retiring = SecretState::Retiring { until: NOW.plus_ms(1) };
        assert_eq!(denied(&HotRecord { secret_state: retiring, ..good }, &flo), None);
    }

    #[test]
    fn a_demoted_owner_takes_the_key_along() {
        let flo = OwnerRights { level: Role::ReadSome.level(), ..owner() };
        assert_eq!(denied(&record(), &flo), Some(DenyReason::LevelTooLow { have: Role::ReadSome.level() }));
    }
}
